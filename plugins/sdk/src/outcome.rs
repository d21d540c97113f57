//! Turns what the author's function returns into the outcome of each input row: rows, filtered, or rejected.

use std::borrow::Cow;
use std::fmt;

use crate::abi;
use crate::row::Row;

/// Refusal of one record. The host writes the record with both fields to the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// A short code for machines, such as `bad-uuid`: one code for each kind of refusal.
    pub code: Cow<'static, str>,
    /// What was wrong with this record, for people.
    pub message: String,
}

/// The outcome of one batch while it is being built.
pub struct Settling<R: Row> {
    builders: R::Builders,
    /// Further builders for rows that follow a row of a later output. With them the outcome keeps the order in which
    /// each record gave its rows.
    more: Vec<R::Builders>,
    filtered: Vec<u32>,
    rejects: Vec<abi::Reject>,
}

/// A type that a plugin's function may return: rows, or a `Result` of rows and [`Reject`].
#[diagnostic::on_unimplemented(
    message = "a plugin cannot return `{Self}`",
    label = "not something that a record can become",
    note = "supported: a row, Option<row>, Vec<row>, and Result<each of these, Reject>; a row derives Row"
)]
pub trait Return {
    /// The type of the rows.
    type Row: Row;
    /// The declaration of every output that the rows go to.
    fn outputs() -> Vec<abi::Output> {
        <Self::Row as Row>::outputs()
    }
    /// Makes the outcome of a batch of `rows` records. `fill` settles each of them.
    fn outcome(rows: usize, fill: impl FnOnce(&mut Settling<Self::Row>)) -> abi::Outcome {
        let mut settling = Settling::new(rows);
        fill(&mut settling);
        settling.finish()
    }
    /// Adds what became of input row `row`, counted from 0, to the outcome.
    fn settle(self, row: u32, settling: &mut Settling<Self::Row>);
}

/// Where the last row of a record went.
#[derive(Clone, Copy, Default)]
struct Last {
    /// 0 means `builders`, 1 the first of `more`.
    round: usize,
    output: u32,
}

/// No row, one row, or several. No row filters the record. Where several rows have the same key, the last one stands.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no rows",
    label = "not a row, nor an Option, Vec or array of rows",
    note = "put #[derive(Row)] on the struct or enum"
)]
pub trait IntoRows {
    /// The type of the rows.
    type Row: Row;
    /// Gives the rows in the order in which they are to be written.
    fn into_rows(self) -> impl Iterator<Item = Self::Row>;
}

impl Reject {
    /// Makes a refusal from a code and a message.
    ///
    /// ```
    /// # use transform_sdk::Reject;
    /// let reject = Reject::new("bad-uuid", format!("`{}` is not a UUID", "x-1"));
    /// assert_eq!(reject.to_string(), "bad-uuid: `x-1` is not a UUID");
    /// ```
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }

    /// The same refusal with another code.
    ///
    /// ```
    /// # use transform_sdk::{Reject, Uuid};
    /// let text = "x-1";
    /// let reject = Uuid::parse(text).map_err(|error| error.reject("id", text).with_code("bad-id"));
    /// assert_eq!(reject.unwrap_err().code, "bad-id");
    /// ```
    #[must_use]
    pub fn with_code(self, code: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: code.into(),
            ..self
        }
    }
}

/// The value, or a refusal of the record because `column` has none: code `missing-value`, message
/// "`column` has no value".
///
/// ```
/// use transform_sdk::{Reject, present, required};
///
/// fn status(text: Option<&str>) -> Result<&str, Reject> {
///     required("order_status", present(text))
/// }
///
/// assert_eq!(status(Some(" delivered ")), Ok("delivered"));
/// assert_eq!(status(Some("NULL")).unwrap_err().to_string(), "missing-value: order_status has no value");
/// ```
#[inline]
pub fn required<T>(column: &str, value: Option<T>) -> Result<T, Reject> {
    value.ok_or_else(|| missing("missing-value", column, "has no value"))
}

/// The same as [`required`] for a column of the key, without which a row has no place in its table: code
/// `missing-key`, message "`column` is part of the key and has no value".
#[inline]
pub fn required_key<T>(column: &str, value: Option<T>) -> Result<T, Reject> {
    value.ok_or_else(|| missing("missing-key", column, "is part of the key and has no value"))
}

#[cold]
fn missing(code: &'static str, column: &str, why: &str) -> Reject {
    Reject::new(code, format!("{column} {why}"))
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Reject {}

impl<R: Row> Settling<R> {
    /// Starts the outcome of a batch of `rows` records.
    pub fn new(rows: usize) -> Self {
        Self {
            builders: R::builders(rows),
            more: Vec::new(),
            filtered: Vec::new(),
            rejects: Vec::new(),
        }
    }

    /// Makes the outcome that the host gets.
    pub fn finish(self) -> abi::Outcome {
        let mut rows = Vec::new();
        R::finish(self.builders, 0, &mut rows);
        for builders in self.more {
            R::finish(builders, 0, &mut rows);
        }
        abi::Outcome {
            rows,
            filtered: self.filtered,
            rejects: self.rejects,
        }
    }

    /// Adds the refusal of input row `row`, counted from 0.
    pub fn refuse(&mut self, row: u32, reject: Reject) {
        let Reject { code, message } = reject;
        self.rejects.push(abi::Reject {
            row,
            code: code.into_owned(),
            message,
        });
    }

    /// Appends a record's next row after `last`, the one before it.
    #[inline]
    fn append(&mut self, given: R, row: u32, last: &mut Last) {
        let output = given.output();
        if output < last.output {
            last.round += 1;
        }
        last.output = output;
        let builders = match last.round.checked_sub(1) {
            None => &mut self.builders,
            Some(round) => {
                if round == self.more.len() {
                    self.more.push(R::builders(0));
                }
                &mut self.more[round]
            }
        };
        given.append(builders, row);
    }
}

impl<T: IntoRows> Return for T {
    type Row = T::Row;

    fn settle(self, row: u32, settling: &mut Settling<T::Row>) {
        let mut is_filtered = true;
        let mut last = Last::default();
        for given in self.into_rows() {
            is_filtered = false;
            settling.append(given, row, &mut last);
        }
        if is_filtered {
            settling.filtered.push(row);
        }
    }
}

impl<T: IntoRows> Return for Result<T, Reject> {
    type Row = T::Row;

    fn settle(self, row: u32, settling: &mut Settling<T::Row>) {
        match self {
            Ok(rows) => rows.settle(row, settling),
            Err(reject) => settling.refuse(row, reject),
        }
    }
}

impl<R: Row> IntoRows for R {
    type Row = R;

    fn into_rows(self) -> impl Iterator<Item = R> {
        std::iter::once(self)
    }
}

impl<R: Row> IntoRows for Option<R> {
    type Row = R;

    fn into_rows(self) -> impl Iterator<Item = R> {
        self.into_iter()
    }
}

impl<R: Row> IntoRows for Vec<R> {
    type Row = R;

    fn into_rows(self) -> impl Iterator<Item = R> {
        self.into_iter()
    }
}

impl<R: Row, const N: usize> IntoRows for [R; N] {
    type Row = R;

    fn into_rows(self) -> impl Iterator<Item = R> {
        self.into_iter()
    }
}
