//! Days of the proleptic Gregorian calendar, and days of the week.

use std::fmt;

/// A day of the week. The order is that of ISO 8601: a week begins with Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday = 1,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// The days of the week from day 0 on: 1970-01-01 was a Thursday.
const DAYS: [Weekday; 7] = [
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
];

/// Days before each month in a year that begins in March. The array begins with January.
const BEFORE_MONTH: [i32; 12] = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];

/// 1970-01-01 as a number of days since the day before 1 March of the year 0.
const EPOCH: i32 = 719_469;

impl Weekday {
    /// The number in ISO 8601: 1 for Monday to 7 for Sunday.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The English name, `Monday` to `Sunday`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Monday => "Monday",
            Self::Tuesday => "Tuesday",
            Self::Wednesday => "Wednesday",
            Self::Thursday => "Thursday",
            Self::Friday => "Friday",
            Self::Saturday => "Saturday",
            Self::Sunday => "Sunday",
        }
    }

    /// The day of the week of a day since 1970-01-01.
    #[inline]
    pub(super) fn of(day: i64) -> Self {
        DAYS[usize::try_from(day.rem_euclid(7)).unwrap_or_default()]
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Days since 1970-01-01. None if there is no such day, or if it is outside the years 1 to 9999.
///
/// Years begin in March here, as in Howard Hinnant's `days_from_civil`
/// (<https://howardhinnant.github.io/date_algorithms.html>), so that the leap day is a year's last.
pub fn days(year: i32, month: i32, day: i32) -> Option<i32> {
    let before_month = BEFORE_MONTH.get(usize::try_from(month).ok()?.wrapping_sub(1))?;
    // Every month has 28 days, so most dates need no look at the length of their month.
    let is_day = (1..=28).contains(&day) || (29..=days_in(year, month)).contains(&day);
    if !is_day || !(1..=9999).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let leap_days = year / 4 - year / 100 + year / 400;
    Some(year * 365 + leap_days + before_month + day - EPOCH)
}

/// Year, month and day of a day since 1970-01-01, for every number of days: Hinnant's `civil_from_days`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the days of an i32 are of some 6 million years"
)]
pub fn civil(days: i32) -> (i32, i32, i32) {
    let days = i64::from(days) + i64::from(EPOCH) - 1;
    // An era has 400 years, after which the calendar repeats.
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    ((year + era * 400 + next_year) as i32, month as i32, day as i32)
}

fn days_in(year: i32, month: i32) -> i32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_follows_the_day_before() {
        let mut expected = days(1, 1, 1).unwrap();
        assert_eq!(expected, -719_162);
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=days_in(year, month) {
                    assert_eq!(days(year, month, day), Some(expected), "{year}-{month}-{day}");
                    assert_eq!(civil(expected), (year, month, day));
                    expected += 1;
                }
            }
        }
        assert_eq!(days(1970, 1, 1), Some(0));
    }

    #[test]
    fn days_that_are_not_are_none() {
        for (year, month, day) in [
            (2018, 2, 29),
            (1900, 2, 29),
            (2017, 4, 31),
            (2017, 13, 1),
            (2017, 0, 1),
            (2017, 1, 0),
            (2017, i32::MIN, 1),
            (i32::MIN, 2, 29),
            (0, 1, 1),
            (10_000, 1, 1),
        ] {
            assert_eq!(days(year, month, day), None, "{year}-{month}-{day}");
        }
        assert!(days(2000, 2, 29).is_some());
    }

    #[test]
    fn every_number_of_days_is_a_day() {
        assert_eq!(civil(i32::MAX), (5_881_580, 7, 11));
        assert_eq!(civil(i32::MIN), (-5_877_641, 6, 23));
        assert_eq!(civil(-719_163), (0, 12, 31));
    }

    #[test]
    fn weeks_begin_with_monday() {
        assert_eq!((Weekday::Monday.number(), Weekday::Sunday.number()), (1, 7));
        assert!(Weekday::Monday < Weekday::Sunday);
        assert_eq!(format!("{:>10}", Weekday::of(-1)), " Wednesday");
    }
}
