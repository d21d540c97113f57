//! Turns one column that a guest returned into the Arrow array that its field declares. Nothing is used before it is
//! checked, and Arrow's checked constructors check it again.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, StringArray};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use serde::de::IgnoredAny;

use super::bindings::host::transform::columns::{ColumnResult, ValuesResult, VariableResult};
use super::error::ColumnProblem;
use crate::record::columns::DataType;
use crate::record::descriptor::Field;

/// Makes the array that the field declares, or says what is wrong with the column.
pub fn column(returned: ColumnResult, field: &Field, rows: usize) -> Result<ArrayRef, ColumnProblem> {
    let nulls = returned.validity.map(|bytes| bits(bytes, rows)).transpose()?;
    let nulls = nulls.map(NullBuffer::new).filter(|nulls| nulls.null_count() > 0);
    if let Some(nulls) = &nulls
        && !field.nullable
        && let Some(row) = (0..rows).find(|&row| nulls.is_null(row))
    {
        return Err(ColumnProblem::Null { row });
    }
    Ok(match (returned.values, field.data_type) {
        (ValuesResult::Boolean(bytes), DataType::Boolean) => Arc::new(BooleanArray::new(bits(bytes, rows)?, nulls)),
        (ValuesResult::Int32(values), DataType::Int32) => primitive::<Int32Type>(values, nulls, rows)?,
        (ValuesResult::Int64(values), DataType::Int64) => primitive::<Int64Type>(values, nulls, rows)?,
        (ValuesResult::Float64(values), DataType::Float64) => primitive::<Float64Type>(values, nulls, rows)?,
        (ValuesResult::Timestamp(values), DataType::Timestamp) => {
            primitive::<TimestampMillisecondType>(values, nulls, rows)?
        }
        (ValuesResult::Date(values), DataType::Date) => primitive::<Date32Type>(values, nulls, rows)?,
        (ValuesResult::Uuid(bytes), DataType::Uuid) => {
            if Some(bytes.len()) != rows.checked_mul(16) {
                return Err(ColumnProblem::Length {
                    found: bytes.len() / 16,
                    rows,
                });
            }
            Arc::new(FixedSizeBinaryArray::try_new(16, bytes.into(), nulls)?)
        }
        (ValuesResult::Text(variable), DataType::Text) => Arc::new(text(variable, nulls, rows)?),
        (ValuesResult::Json(variable), DataType::Json) => {
            let texts = text(variable, nulls, rows)?;
            let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
            match texts.iter().position(|text| text.is_some_and(|text| !is_json(text))) {
                Some(row) => return Err(ColumnProblem::Json { row }),
                None => Arc::new(texts),
            }
        }
        (ValuesResult::Blob(variable), DataType::Blob) => {
            let (offsets, data) = variable_parts(variable, rows)?;
            Arc::new(BinaryArray::try_new(offsets, data, nulls)?)
        }
        (values, expected) => {
            return Err(ColumnProblem::Type {
                found: name(&values),
                expected,
            });
        }
    })
}

/// Takes a bitmap, which must have exactly as many bytes as one bit a row needs.
fn bits(bytes: Vec<u8>, rows: usize) -> Result<BooleanBuffer, ColumnProblem> {
    let found = bytes.len();
    if found != rows.div_ceil(8) {
        return Err(ColumnProblem::Bitmap { found, rows });
    }
    Ok(BooleanBuffer::new(bytes.into(), 0, rows))
}

fn primitive<T: ArrowPrimitiveType>(
    values: Vec<T::Native>,
    nulls: Option<NullBuffer>,
    rows: usize,
) -> Result<ArrayRef, ColumnProblem>
where
    T::Native: ArrowNativeType,
{
    if values.len() != rows {
        return Err(ColumnProblem::Length {
            found: values.len(),
            rows,
        });
    }
    Ok(Arc::new(PrimitiveArray::<T>::try_new(
        ScalarBuffer::from(values),
        nulls,
    )?))
}

fn text(variable: VariableResult, nulls: Option<NullBuffer>, rows: usize) -> Result<StringArray, ColumnProblem> {
    let (offsets, data) = variable_parts(variable, rows)?;
    Ok(StringArray::try_new(offsets, data, nulls)?)
}

/// Checks the offsets: they must begin at 0 or later, never go backwards, and end within the data.
fn variable_parts(variable: VariableResult, rows: usize) -> Result<(OffsetBuffer<i32>, Buffer), ColumnProblem> {
    let VariableResult { offsets, data } = variable;
    if Some(offsets.len()) != rows.checked_add(1) {
        return Err(ColumnProblem::Length {
            found: offsets.len().saturating_sub(1),
            rows,
        });
    }
    let bytes = data.len();
    let starts_well = offsets.first().is_some_and(|&first| first >= 0);
    let ends_well = offsets
        .last()
        .is_some_and(|&last| usize::try_from(last).is_ok_and(|last| last <= bytes));
    // Counting is faster than searching: without an early exit the compiler compares several pairs at once.
    let backwards = offsets.windows(2).filter(|pair| pair[0] > pair[1]).count();
    if !starts_well || !ends_well || backwards > 0 {
        return Err(ColumnProblem::Offsets { bytes });
    }
    Ok((OffsetBuffer::new(ScalarBuffer::from(offsets)), data.into()))
}

fn name(values: &ValuesResult) -> &'static str {
    match values {
        ValuesResult::Boolean(_) => "boolean",
        ValuesResult::Int32(_) => "int32",
        ValuesResult::Int64(_) => "int64",
        ValuesResult::Float64(_) => "float64",
        ValuesResult::Text(_) => "text",
        ValuesResult::Blob(_) => "blob",
        ValuesResult::Json(_) => "json",
        ValuesResult::Uuid(_) => "uuid",
        ValuesResult::Timestamp(_) => "timestamp",
        ValuesResult::Date(_) => "date",
    }
}
