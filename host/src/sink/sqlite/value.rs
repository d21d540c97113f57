//! Values as SQLite keeps them: numbers and truth values (0, 1) as numbers, blobs as blobs, all else as text in the
//! form that [`display`] gives it, which sorts as it should.

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use crate::record::columns::DataType;
use crate::record::descriptor::Field;
use crate::record::display;

/// Characters of an offending text that an error shows.
const SHOWN_CHARS: usize = 80;

/// SQLite's name for the type of a column.
pub(super) fn affinity(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Boolean | DataType::Int32 | DataType::Int64 => "INTEGER",
        DataType::Float64 => "REAL",
        DataType::Blob => "BLOB",
        DataType::Text | DataType::Json | DataType::Uuid | DataType::Timestamp | DataType::Date => "TEXT",
    }
}

/// `None` for null.
pub(super) fn of<'a>(field: &Field, column: &'a ArrayRef, row: usize) -> Option<ToSqlOutput<'a>> {
    if column.is_null(row) {
        return None;
    }
    let owned = ToSqlOutput::Owned;
    let borrowed = ToSqlOutput::Borrowed;
    Some(match field.data_type {
        DataType::Boolean => owned(Value::Integer(column.as_boolean().value(row).into())),
        DataType::Int32 => owned(Value::Integer(column.as_primitive::<Int32Type>().value(row).into())),
        DataType::Int64 => owned(Value::Integer(column.as_primitive::<Int64Type>().value(row))),
        DataType::Float64 => owned(Value::Real(column.as_primitive::<Float64Type>().value(row))),
        DataType::Text | DataType::Json => borrowed(ValueRef::Text(column.as_string::<i32>().value(row).as_bytes())),
        DataType::Blob => borrowed(ValueRef::Blob(column.as_binary::<i32>().value(row))),
        DataType::Uuid | DataType::Timestamp | DataType::Date => owned(Value::Text(display::text(field, column, row)?)),
    })
}

/// The affinity of a column that was declared with this type.
/// <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>
pub(super) fn affinity_of(declared: &str) -> &'static str {
    let declared = declared.to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    if has(&["INT"]) {
        "INTEGER"
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        "TEXT"
    } else if declared.is_empty() || has(&["BLOB"]) || declared == "ANY" {
        "BLOB"
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        "REAL"
    } else {
        "NUMERIC"
    }
}

/// Why SQLite would store another value than this one, without an error: null for a NaN (it has infinities), and what a
/// column's affinity makes of numbers, and of texts that look like one.
pub(super) fn misfit(field: &Field, affinity: &str, column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    match (field.data_type, affinity) {
        (DataType::Float64, _) => {
            let number = column.as_primitive::<Float64Type>().value(row);
            let why = "NaN is not a value in SQLite, which would store null in its place";
            number.is_nan().then(|| why.to_owned())
        }
        (DataType::Int64, "REAL") => {
            let number = column.as_primitive::<Int64Type>().value(row);
            // As for a `double` of Cassandra: every integer up to this size has a double of its own.
            let is_kept = number.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS;
            (!is_kept).then(|| format!("{number} has no exact REAL (make the column INTEGER)"))
        }
        (DataType::Text | DataType::Json, "INTEGER" | "REAL" | "NUMERIC") => {
            let text = column.as_string::<i32>().value(row);
            let becomes = as_number(text)?;
            (becomes != text).then(|| {
                let shown: String = text.chars().take(SHOWN_CHARS).collect();
                format!("{shown:?} would become the number {becomes} in a column of type {affinity} (make it TEXT)")
            })
        }
        _ => None,
    }
}

/// The value that SQLite makes of a text in a column for numbers, as it reads back; `None`: it stays a text.
fn as_number(text: &str) -> Option<String> {
    let trimmed = text.trim_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let is_digits = trimmed
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    let number: f64 = trimmed.parse().ok().filter(|_| is_digits)?;
    Some(match trimmed.parse::<i64>() {
        Ok(whole) => whole.to_string(),
        Err(_) => number.to_string(),
    })
}

/// A stored value as [`display::text`] gives it for the same field.
pub(super) fn text(field: &Field, value: ValueRef<'_>) -> Option<String> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(truth) if field.data_type == DataType::Boolean => (truth != 0).to_string(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => display::hexadecimal(bytes),
    })
}
