//! Reads times as exports write them, in UTC.
//!
//! Supported are `2017-10-02 10:56:33`, the same with a fraction, without seconds, or as a day alone; with `T`, and
//! with `Z` or an offset (ISO 8601); and with the year last, `02-10-2017 10:56` or `2/10/2017 10:56:33`, in the order
//! of day and month that the settings name.

use std::fmt;
use std::str::FromStr;

use transform_sdk::{Reject, Timestamp};

use crate::calendar::{self, MS_PER_DAY, MS_PER_MINUTE};
use crate::shown;

/// From 0001-01-01T00:00Z to before 10000-01-01T00:00Z, in milliseconds since 1970.
const YEARS: std::ops::Range<i64> = -719_162 * MS_PER_DAY..2_932_897 * MS_PER_DAY;

const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;

/// The order of day and month in a date such as `3/4/2017`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    DayFirst,
    MonthFirst,
}

/// Eight characters compared with a form, one in each byte of a number, the first in the lowest byte. One operation on
/// the number works on all eight at once.
#[derive(Clone, Copy)]
struct Eight {
    /// The values of the digits, and 0 where the form has another character. Only meaningful if nothing is wrong.
    values: u64,
    /// The highest bit of some byte is set if a character does not match the form.
    wrong: u64,
}

/// The text that is left to read. Every method takes what it looks for, or returns None if something else comes first.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

/// Reads the time in `text`, which must have no blanks around it. `column` is only for the message.
#[inline]
pub fn parse(column: &str, text: &str, order: DateOrder) -> Result<Timestamp, Reject> {
    read(text, order).ok_or_else(|| bad_timestamp(column, text, order))
}

fn read(text: &str, order: DateOrder) -> Option<Timestamp> {
    match text.as_bytes().try_into() {
        Ok(text) => usual(text).or_else(|| searched(text, order)),
        Err(_) => searched(text.as_bytes(), order),
    }
}

/// Reads the form `2017-10-02 10:56:33`, which most times have. Every digit has a fixed place, so nothing has to be
/// searched for. The result is the same as that of [`searched`], which reads every other form, the one with a `T` too.
#[inline]
fn usual(text: &[u8; 19]) -> Option<Timestamp> {
    let date = Eight::read(text, 0, *b"0000-00-");
    let middle = Eight::read(text, 8, *b"00 00:00");
    let time = Eight::read(text, 11, *b"00:00:00");
    if (date.wrong | middle.wrong | time.wrong) & HIGHEST_BITS != 0 {
        return None;
    }
    let days = calendar::days(date.number(0) * 100 + date.number(2), date.number(5), middle.number(0))?;
    let ms = since_midnight(time.number(0), time.number(3), time.number(6))?;
    Some(Timestamp(i64::from(days) * MS_PER_DAY + ms))
}

/// Milliseconds since midnight, or None if there is no such time of day.
#[inline]
fn since_midnight(hour: i32, minute: i32, second: i32) -> Option<i64> {
    let is_possible = hour < 24 && minute < 60 && second < 60;
    is_possible.then(|| i64::from((hour * 60 + minute) * 60 + second) * 1000)
}

impl Eight {
    /// Compares the eight characters from `at` on with the form. A `0` in the form stands for any digit, every other
    /// character for itself.
    ///
    /// XOR with the form leaves 0 to 9 exactly where a digit is wanted and found, and 0 exactly where another character
    /// is wanted and found. `room` is the difference between the largest good value and 0x7f, so that adding it to
    /// anything larger sets the byte's highest bit. A byte of 0x80 or more has that bit set already. Only such a byte
    /// carries into the next one, and it is wrong in any case.
    #[inline]
    fn read(text: &[u8; 19], at: usize, form: [u8; 8]) -> Self {
        let room = form.map(|wanted| if wanted == b'0' { 0x80 - 10 } else { 0x80 - 1 });
        let text = text[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
        let values = text ^ u64::from_le_bytes(form);
        let wrong = values | values.wrapping_add(u64::from_le_bytes(room));
        Self { values, wrong }
    }

    /// The number made of the digits at this place and the next one.
    #[inline]
    fn number(self, at: usize) -> i32 {
        // Computed in every byte at once; a byte has room for 99.
        let numbers = self.values * 10 + (self.values >> 8);
        i32::from((numbers >> (8 * at)).to_le_bytes()[0])
    }
}

/// Reads any form.
#[cold]
fn searched(text: &[u8], order: DateOrder) -> Option<Timestamp> {
    let mut rest = Cursor(text);
    let days = rest.year_first().or_else(|| rest.year_last(order))?;
    let mut ms = i64::from(days) * MS_PER_DAY;
    if !rest.0.is_empty() {
        rest.one_of(b" Tt")?;
        ms += rest.time_of_day()? - rest.offset()?;
    }
    (rest.0.is_empty() && YEARS.contains(&ms)).then_some(Timestamp(ms))
}

impl<'a> Cursor<'a> {
    /// Reads `2017-10-02` as days since 1970. Takes nothing if it finds something else.
    fn year_first(&mut self) -> Option<i32> {
        let mut rest = *self;
        let year = rest.number(4..=4)?;
        rest.one_of(b"-")?;
        let month = rest.number(2..=2)?;
        rest.one_of(b"-")?;
        let days = calendar::days(year, month, rest.number(2..=2)?)?;
        *self = rest;
        Some(days)
    }

