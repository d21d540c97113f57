//! Tests times and dates by example, by property, and against `chrono`.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use proptest::prelude::*;

use super::TimeForm::{DayFirst, EpochMillis, EpochSeconds, Iso, MonthFirst};
use super::form::{YEARS, searched};
use super::usual::usual;
use super::*;

/// 2017-10-02T10:56:33Z, as `date -u -d @1506941793` shows.
const AT: i64 = 1_506_941_793_000;
const MINUTE: i64 = AT - 33_000;
const DAY: i64 = 1_506_902_400_000;

fn ms(text: &str, form: TimeForm) -> Option<i64> {
    Timestamp::parse(text, form).ok().map(|at| at.0)
}

#[test]
fn year_first_is_read_whatever_the_order() {
    for form in [Iso, DayFirst, MonthFirst] {
        for (text, expected) in [
            ("2017-10-02 10:56:33", AT),
            ("2017-10-02 10:56:33.5", AT + 500),
            ("2017-10-02 10:56:33.123456789", AT + 123),
            ("2017-10-02 10:56", MINUTE),
            ("2017-10-02", DAY),
            ("2017-10-02T10:56:33", AT),
            ("2017-10-02T10:56:33Z", AT),
            ("2017-10-02T10:56:33.007Z", AT + 7),
            ("2017-10-02T12:56:33+02:00", AT),
            ("2017-10-02T07:56:33-0300", AT),
            ("2017-10-02 12:56:33+02", AT),
            ("2017-10-02T10:56Z", MINUTE),
        ] {
            assert_eq!(ms(text, form), Some(expected), "{text}");
        }
    }
}

#[test]
fn year_last_is_read_in_the_order_of_the_form() {
    for text in [
        "02-10-2017 10:56",
        "2-10-2017 10:56",
        "02/10/2017 10:56",
        "2/10/2017 10:56",
    ] {
        assert_eq!(ms(text, DayFirst), Some(MINUTE), "{text}");
        assert_eq!(ms(text, Iso), None, "{text}");
    }
    for text in ["10/2/2017 10:56", "10/02/2017 10:56", "10-02-2017 10:56"] {
        assert_eq!(ms(text, MonthFirst), Some(MINUTE), "{text}");
    }
    assert_eq!(ms("02/10/2017 10:56:33", DayFirst), Some(AT));
    assert_eq!(ms("02/10/2017", DayFirst), Some(DAY));
    assert_eq!(ms("10/2/2017 9:56", MonthFirst), Some(MINUTE - 3_600_000));
}

#[test]
fn what_cannot_be_is_not_a_time() {
    for text in [
        "2017-02-29",
        "2017-13-01 00:00:00",
        "2017-10-02 24:00:00",
        "2017-10-02 10:60",
        "2017-10-02 10:56:60",
        "0000-01-01",
        "0001-01-01T00:00+00:01",
        "9999-12-31T23:59-00:01",
        "2017-10-02 10",
        "2017-10-02 10:56:33.",
        "2017-10-02 10:56:33 later",
        "2017-10-02T10:56+2",
        "2017-10-02T10:56+02:",
        "2017-10-02T",
        "2017-10-02Z",
        "02-10/2017 10:56",
        "02/10/17 10:56",
        "20171002",
        "1506941793",
        "yesterday",
        "",
    ] {
        assert_eq!(ms(text, DayFirst), None, "{text}");
    }
    assert_eq!(ms("0001-01-01", Iso), Some(-62_135_596_800_000));
    assert_eq!(ms("9999-12-31 23:59:59.999", Iso), Some(253_402_300_799_999));
}

#[test]
fn numbers_count_seconds_or_milliseconds() {
    for (text, expected) in [
        ("1506941793", AT),
        ("+1506941793", AT),
        ("1506941793.25", AT + 250),
        ("1506941793.2509", AT + 250),
        ("-0", 0),
        ("-0.5", -500),
        // Rounding down makes it smaller.
        ("-1.0005", -1_001),
        ("-1.0000", -1_000),
        ("253402300799.999", 253_402_300_799_999),
    ] {
        assert_eq!(ms(text, EpochSeconds), Some(expected), "{text}");
    }
    assert_eq!(ms("1506941793000", EpochMillis), Some(AT));
    assert_eq!(ms("-1", EpochMillis), Some(-1));
    for text in [
        "",
        "-",
        "+",
        ".5",
        "1.",
        "1e9",
        " 1",
        "0x1",
        "253402300800",
        "-62135596801",
        // Microseconds are not seconds.
        "1506941793000000",
        "99999999999999999999",
    ] {
        assert_eq!(ms(text, EpochSeconds), None, "{text}");
    }
    for text in ["1506941793.5", "1506941793000000", "2017-10-02 10:56:33"] {
        assert_eq!(ms(text, EpochMillis), None, "{text}");
    }
}

