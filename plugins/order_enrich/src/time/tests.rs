//! Tests times by example and by property.

use proptest::prelude::*;

use super::DateOrder::{DayFirst, MonthFirst};
use super::*;

/// 2017-10-02T10:56:33Z, as `date -u -d @1506941793` shows.
const AT: i64 = 1_506_941_793_000;
const MINUTE: i64 = AT - 33_000;
const DAY: i64 = 1_506_902_400_000;

fn ms(text: &str, order: DateOrder) -> Option<i64> {
    read(text, order).map(|at| at.0)
}

#[test]
fn year_first_is_read_whatever_the_order() {
    for order in [DayFirst, MonthFirst] {
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
            assert_eq!(ms(text, order), Some(expected), "{text}");
        }
    }
}

#[test]
fn year_last_is_read_in_the_order_of_the_settings() {
    for text in [
        "02-10-2017 10:56",
        "2-10-2017 10:56",
        "02/10/2017 10:56",
        "2/10/2017 10:56",
    ] {
        assert_eq!(ms(text, DayFirst), Some(MINUTE), "{text}");
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
    assert_eq!(ms("0001-01-01", DayFirst), Some(-62_135_596_800_000));
    assert_eq!(ms("9999-12-31 23:59:59.999", DayFirst), Some(253_402_300_799_999));
}

#[test]
fn the_message_names_the_setting_only_where_it_would_help() {
    let reject = parse("order_approved_at", "10/13/2017 9:05", DayFirst).unwrap_err();
    assert_eq!(reject.code, "bad-timestamp");
    assert_eq!(
        reject.message,
        "order_approved_at: `10/13/2017 9:05` is not a time (date-order=dmy); it is one with the other order of day and \
         month, try the setting date-order=mdy"
    );
    let reject = parse("order_approved_at", "13/10/2017", MonthFirst).unwrap_err();
    assert!(
        reject.message.ends_with("try the setting date-order=dmy"),
        "{}",
        reject.message
    );
    let reject = parse("order_approved_at", "32/13/2017", DayFirst).unwrap_err();
    assert_eq!(
        reject.message,
        "order_approved_at: `32/13/2017` is not a time (date-order=dmy)"
    );
}

#[test]
fn a_long_text_is_cut_in_the_message() {
    let reject = parse("order_approved_at", &"ü".repeat(5000), DayFirst).unwrap_err();
    assert!(
        reject.message.len() < 250 && reject.message.contains("ü…`"),
        "{}",
        reject.message
    );
}

/// Tests all bytes, even those that no text has, since work on one of eight characters may reach the next one.
#[test]
fn any_byte_at_any_place_of_the_usual_form_is_read_as_in_any_other() {
    for usual_form in [b"2017-10-02 10:56:33", b"1999-09-29 19:59:59"] {
        for (place, byte) in (0..19).flat_map(|place| (0..=255).map(move |byte| (place, byte))) {
            let mut text = *usual_form;
            text[place] = byte;
            let expected = searched(&text, DayFirst).filter(|_| text[10] == b' ');
            assert_eq!(usual(&text), expected, "{byte} at {place}");
        }
    }
}

proptest! {
    #[test]
    fn all_ways_to_write_a_time_mean_the_same(
        year in 1..=9999, month in 1..=12, day in 1..=28,
        hour in 0_i64..24, minute in 0_i64..60, second in 0_i64..60,
    ) {
        let expected = i64::from(calendar::days(year, month, day).unwrap()) * MS_PER_DAY
            + ((hour * 60 + minute) * 60 + second) * 1000;
        let time = format!("{hour:02}:{minute:02}:{second:02}");
        for (text, order) in [
            (format!("{year:04}-{month:02}-{day:02} {time}"), DayFirst),
            (format!("{year:04}-{month:02}-{day:02}T{time}.000Z"), MonthFirst),
            (format!("{day}/{month}/{year:04} {time}"), DayFirst),
            (format!("{day:02}-{month:02}-{year:04} {time}"), DayFirst),
            (format!("{month}/{day}/{year:04} {time}"), MonthFirst),
        ] {
            prop_assert_eq!(ms(&text, order), Some(expected), "{}", text);
        }
    }

    #[test]
    fn an_offset_moves_the_time_back(hours in 0_i64..24, minutes in 0_i64..60) {
        let ahead = (hours * 60 + minutes) * MS_PER_MINUTE;
        let east = format!("2017-10-02T10:56:33+{hours:02}:{minutes:02}");
        let west = format!("2017-10-02T10:56:33-{hours:02}{minutes:02}");
        prop_assert_eq!(ms(&east, DayFirst), Some(AT - ahead));
        prop_assert_eq!(ms(&west, DayFirst), Some(AT + ahead));
    }

    #[test]
    fn a_day_after_the_twelfth_fits_one_order_only(day in 13_i64..=28, month in 1_i64..=12) {
        let text = format!("{day}/{month}/2017");
        prop_assert!(ms(&text, DayFirst).is_some());
        prop_assert_eq!(ms(&text, MonthFirst), None);
    }

    #[test]
    fn never_panics_and_stays_within_the_years(text in "[0-9TZ:/ .+-]{0,32}") {
        if let Some(at) = read(&text, DayFirst) {
            prop_assert!(YEARS.contains(&at.0));
        }
    }

    #[test]
    fn the_usual_form_is_read_as_any_other(text in "[0-9]{4}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-6][0-9]:[0-6][0-9]") {
        let bytes = text.as_bytes();
        prop_assert_eq!(usual(bytes.try_into().unwrap()), searched(bytes, DayFirst));
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
        prop_assert_eq!(usual(&text), searched(&text, DayFirst).filter(|_| is_usual));
    }

    #[test]
    fn never_panics_on_any_text(text in ".*") {
        let _ = parse("order_approved_at", &text, MonthFirst);
    }
}
