//! Reads times and dates from text, in the form that the caller names.

use std::fmt;
use std::str::FromStr;

use super::cursor::{Cursor, thousandths};
use super::usual::usual;
use super::{MS_PER_DAY, MS_PER_SECOND};
use crate::value::{Date, Timestamp};

/// From 0001-01-01T00:00Z to before 10000-01-01T00:00Z, in milliseconds since 1970.
pub const YEARS: std::ops::Range<i64> = -719_162 * MS_PER_DAY..2_932_897 * MS_PER_DAY;

/// How a time or a date is written. Years are 1 to 9999, and a time without an offset is in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// ISO 8601 and RFC 3339, as most programs write it: `2017-10-02T10:56:33Z`; a blank for the `T`; without seconds,
    /// or with a fraction of them, which is cut after milliseconds; with an offset (`+02:00`, `+0200`, `+02`), `Z` or
    /// neither. A date alone is its midnight.
    Iso,
    /// The year last and the day before the month, each of one or two digits: `2/10/2017`, `02-10-2017 10:56:33`. A text
    /// that begins with a year of four digits is read as [`Iso`](Self::Iso), since it cannot be mistaken. The time of day
    /// and the offset are as in `Iso`.
    DayFirst,
    /// The same as [`DayFirst`](Self::DayFirst) with the month before the day: `10/2/2017 10:56`.
    MonthFirst,
    /// Seconds since 1970-01-01T00:00Z, with or without a sign and a fraction: `1506941793`, `1506941793.25`. What is
    /// finer than a millisecond is rounded down.
    EpochSeconds,
    /// Whole milliseconds since 1970-01-01T00:00Z, with or without a sign: `1506941793000`.
    EpochMillis,
}

/// The order of day and month in a date such as `3/4/2017`. No text tells it, so let the operator say it:
///
/// ```
/// use transform_sdk::{DateOrder, Settings, Timestamp};
///
/// #[derive(Settings)]
/// struct Import {
///     #[setting(default = "dmy")]
///     date_order: DateOrder, // --set date-order=mdy
/// }
///
/// let import = Import::from_list(&[("date-order".into(), "mdy".into())])?;
/// let at = Timestamp::parse("3/4/2017", import.date_order).map_err(|error| error.to_string())?;
/// assert_eq!(at.to_string(), "2017-03-04T00:00:00Z");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `3/4/2017` is the third of April. In settings and texts: `dmy`.
    DayFirst,
    /// `3/4/2017` is the fourth of March. In settings and texts: `mdy`.
    MonthFirst,
}

/// What the readers know of a form.
#[derive(Clone, Copy)]
enum Shape {
    /// A date has the year first or, with an order, also last.
    Dated(Option<DateOrder>),
    /// A number counts units of so many milliseconds.
    Counted(i64),
}

/// Reads a time.
#[inline]
pub fn timestamp(text: &str, form: TimeForm) -> Option<Timestamp> {
    let order = match form.shape() {
        Shape::Dated(order) => order,
        Shape::Counted(unit) => return counted(text, unit),
    };
    match text.as_bytes().try_into() {
        Ok(text) => usual(text).or_else(|| searched(text, order)),
        Err(_) => searched(text.as_bytes(), order),
    }
}

/// Reads a date alone, or the day of a number since 1970.
pub fn date(text: &str, form: TimeForm) -> Option<Date> {
    match form.shape() {
        Shape::Dated(order) => {
            let mut rest = Cursor(text.as_bytes());
            let days = rest.date(order)?;
            rest.0.is_empty().then_some(Date(days))
        }
        Shape::Counted(unit) => counted(text, unit).map(Timestamp::date),
    }
}

/// Reads any form with a date.
#[cold]
pub fn searched(text: &[u8], order: Option<DateOrder>) -> Option<Timestamp> {
    let mut rest = Cursor(text);
    let mut ms = Date(rest.date(order)?).midnight().0;
    if !rest.0.is_empty() {
        rest.one_of(b" Tt")?;
        ms += rest.time_of_day()? - rest.offset()?;
    }
    (rest.0.is_empty() && YEARS.contains(&ms)).then_some(Timestamp(ms))
}

/// Reads a number of units of `unit` milliseconds each. Only seconds have a fraction.
#[cold]
fn counted(text: &str, unit: i64) -> Option<Timestamp> {
    /// More digits are beyond the years in any unit, and could be too many for the sum.
    const MOST_DIGITS: usize = 15;
    let mut rest = Cursor(text.as_bytes());
    let is_negative = rest.one_of(b"+-") == Some(b'-');
    let whole = rest.digits();
    let has_point = unit == MS_PER_SECOND && rest.one_of(b".").is_some();
    let fraction = if has_point { rest.digits() } else { b"0" };
    if whole.is_empty() || fraction.is_empty() || !rest.0.is_empty() || whole.len() > MOST_DIGITS {
        return None;
    }
    let whole = whole.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let ms = whole * unit + thousandths(fraction);
    let has_finer = fraction.iter().skip(3).any(|digit| *digit != b'0');
    let ms = if is_negative { -ms - i64::from(has_finer) } else { ms };
    YEARS.contains(&ms).then_some(Timestamp(ms))
}

impl TimeForm {
    #[inline]
    fn shape(self) -> Shape {
        match self {
            Self::Iso => Shape::Dated(None),
            Self::DayFirst => Shape::Dated(Some(DateOrder::DayFirst)),
            Self::MonthFirst => Shape::Dated(Some(DateOrder::MonthFirst)),
            Self::EpochSeconds => Shape::Counted(MS_PER_SECOND),
            Self::EpochMillis => Shape::Counted(1),
        }
    }
}

impl From<DateOrder> for TimeForm {
    #[inline]
    fn from(order: DateOrder) -> Self {
        match order {
            DateOrder::DayFirst => Self::DayFirst,
            DateOrder::MonthFirst => Self::MonthFirst,
        }
    }
}

impl DateOrder {
    /// The other of the two orders, for a message that says what would have been read with it.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::DayFirst => Self::MonthFirst,
            Self::MonthFirst => Self::DayFirst,
        }
    }
}

impl FromStr for DateOrder {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "dmy" => Ok(Self::DayFirst),
            "mdy" => Ok(Self::MonthFirst),
            _ => Err("neither dmy (day first) nor mdy (month first)"),
        }
    }
}

impl fmt::Display for DateOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DayFirst => "dmy",
            Self::MonthFirst => "mdy",
        })
    }
}