#[test]
fn a_date_is_read_alone() {
    let day = Date::from_parts(2017, 10, 2).unwrap();
    for (text, form) in [
        ("2017-10-02", Iso),
        ("2017-10-02", DayFirst),
        ("2/10/2017", DayFirst),
        ("10-02-2017", MonthFirst),
        ("1506902400", EpochSeconds),
        ("1506988799999", EpochMillis),
    ] {
        assert_eq!(Date::parse(text, form), Ok(day), "{text}");
    }
    assert_eq!("2017-10-02".parse(), Ok(day));
    for text in ["2017-10-02T00:00", "2017-10-02 ", "2/10/2017", "2017-02-29", ""] {
        assert!(text.parse::<Date>().is_err(), "{text}");
    }
}

#[test]
fn an_error_says_which_form_was_wanted() {
    let said = |form| Timestamp::parse("soon", form).unwrap_err().to_string();
    assert_eq!(said(Iso), "not a time like 2017-10-02T10:56:33Z");
    assert_eq!(said(DayFirst), "not a time like 02/10/2017 10:56 (day first)");
    let reject = Date::parse("soon", DateOrder::MonthFirst)
        .unwrap_err()
        .reject("born", "soon");
    assert_eq!(
        reject.to_string(),
        "bad-date: born: `soon` is not a date like 10/02/2017 (month first)"
    );
}

#[test]
fn orders_are_settings() {
    for order in [DateOrder::DayFirst, DateOrder::MonthFirst] {
        assert_eq!(order.to_string().parse(), Ok(order));
        assert_ne!(order.other(), order);
    }
    assert_eq!(
        "ymd".parse::<DateOrder>(),
        Err("neither dmy (day first) nor mdy (month first)")
    );
}

#[test]
fn parts_that_are_not_are_none() {
    let day = Date::from_parts(1, 1, 1).unwrap();
    for (hour, minute, second) in [(24, 0, 0), (0, 60, 0), (0, 0, 60), (-1, 0, 0), (0, -1, 0), (0, 0, -1)] {
        assert_eq!(Timestamp::from_parts(day, hour, minute, second), None);
    }
    assert_eq!(Timestamp::from_parts(day, 0, 0, 0), Some(day.midnight()));
}

#[test]
fn parts_hold_before_1970_and_at_the_ends() {
    let at = |ms| {
        let at = Timestamp(ms);
        (at.date().0, at.hour(), at.minute(), at.second(), at.weekday())
    };
    assert_eq!(at(0), (0, 0, 0, 0, Weekday::Thursday));
    assert_eq!(at(-1), (-1, 23, 59, 59, Weekday::Wednesday));
    assert_eq!(at(AT), (17_441, 10, 56, 33, Weekday::Monday));
    assert_eq!(Timestamp(i64::MAX).date(), Date(i32::MAX));
    assert_eq!(Timestamp(i64::MIN).date(), Date(i32::MIN));
    assert_eq!(Timestamp(i64::MAX).to_string(), i64::MAX.to_string());
    assert_eq!(Date(i32::MAX).midnight().to_string(), "+5881580-07-11T00:00:00Z");
    assert_eq!(Date(-719_529).to_string(), "-0001-12-31");
}

#[test]
fn differences_do_not_overflow() {
    let (first, last) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    assert_eq!(
        (last.millis_since(first), first.millis_since(last)),
        (i64::MAX, i64::MIN)
    );
    assert_eq!(last.hours_since(first), 5_124_095_576_030);
    assert_eq!(first.hours_since(last), -5_124_095_576_030);
    assert_eq!(Date(i32::MAX).days_since(Date(i32::MIN)), i64::from(u32::MAX));
    let (half_past_one, midnight) = (Timestamp(5_400_000), Timestamp(0));
    assert_eq!(half_past_one.hours_since(midnight), 1);
    assert_eq!(midnight.hours_since(half_past_one), -1);
}

/// Tests all bytes, even those that no text has, since work on one of eight characters may reach the next one.
#[test]
fn any_byte_at_any_place_of_the_usual_form_is_read_as_in_any_other() {
    for usual_form in [b"2017-10-02 10:56:33", b"1999-09-29 19:59:59"] {
        for (place, byte) in (0..19).flat_map(|place| (0..=255).map(move |byte| (place, byte))) {
            let mut text = *usual_form;
            text[place] = byte;
            let expected = searched(&text, None).filter(|_| text[10] == b' ');
            assert_eq!(usual(&text), expected, "{byte} at {place}");
        }
    }
}

fn instant() -> impl Strategy<Value = Timestamp> {
    YEARS.prop_map(Timestamp)
}

fn theirs(at: Timestamp) -> NaiveDateTime {
    DateTime::from_timestamp_millis(at.0).unwrap().naive_utc()
}

