//! Times as exports write them, read as UTC.
//!
//! `2017-10-02 10:56:33`, with a fraction, without seconds, or the day alone; with `T` and `Z` or an offset (ISO 8601);
//! with the year last, `02-10-2017 10:56` or `2/10/2017 10:56:33`, in the order that the settings name.

use std::fmt;
use std::str::FromStr;

use transform_sdk::{Reject, Timestamp};

use crate::calendar::{self, MS_PER_DAY, MS_PER_MINUTE};
use crate::shown;

/// 0001-01-01T00:00Z and 10000-01-01T00:00Z.
const YEARS: std::ops::Range<i64> = -719_162 * MS_PER_DAY..2_932_897 * MS_PER_DAY;

const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;

/// How `3/4/2017` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    DayFirst,
    MonthFirst,
}

/// Eight characters held against a form, a byte each, the first in the lowest: what is done to a number of them is done to
/// all at once.
#[derive(Clone, Copy)]
struct Eight {
    /// The values of the digits, and 0 where the form has another character, as long as nothing is wrong.
    values: u64,
    /// The highest bit of some byte is set if a character is not as the form has it.
    wrong: u64,
}

/// What is left to read. Every method takes what it finds and returns None where it finds something else.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

/// The time in `text`, which is free of surrounding blanks; `column` is only for the message.
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

/// `2017-10-02 10:56:33`, which most times are: every digit has its place, so that nothing has to be searched for. The
/// same as [`searched`] makes of it, to which everything else is left, the form with a `T` too.
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

/// Milliseconds since midnight; None: there is no such time of day.
#[inline]
fn since_midnight(hour: i32, minute: i32, second: i32) -> Option<i64> {
    let is_possible = hour < 24 && minute < 60 && second < 60;
    is_possible.then(|| i64::from((hour * 60 + minute) * 60 + second) * 1000)
}

impl Eight {
    /// The eight characters from `at` on, of which the form has a digit at each `0` and everything else as it is.
    ///
    /// XOR with the form leaves 0 to 9 exactly where a digit is wanted and is there, and 0 exactly where another character
    /// is wanted and is there. The room is what the largest of these lacks to 0x7f, so that anything larger sets the byte's
    /// highest bit. What is 0x80 or more has it set by itself; only that is carried into the next byte, and it is wrong
    /// already.
    #[inline]
    fn read(text: &[u8; 19], at: usize, form: [u8; 8]) -> Self {
        let room = form.map(|wanted| if wanted == b'0' { 0x80 - 10 } else { 0x80 - 1 });
        let text = text[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
        let values = text ^ u64::from_le_bytes(form);
        let wrong = values | values.wrapping_add(u64::from_le_bytes(room));
        Self { values, wrong }
    }

    /// The number that the digits at this place and the next one make.
    #[inline]
    fn number(self, at: usize) -> i32 {
        // In each byte, which holds up to 99.
        let numbers = self.values * 10 + (self.values >> 8);
        i32::from((numbers >> (8 * at)).to_le_bytes()[0])
    }
}

/// Any other form.
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
    /// `2017-10-02`: days since 1970. Takes nothing if it is something else.
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

    /// `02-10-2017`, `2/10/2017`: days since 1970.
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

    /// `10:56`, `10:56:33`, `10:56:33.123456`: milliseconds since midnight; what is finer is cut off.
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

    /// Nothing, `Z`, `+02:00`, `-0300`, `+02`: milliseconds ahead of UTC.
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

    /// The digits after the point, at least one, as milliseconds.
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

/// The number that two digits make.
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
