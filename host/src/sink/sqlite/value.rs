//! Values as SQLite keeps them: numbers and truth values (0, 1) as numbers, blobs as blobs, all else as text in the form
//! that [`display`] gives it, which sorts as it should.

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use crate::record::columns::DataType;
use crate::record::descriptor::Field;
use crate::record::display;

/// What SQLite calls the type of a column.
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
