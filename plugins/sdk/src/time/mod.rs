//! Instants and days: read from text, taken apart, compared and shown. All of it is in UTC and in the proleptic Gregorian
//! calendar.

mod calendar;
mod cursor;
mod form;
mod usual;

use std::fmt;
use std::str::FromStr;

use crate::parse_error::{Expected, ParseError};
use crate::value::{Date, Timestamp};

pub use calendar::Weekday;
pub use form::{DateOrder, TimeForm};

const MS_PER_SECOND: i64 = 1_000;
const MS_PER_MINUTE: i64 = 60 * MS_PER_SECOND;
const MS_PER_HOUR: i64 = 60 * MS_PER_MINUTE;
const MS_PER_DAY: i64 = 24 * MS_PER_HOUR;

impl Timestamp {
    /// The instant at this time of the day, or None if there is no such time: hours are 0 to 23, minutes and seconds 0
    /// to 59.
    ///
    /// ```
    /// use transform_sdk::{Date, Timestamp};
    ///
    /// let at = Date::from_parts(2017, 10, 2).and_then(|day| Timestamp::from_parts(day, 10, 56, 33));
    /// assert_eq!(at, Some(Timestamp(1_506_941_793_000)));
    /// ```
    #[inline]
    pub fn from_parts(date: Date, hour: i32, minute: i32, second: i32) -> Option<Self> {
        if hour < 0 || minute < 0 || second < 0 {
            return None;
        }
        Some(Self(date.midnight().0 + since_midnight(hour, minute, second)?))
    }

    /// Reads a time that is written in this form, without blanks around it. Whether the day or the month comes first is
    /// never guessed: the form says it, or a [`DateOrder`] in its place.
    ///
    /// ```
    /// use transform_sdk::{TimeForm, Timestamp};
    ///
    /// let at = Timestamp(1_506_941_793_000);
    /// for (text, form) in [
    ///     ("2017-10-02T10:56:33Z", TimeForm::Iso),
    ///     ("2017-10-02 12:56:33+02:00", TimeForm::Iso),
    ///     ("2/10/2017 10:56:33", TimeForm::DayFirst),
    ///     ("10-02-2017 10:56:33", TimeForm::MonthFirst),
    ///     ("1506941793", TimeForm::EpochSeconds),
    ///     ("1506941793000", TimeForm::EpochMillis),
    /// ] {
    ///     assert_eq!(Timestamp::parse(text, form), Ok(at));
    /// }
    /// ```
    #[inline]
    pub fn parse(text: &str, form: impl Into<TimeForm>) -> Result<Self, ParseError> {
        let form = form.into();
        form::timestamp(text, form).ok_or(ParseError(Expected::Timestamp(form)))
    }

