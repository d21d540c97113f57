//! CQL values as text for people, the same text exactly where the stored values are the same.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, SecondsFormat};
use num_bigint::BigInt;

use super::types::CqlValue;

/// `None` for an empty collection, which Cassandra keeps as nothing at all.
pub fn show(value: &CqlValue) -> Option<String> {
    match value {
        CqlValue::List(items) | CqlValue::Set(items) if items.is_empty() => None,
        CqlValue::Map(pairs) if pairs.is_empty() => None,
        CqlValue::Ascii(text) | CqlValue::Text(text) => Some(text.clone()),
        value => Some(literal(value)),
    }
}

/// As CQL takes it in a statement.
pub fn typed(value: &CqlValue) -> String {
    value.to_string()
}

/// As in a collection: texts in quotes.
fn literal(value: &CqlValue) -> String {
    match value {
        CqlValue::Ascii(text) | CqlValue::Text(text) => format!("{text:?}"),
        CqlValue::Double(number) => format!("{number:?}"),
        CqlValue::Float(number) => format!("{number:?}"),
        CqlValue::Timestamp(timestamp) => match DateTime::from_timestamp_millis(timestamp.0) {
            Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            None => format!("{} ms", timestamp.0),
        },
        CqlValue::Date(date) => match TryInto::<NaiveDate>::try_into(*date) {
            Ok(day) => day.to_string(),
            Err(_) => format!("day {}", date.0),
        },
        CqlValue::Time(time) => clock(time.0),
        // Written as unscaled value and exponent: `1.0` and `1.00` are kept apart, and 1e2000000000 stays short.
        CqlValue::Decimal(decimal) => {
            let (digits, scale) = decimal.as_signed_be_bytes_slice_and_exponent();
            format!("{}e{}", BigInt::from_signed_bytes_be(digits), -i64::from(scale))
        }
        CqlValue::Varint(number) => BigInt::from_signed_bytes_be(number.as_signed_bytes_be_slice()).to_string(),
        CqlValue::Blob(bytes) => hexadecimal(bytes),
        CqlValue::List(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        CqlValue::Set(items) => braced(items.iter().map(literal).collect()),
        CqlValue::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| format!("{}: {}", literal(key), literal(value)));
            braced(pairs.collect())
        }
        CqlValue::Boolean(value) => value.to_string(),
        CqlValue::TinyInt(value) => value.to_string(),
        CqlValue::SmallInt(value) => value.to_string(),
        CqlValue::Int(value) => value.to_string(),
        CqlValue::BigInt(value) => value.to_string(),
        CqlValue::Uuid(value) => value.to_string(),
        CqlValue::Timeuuid(value) => value.to_string(),
        CqlValue::Inet(value) => value.to_string(),
        CqlValue::Empty => String::new(),
        // Such types are never written.
        value => format!("{value:?}"),
    }
}

/// Sets and maps have no order of their own, and the server drops repeats.
fn braced(mut items: Vec<String>) -> String {
    items.sort_unstable();
    items.dedup();
    format!("{{{}}}", items.join(", "))
}

fn clock(nanoseconds: i64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let (seconds, fraction) = (seconds % 60, nanoseconds % 1_000_000_000);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{fraction:09}")
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use scylla::value::{CqlDate, CqlDecimal, CqlTime, CqlTimestamp};

    fn texts(items: &[&str]) -> Vec<CqlValue> {
        items.iter().map(|item| CqlValue::Text((*item).to_owned())).collect()
    }

    #[test]
    fn the_order_of_a_set_or_map_makes_no_difference() {
        assert_eq!(
            show(&CqlValue::Set(texts(&["b", "a", "b"]))),
            show(&CqlValue::Set(texts(&["a", "b"])))
        );
        assert_ne!(
            show(&CqlValue::List(texts(&["b", "a"]))),
            show(&CqlValue::List(texts(&["a", "b"])))
        );
        let pair = |key: &str, value| (CqlValue::Text(key.to_owned()), CqlValue::Int(value));
        let (one, two) = (pair("one", 1), pair("two", 2));
        assert_eq!(
            show(&CqlValue::Map(vec![two.clone(), one.clone()])).as_deref(),
            Some(r#"{"one": 1, "two": 2}"#)
        );
        assert_eq!(
            show(&CqlValue::Map(vec![one.clone(), two.clone()])),
            show(&CqlValue::Map(vec![two, one]))
        );
    }

    #[test]
    fn different_values_of_one_type_show_differently() {
        let decimal = |scale| CqlValue::Decimal(CqlDecimal::from_signed_be_bytes_and_exponent(vec![10], scale));
        for (one, other) in [
            (CqlValue::List(texts(&["a", "b"])), CqlValue::List(texts(&["a\", \"b"]))),
            (decimal(1), decimal(2)),
            (
                CqlValue::Timestamp(CqlTimestamp(0)),
                CqlValue::Timestamp(CqlTimestamp(1)),
            ),
            (
                CqlValue::Timestamp(CqlTimestamp(i64::MAX)),
                CqlValue::Timestamp(CqlTimestamp(i64::MAX - 1)),
            ),
            (CqlValue::Double(0.1), CqlValue::Double(0.100_000_000_000_000_02)),
            (CqlValue::Time(CqlTime(1)), CqlValue::Time(CqlTime(2))),
            (CqlValue::Date(CqlDate(0)), CqlValue::Date(CqlDate(1))),
            (CqlValue::Blob(vec![0]), CqlValue::Blob(vec![0, 0])),
        ] {
            assert_ne!(show(&one), show(&other));
        }
    }

    #[test]
    fn an_empty_collection_is_no_value_but_an_empty_text_is_one() {
        assert_eq!(show(&CqlValue::Set(vec![])), None);
        assert_eq!(show(&CqlValue::Map(vec![])), None);
        assert_eq!(show(&CqlValue::Text(String::new())).as_deref(), Some(""));
    }

    #[test]
    fn times_are_iso_8601() {
        assert_eq!(
            show(&CqlValue::Timestamp(CqlTimestamp(1_506_941_793_000))).as_deref(),
            Some("2017-10-02T10:56:33Z")
        );
        assert_eq!(show(&CqlValue::Date(CqlDate(1 << 31))).as_deref(), Some("1970-01-01"));
        assert_eq!(
            show(&CqlValue::Time(CqlTime(3_723_000_000_004))).as_deref(),
            Some("01:02:03.000000004")
        );
    }
}
