//! Reads times and dates piece by piece, in any form.

use super::form::DateOrder;
use super::{MS_PER_MINUTE, calendar, since_midnight};

/// The text that is left to read. Every method takes what it looks for, or returns None if something else comes first.
#[derive(Clone, Copy)]
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    /// Reads a date as days since 1970: with the year first or, if an order is given, with the year last.
    pub fn date(&mut self, order: Option<DateOrder>) -> Option<i32> {
        self.year_first().or_else(|| self.year_last(order?))
    }

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
    pub fn time_of_day(&mut self) -> Option<i64> {
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
    pub fn offset(&mut self) -> Option<i64> {
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
        (!digits.is_empty()).then(|| thousandths(digits))
    }

    fn number(&mut self, lengths: std::ops::RangeInclusive<usize>) -> Option<i32> {
        let digits = self.digits();
        let number = || digits.iter().fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
        lengths.contains(&digits.len()).then(number)
    }

    /// Takes all digits up to the next other character, which may be none.
    pub fn digits(&mut self) -> &'a [u8] {
        let end = self
            .0
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits
    }

    /// Takes the next character if it is one of these.
    pub fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        if !bytes.contains(&first) {
            return None;
        }
        self.0 = rest;
        Some(first)
    }
}

/// The first three digits after a point, as milliseconds.
pub fn thousandths(digits: &[u8]) -> i64 {
    let digits = digits.iter().chain(b"000").take(3);
    digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
}

/// The number made of two digits.
fn two(tens: u8, ones: u8) -> i32 {
    i32::from(tens) * 10 + i32::from(ones) - i32::from(b'0') * 11
}