    /// The day in UTC. The last or first day that a [`Date`] can hold stands for a time beyond it, some six million
    /// years from now.
    #[inline]
    pub fn date(self) -> Date {
        let days = self.0.div_euclid(MS_PER_DAY);
        Date(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The hour of the day, 0 to 23.
    #[inline]
    pub fn hour(self) -> i32 {
        self.of_day(MS_PER_HOUR)
    }

    /// The minute of the hour, 0 to 59.
    #[inline]
    pub fn minute(self) -> i32 {
        self.of_day(MS_PER_MINUTE) % 60
    }

    /// The second of the minute, 0 to 59.
    #[inline]
    pub fn second(self) -> i32 {
        self.of_day(MS_PER_SECOND) % 60
    }

    /// The day of the week.
    #[inline]
    pub fn weekday(self) -> Weekday {
        Weekday::of(self.0.div_euclid(MS_PER_DAY))
    }

    /// Milliseconds from `earlier` to this instant, negative if `earlier` is the later one. The largest or smallest i64
    /// stands for a difference beyond it, of some 292 million years.
    ///
    /// ```
    /// use transform_sdk::{TimeForm, Timestamp};
    ///
    /// let bought = Timestamp::parse("2017-10-02 10:56:33", TimeForm::Iso)?;
    /// let approved = Timestamp::parse("2017-10-02 12:07:15", TimeForm::Iso)?;
    /// assert_eq!(approved.millis_since(bought), 4_242_000);
    /// assert_eq!(approved.hours_since(bought), 1);
    /// # Ok::<(), transform_sdk::ParseError>(())
    /// ```
    pub fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole hours from `earlier` to this instant, negative if `earlier` is the later one. A part of an hour is
    /// left out, so the hours of 90 minutes are 1, and -1 the other way round.
    pub fn hours_since(self, earlier: Self) -> i64 {
        let ms = i128::from(self.0) - i128::from(earlier.0);
        // Every difference of two i64 fits once it is divided.
        i64::try_from(ms / i128::from(MS_PER_HOUR)).unwrap_or_default()
    }

    /// Units of `unit` milliseconds since midnight.
    #[inline]
    fn of_day(self, unit: i64) -> i32 {
        i32::try_from(self.0.rem_euclid(MS_PER_DAY) / unit).unwrap_or_default()
    }
}

impl Date {
    /// The day of this year (1 to 9999), month (1 to 12) and day of the month, or None if there is no such day.
    ///
    /// ```
    /// use transform_sdk::Date;
    ///
    /// assert_eq!(Date::from_parts(2016, 2, 29).map(|day| day.to_string()), Some("2016-02-29".to_owned()));
    /// assert_eq!(Date::from_parts(2017, 2, 29), None);
    /// ```
    #[inline]
    pub fn from_parts(year: i32, month: i32, day: i32) -> Option<Self> {
        calendar::days(year, month, day).map(Self)
    }

    /// Reads a date alone that is written in this form, without blanks around it. A text with a time of day is refused,
    /// since its day depends on the zone: read it as a [`Timestamp`] and take its [`date`](Timestamp::date). A number
    /// since 1970 has no zone and gives its day in UTC.
    ///
    /// ```
    /// use transform_sdk::{Date, TimeForm};
    ///
    /// let day = Date::parse("2/10/2017", TimeForm::DayFirst)?;
    /// assert_eq!((day.year(), day.month(), day.day()), (2017, 10, 2));
    /// assert!(Date::parse("2017-10-02T10:56:33Z", TimeForm::Iso).is_err());
    /// # Ok::<(), transform_sdk::ParseError>(())
    /// ```
    pub fn parse(text: &str, form: impl Into<TimeForm>) -> Result<Self, ParseError> {
        let form = form.into();
        form::date(text, form).ok_or(ParseError(Expected::Date(form)))
    }

    /// The year. The year before the year 1 is 0, and those before it are negative.
    pub fn year(self) -> i32 {
        calendar::civil(self.0).0
    }

    /// The month, 1 to 12.
    pub fn month(self) -> i32 {
        calendar::civil(self.0).1
    }

    /// The day of the month, 1 to 31.
    pub fn day(self) -> i32 {
        calendar::civil(self.0).2
    }

    /// The day of the week.
    pub fn weekday(self) -> Weekday {
        Weekday::of(self.0.into())
    }

    /// The instant at which the day begins in UTC.
    #[inline]
    pub fn midnight(self) -> Timestamp {
        Timestamp(i64::from(self.0) * MS_PER_DAY)
    }

    /// Days from `earlier` to this day, negative if `earlier` is the later one.
    pub fn days_since(self, earlier: Self) -> i64 {
        i64::from(self.0) - i64::from(earlier.0)
    }
}

/// Milliseconds since midnight, or None if there is no such time of day. No part is negative.
#[inline]
fn since_midnight(hour: i32, minute: i32, second: i32) -> Option<i64> {
    let is_possible = hour < 24 && minute < 60 && second < 60;
    is_possible.then(|| i64::from((hour * 60 + minute) * 60 + second) * MS_PER_SECOND)
}

/// Reads ISO 8601: [`TimeForm::Iso`].
impl FromStr for Timestamp {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, TimeForm::Iso)
    }
}

/// Reads a date in ISO 8601: [`TimeForm::Iso`].
impl FromStr for Date {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, TimeForm::Iso)
    }
}

/// Writes ISO 8601 in UTC, `2017-10-02T10:56:33Z`, with milliseconds where they are not 0: `2017-10-02T10:56:33.250Z`.
/// A time beyond the days of a [`Date`] is a bare number of milliseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.date();
        if date.midnight().0 != self.0 - self.0.rem_euclid(MS_PER_DAY) {
            return write!(f, "{}", self.0);
        }
        write!(f, "{date}T{:02}:{:02}:{:02}", self.hour(), self.minute(), self.second())?;
        match self.0.rem_euclid(MS_PER_SECOND) {
            0 => f.write_str("Z"),
            ms => write!(f, ".{ms:03}Z"),
        }
    }
}

/// Writes ISO 8601, `2017-10-02`. A year outside of 0 to 9999 has a sign: `+12017-10-02`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = calendar::civil(self.0);
        match year {
            0..=9999 => write!(f, "{year:04}")?,
            _ => write!(f, "{year:+05}")?,
        }
        write!(f, "-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests;
