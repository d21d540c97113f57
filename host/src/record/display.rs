//! Shows one value of a column to people and in JSON: UUIDs with dashes, times in ISO 8601 in UTC, blobs as in CQL.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef};
use chrono::{DateTime, Days, NaiveDate};
use serde_json::Value;
use uuid::Uuid;

use super::columns::DataType;
use super::descriptor::Field;

/// The value as text, or `None` for null. `column` must have the field's Arrow type ([`DataType::to_arrow`]) and a row
/// `row`.
pub fn text(field: &Field, column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match field.data_type {
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Text | DataType::Json => column.as_string::<i32>().value(row).to_owned(),
        DataType::Blob => hexadecimal(column.as_binary::<i32>().value(row)),
        DataType::Uuid => uuid(column.as_fixed_size_binary().value(row)),
        DataType::Timestamp => timestamp(column.as_primitive::<TimestampMillisecondType>().value(row)),
        DataType::Date => date(column.as_primitive::<Date32Type>().value(row)),
    })
}

/// The value as JSON: numbers and booleans as such, `json` as its content, and everything else as its [`text`].
pub fn json(field: &Field, column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match field.data_type {
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => {
            let number = column.as_primitive::<Float64Type>().value(row);
            // JSON has no NaN and no infinity, so those become strings. This is only for display; `sink/object` decides
            // what is written.
            serde_json::Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
        }
        DataType::Json => {
            let held = column.as_string::<i32>().value(row);
            serde_json::from_str(held).unwrap_or_else(|_| held.into())
        }
        DataType::Text | DataType::Blob | DataType::Uuid | DataType::Timestamp | DataType::Date => {
            text(field, column, row).into()
        }
    }
}

/// NaN or an infinity in words.
pub fn not_finite(number: f64) -> &'static str {
    match number {
        number if number.is_nan() => "NaN",
        number if number > 0.0 => "infinity",
        _ => "-infinity",
    }
}

/// Writes `2017-10-02T10:56:33Z`, with milliseconds if they are not zero. A time beyond the calendar's end is
/// a bare number.
pub fn timestamp(millis: i64) -> String {
    match DateTime::from_timestamp_millis(millis) {
        Some(time) if time.timestamp_subsec_millis() == 0 => time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Some(time) => time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        None => millis.to_string(),
    }
}

/// Writes `2017-10-02`. A date beyond the calendar's end is a bare number of days.
pub fn date(days: i32) -> String {
    let epoch = NaiveDate::default();
    let distance = Days::new(days.unsigned_abs().into());
    let date = if days < 0 {
        epoch.checked_sub_days(distance)
    } else {
        epoch.checked_add_days(distance)
    };
    date.map_or_else(|| days.to_string(), |date| date.to_string())
}

/// Writes bytes as a blob in CQL: `0x00ff`.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Writes a UUID, 16 bytes in network order, with dashes.
fn uuid(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).map_or_else(|_| hexadecimal(bytes), |uuid| uuid.to_string())
}

/// Escapes control characters, since text from records must not steer the terminal or break a table.
pub fn printable(text: impl AsRef<str>) -> String {
    let characters = text.as_ref().chars().flat_map(|character| {
        let (plain, escaped) = if character.is_control() {
            (None, Some(character.escape_default()))
        } else {
            (Some(character), None)
        };
        plain.into_iter().chain(escaped.into_iter().flatten())
    });
    characters.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BinaryArray, FixedSizeBinaryArray, Float64Array, Int64Array, StringArray};
    use serde_json::json;

    use super::*;

    fn field(data_type: DataType) -> Field {
        Field {
            name: "x".into(),
            data_type,
            nullable: true,
        }
    }

    #[test]
    fn times_are_iso_8601_in_utc_with_millis_only_where_there_are_some() {
        assert_eq!(timestamp(1_506_941_793_000), "2017-10-02T10:56:33Z");
        assert_eq!(timestamp(1_506_941_793_007), "2017-10-02T10:56:33.007Z");
        assert_eq!(timestamp(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(timestamp(i64::MAX), i64::MAX.to_string());
        assert_eq!(date(17_441), "2017-10-02");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(i32::MIN), i32::MIN.to_string());
    }

    #[test]
    fn uuids_are_dashed_and_blobs_are_written_as_cql_does() {
        let bytes: Vec<u8> = (0..16).collect();
        let column: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([bytes].into_iter()).unwrap());
        let shown = text(&field(DataType::Uuid), &column, 0);
        assert_eq!(shown.as_deref(), Some("00010203-0405-0607-0809-0a0b0c0d0e0f"));
        let column: ArrayRef = Arc::new(BinaryArray::from(vec![b"\x00\xff".as_slice(), b""]));
        assert_eq!(text(&field(DataType::Blob), &column, 0).as_deref(), Some("0x00ff"));
        assert_eq!(text(&field(DataType::Blob), &column, 1).as_deref(), Some("0x"));
    }

    #[test]
    fn json_keeps_numbers_nulls_and_nested_values() {
        let column: ArrayRef = Arc::new(StringArray::from(vec![r#"{"a":[1]}"#, "not json"]));
        assert_eq!(json(&field(DataType::Json), &column, 0), json!({"a": [1]}));
        assert_eq!(json(&field(DataType::Json), &column, 1), json!("not json"));
        let column: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(i64::MIN)]));
        assert_eq!(json(&field(DataType::Int64), &column, 0), Value::Null);
        assert_eq!(json(&field(DataType::Int64), &column, 1), json!(i64::MIN));
        let column: ArrayRef = Arc::new(Float64Array::from(vec![0.5, f64::NAN]));
        assert_eq!(json(&field(DataType::Float64), &column, 0), json!(0.5));
        assert_eq!(json(&field(DataType::Float64), &column, 1), json!("NaN"));
    }
}