    /// Reads `02-10-2017` or `2/10/2017` as days since 1970.
    fn year_last(&mut self, order: DateOrder) -> Option<i32> {
        let first = self.number(1..=2)?;
        let separator = self.one_of(b"-/")?;
        let second = self.number(1..=2)?;
        self.one_of(&[separator])?;
        let year = self.number(4..=4)?;
        match order {
            DateOrder::DayFirst => calendar::days(year, second, first),
            DateOrder::MonthFirst => calendar::days(year, first, second),
        }
    }

    /// Reads `10:56`, `10:56:33` or `10:56:33.123456` as milliseconds since midnight. Finer digits are cut off.
    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.number(1..=2)?;
        self.one_of(b":")?;
        let minute = self.number(2..=2)?;
        let (mut second, mut ms) = (0, 0);
        if self.one_of(b":").is_some() {
            second = self.number(2..=2)?;
            if self.one_of(b".").is_some() {
                ms = self.fraction()?;
            }
        }
        Some(since_midnight(hour, minute, second)? + ms)
    }

    /// Reads nothing, `Z`, `+02:00`, `-0300` or `+02` as milliseconds ahead of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-") {
            None | Some(b'Z' | b'z') => return Some(0),
            Some(b'-') => -1,
            Some(_) => 1,
        };
        let (hours, minutes) = match *self.digits() {
            [a, b] if self.one_of(b":").is_some() => (two(a, b), self.number(2..=2)?),
            [a, b] => (two(a, b), 0),
            [a, b, c, d] => (two(a, b), two(c, d)),
            _ => return None,
        };
        (hours < 24 && minutes < 60).then_some(i64::from(sign * (hours * 60 + minutes)) * MS_PER_MINUTE)
    }

    /// Reads the digits after the point, of which there must be at least one, as milliseconds.
    fn fraction(&mut self) -> Option<i64> {
        let digits = self.digits();
        let thousandths = digits
            .iter()
            .chain(b"000")
            .take(3)
            .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        (!digits.is_empty()).then_some(thousandths)
    }

    fn number(&mut self, lengths: std::ops::RangeInclusive<usize>) -> Option<i32> {
        let digits = self.digits();
        let number = || digits.iter().fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
        lengths.contains(&digits.len()).then(number)
    }

    fn digits(&mut self) -> &'a [u8] {
        let end = self
            .0
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        if !bytes.contains(&first) {
            return None;
        }
        self.0 = rest;
        Some(first)
    }
}

/// The number made of two digits.
fn two(tens: u8, ones: u8) -> i32 {
    i32::from(tens) * 10 + i32::from(ones) - i32::from(b'0') * 11
}

#[cold]
fn bad_timestamp(column: &str, text: &str, order: DateOrder) -> Reject {
    let other = order.other();
    let advice = match read(text, other) {
        Some(_) => format!("; it is one with the other order of day and month, try the setting date-order={other}"),
        None => String::new(),
    };
    let text = shown(text);
    Reject::new(
        "bad-timestamp",
        format!("{column}: `{text}` is not a time (date-order={order}){advice}"),
    )
}

impl DateOrder {
    fn other(self) -> Self {
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

#[cfg(test)]
mod tests;