proptest! {
    #[test]
    fn the_library_has_the_same_parts(at in instant()) {
        let expected = theirs(at);
        let date = at.date();
        let number = |number: u32| i32::try_from(number).unwrap();
        prop_assert_eq!(
            (date.year(), date.month(), date.day()),
            (expected.year(), number(expected.month()), number(expected.day()))
        );
        prop_assert_eq!(
            (at.hour(), at.minute(), at.second()),
            (number(expected.hour()), number(expected.minute()), number(expected.second()))
        );
        prop_assert_eq!(at.weekday().number(), number(expected.weekday().number_from_monday()));
        prop_assert_eq!(at.weekday().name(), expected.format("%A").to_string());
        prop_assert_eq!(date.weekday(), at.weekday());
        prop_assert_eq!(Date::from_parts(date.year(), date.month(), date.day()), Some(date));
        let second = Timestamp(at.0 - at.0.rem_euclid(1_000));
        prop_assert_eq!(Timestamp::from_parts(date, at.hour(), at.minute(), at.second()), Some(second));
    }

    #[test]
    fn the_library_writes_and_reads_the_same(at in instant(), offset in -1_439..=1_439) {
        let shown = at.to_string();
        prop_assert_eq!(DateTime::parse_from_rfc3339(&shown).map(|read| read.timestamp_millis()), Ok(at.0));
        prop_assert_eq!(shown.parse(), Ok(at));
        prop_assert_eq!(at.date().to_string(), theirs(at).format("%Y-%m-%d").to_string());
        prop_assert_eq!(at.date().to_string().parse(), Ok(at.date()));

        let zone = chrono::FixedOffset::east_opt(offset * 60).unwrap();
        let there = theirs(at).and_utc().with_timezone(&zone);
        if (1..=9999).contains(&there.year()) {
            prop_assert_eq!(ms(&there.to_rfc3339(), Iso), Some(at.0));
            prop_assert_eq!(ms(&there.format("%Y-%m-%d %H:%M:%S%.6f%z").to_string(), Iso), Some(at.0));
        }
        let minute = at.0 - at.0.rem_euclid(60_000);
        for (form, written) in [
            (Iso, "%Y-%m-%dT%H:%M"),
            (DayFirst, "%d/%m/%Y %H:%M"),
            (DayFirst, "%-d-%-m-%Y %-H:%M"),
            (MonthFirst, "%m/%d/%Y %H:%M"),
        ] {
            prop_assert_eq!(ms(&theirs(at).format(written).to_string(), form), Some(minute), "{}", written);
        }
        prop_assert_eq!(ms(&at.0.to_string(), EpochMillis), Some(at.0));
        let seconds = at.0 as f64 / 1e3;
        prop_assert_eq!(ms(&format!("{seconds:.3}"), EpochSeconds), Some(at.0));
    }

    #[test]
    fn what_the_library_refuses_is_refused(text in "[0-9]{4}-[0-1][0-9]-[0-3][0-9]") {
        let theirs = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok().filter(|date| date.year() > 0);
        let expected = theirs.map(|date| date.to_string());
        prop_assert_eq!(text.parse::<Date>().ok().map(|date| date.to_string()), expected);
    }

    #[test]
    fn every_date_is_shown_as_the_library_does(days in i32::MIN..=i32::MAX) {
        if let Some(theirs) = chrono::TimeDelta::try_days(days.into())
            .and_then(|days| NaiveDate::default().checked_add_signed(days))
        {
            prop_assert_eq!(Date(days).to_string(), theirs.to_string());
        }
        let (_, month, day) = calendar::civil(days);
        prop_assert!((1..=12).contains(&month) && (1..=31).contains(&day));
    }

    #[test]
    fn a_day_after_the_twelfth_fits_one_order_only(day in 13_i64..=28, month in 1_i64..=12) {
        let text = format!("{day}/{month}/2017");
        prop_assert!(ms(&text, DayFirst).is_some());
        prop_assert_eq!(ms(&text, MonthFirst), None);
    }

    #[test]
    fn never_panics_and_stays_within_the_years(text in "[0-9TZ:/ .+-]{0,32}") {
        for form in [Iso, DayFirst, MonthFirst, EpochSeconds, EpochMillis] {
            if let Ok(at) = Timestamp::parse(&text, form) {
                prop_assert!(YEARS.contains(&at.0));
            }
            let _ = Date::parse(&text, form);
        }
    }

    #[test]
    fn the_usual_form_is_read_as_any_other(text in "[0-9]{4}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-6][0-9]:[0-6][0-9]") {
        let bytes = text.as_bytes();
        prop_assert_eq!(usual(bytes.try_into().unwrap()), searched(bytes, None));
    }

    #[test]
    fn what_is_not_quite_the_usual_form_is_left_to_the_others(
        others in proptest::collection::vec((0..19_usize, any::<u8>()), 1..=3),
    ) {
        let mut text = *b"2017-10-02 10:56:12";
        for (place, other) in others {
            text[place] = other;
        }
        let is_usual = text.iter().zip(b"0000-00-00 00:00:00").all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            wanted => byte == wanted,
        });
        prop_assert_eq!(usual(&text), searched(&text, None).filter(|_| is_usual));
    }

    #[test]
    fn never_panics_on_any_text(text in ".*", ms: i64, days: i32) {
        for form in [Iso, DayFirst, MonthFirst, EpochSeconds, EpochMillis] {
            let _ = Timestamp::parse(&text, form);
            let _ = Date::parse(&text, form);
        }
        let (at, date) = (Timestamp(ms), Date(days));
        let _ = (at.to_string(), at.date(), at.hour(), at.minute(), at.second(), at.weekday(), date.to_string());
        let _ = (at.hours_since(date.midnight()), date.midnight().millis_since(at));
    }
}
