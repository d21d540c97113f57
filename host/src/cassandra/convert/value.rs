//! One value of an Arrow column, borrowed.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef};
use uuid::Uuid;

use crate::record::columns::DataType;

/// A value that is there; `int32` and `int64` both are `Integer`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(&'a str),
    Blob(&'a [u8]),
    /// One JSON text.
    Json(&'a str),
    Uuid(Uuid),
    /// Milliseconds since 1970-01-01T00:00Z.
    Timestamp(i64),
    /// Days since 1970-01-01.
    Date(i32),
}

impl<'a> Value<'a> {
    /// The value in row `row` of a column of data type `data_type`, `None` for a null.
    ///
    /// # Panics
    /// If the array is not of the Arrow type that [`DataType::to_arrow`] names or has no such row: batches are
    /// validated where they come from.
    pub fn at(column: &'a ArrayRef, data_type: DataType, row: usize) -> Option<Self> {
        if column.is_null(row) {
            return None;
        }
        Some(match data_type {
            DataType::Boolean => Self::Boolean(column.as_boolean().value(row)),
            DataType::Int32 => Self::Integer(column.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => Self::Integer(column.as_primitive::<Int64Type>().value(row)),
            DataType::Float64 => Self::Float(column.as_primitive::<Float64Type>().value(row)),
            DataType::Text => Self::Text(column.as_string::<i32>().value(row)),
            DataType::Blob => Self::Blob(column.as_binary::<i32>().value(row)),
            DataType::Json => Self::Json(column.as_string::<i32>().value(row)),
            DataType::Uuid => {
                let bytes = column.as_fixed_size_binary().value(row);
                Self::Uuid(Uuid::from_slice(bytes).unwrap_or_default())
            }
            DataType::Timestamp => Self::Timestamp(column.as_primitive::<TimestampMillisecondType>().value(row)),
            DataType::Date => Self::Date(column.as_primitive::<Date32Type>().value(row)),
        })
    }

    /// The data type that the value has, `int64` standing for both integers.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Boolean(_) => DataType::Boolean,
            Self::Integer(_) => DataType::Int64,
            Self::Float(_) => DataType::Float64,
            Self::Text(_) => DataType::Text,
            Self::Blob(_) => DataType::Blob,
            Self::Json(_) => DataType::Json,
            Self::Uuid(_) => DataType::Uuid,
            Self::Timestamp(_) => DataType::Timestamp,
            Self::Date(_) => DataType::Date,
        }
    }
}
