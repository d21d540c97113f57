//! Days and times of the proleptic Gregorian calendar, in UTC.

use transform_sdk::Timestamp;

pub const MS_PER_MINUTE: i64 = 60_000;
const MS_PER_HOUR: i64 = 60 * MS_PER_MINUTE;
pub const MS_PER_DAY: i64 = 24 * MS_PER_HOUR;
/// 1970-01-01, day 0, was a Thursday.
const DAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];

/// The hour of the day, 0 to 23.
pub fn hour(at: Timestamp) -> i32 {
    let hour = at.0.rem_euclid(MS_PER_DAY) / MS_PER_HOUR;
    i32::try_from(hour).unwrap_or_default()
}

pub fn day_of_week(at: Timestamp) -> &'static str {
    let day = at.0.div_euclid(MS_PER_DAY).rem_euclid(7);
    DAYS[usize::try_from(day).unwrap_or_default()]
}

/// Days before each month in a year that begins in March. The array begins with January.
const BEFORE_MONTH: [i32; 12] = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];

/// 1970-01-01 as a number of days since the day before 1 March of the year 0.
const EPOCH: i32 = 719_469;

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
            (0, 1, 1),
            (10_000, 1, 1),
        ] {
            assert_eq!(days(year, month, day), None, "{year}-{month}-{day}");
        }
        assert!(days(2000, 2, 29).is_some());
    }

    #[test]
    fn hours_and_days_of_the_week_hold_before_1970_too() {
        assert_eq!((hour(Timestamp(0)), day_of_week(Timestamp(0))), (0, "Thursday"));
        assert_eq!((hour(Timestamp(-1)), day_of_week(Timestamp(-1))), (23, "Wednesday"));
        // 2017-10-02 10:56:33 UTC
        assert_eq!(
            (
                hour(Timestamp(1_506_941_793_000)),
                day_of_week(Timestamp(1_506_941_793_000))
            ),
            (10, "Monday")
        );
    }
}
