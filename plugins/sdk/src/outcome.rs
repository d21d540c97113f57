//! What becomes of each input row: rows, filtered, or rejected. Decided by what the author's function returns.

use std::borrow::Cow;
use std::fmt;

use crate::abi;
use crate::row::Row;

/// Refusal of one record, with a short code (`bad-uuid`) and a message for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub code: Cow<'static, str>,
    pub message: String,
}

/// One batch's outcome as it grows.
pub struct Settling<R: Row> {
    builders: R::Builders,
    filtered: Vec<u32>,
    rejects: Vec<abi::Reject>,
}

/// What a plugin's function may return.
#[diagnostic::on_unimplemented(
    message = "a plugin cannot return `{Self}`",
    label = "not something that a record can become",
    note = "supported: a row, Option<row>, Vec<row>, and Result<each of these, Reject>; a row derives Row"
)]
pub trait Return {
    type Row: Row;
    fn settle(self, row: u32, settling: &mut Settling<Self::Row>);
}

/// No row, one, or several; none filters the record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no rows",
    label = "not a row, nor an Option, Vec or array of rows",
    note = "put #[derive(Row)] on the struct or enum"
)]
pub trait IntoRows {
    type Row: Row;
    fn into_rows(self) -> impl Iterator<Item = Self::Row>;
}

impl Reject {
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Reject {}

impl<R: Row> Settling<R> {
    pub fn new(rows: usize) -> Self {
        Self {
            builders: R::builders(rows),
            filtered: Vec::new(),
            rejects: Vec::new(),
        }
    }

    pub fn finish(self) -> abi::Outcome {
        let mut rows = Vec::new();
        R::finish(self.builders, 0, &mut rows);
        abi::Outcome {
            rows,
            filtered: self.filtered,
            rejects: self.rejects,
        }
    }
}

impl<T: IntoRows> Return for T {
    type Row = T::Row;

    fn settle(self, row: u32, settling: &mut Settling<T::Row>) {
        let mut is_filtered = true;
        for given in self.into_rows() {
            is_filtered = false;
            given.append(&mut settling.builders, row);
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
            Err(Reject { code, message }) => {
                settling.rejects.push(abi::Reject {
                    row,
                    code: code.into_owned(),
                    message,
                });
            }
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
