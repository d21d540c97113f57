//! Turns Arrow columns into the borrowed columns that the WIT wants. Buffers are lent as they are. Only bitmaps that do
//! not begin at a byte and offsets that do not begin at 0 (in a slice of a larger batch) are copied first.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_schema::DataType as Arrow;

use super::bindings::host::transform::columns::{Batch as BatchParam, ColumnParam, ValuesParam, VariableParam};
use crate::record::columns::{Batch, DataType};
use crate::record::descriptor::Input;

/// A batch with the parts that had to be copied.
pub struct Lowered<'a> {
    batch: &'a Batch,
    inputs: &'a [Input],
    prepared: Vec<OwnedParts>,
}

/// Parts of one column that are not lent from the Arrow array itself.
#[derive(Default)]
struct OwnedParts {
    validity: Option<Buffer>,
    bits: Option<Buffer>,
    /// Offsets that were moved to begin at 0, if the array's own do not.
    offsets: Option<Vec<i32>>,
}

impl<'a> Lowered<'a> {
    /// Prepares a batch. Column i must belong to input i and have its Arrow type, as the codec makes them.
    pub fn new(batch: &'a Batch, inputs: &'a [Input]) -> Self {
        debug_assert_eq!(batch.columns.len(), inputs.len(), "one column for each input");
        Self {
            batch,
            inputs,
            prepared: batch.columns.iter().map(prepare).collect(),
        }
    }

    /// The columns to lend.
    pub fn columns(&self) -> Vec<ColumnParam<'_>> {
        let columns = self.batch.columns.iter().zip(self.inputs).zip(&self.prepared);
        columns
            .map(|((array, input), prepared)| ColumnParam {
                validity: prepared.validity.as_ref().map(Buffer::as_slice),
                values: values(array, input.field.data_type, prepared),
            })
            .collect()
    }

    /// The batch to lend, with the columns from [`Self::columns`].
    pub fn batch<'b>(&self, columns: &'b [ColumnParam<'b>]) -> BatchParam<'b> {
        // Settings bound a batch far below this.
        BatchParam {
            rows: u32::try_from(self.batch.rows).unwrap_or(u32::MAX),
            columns,
        }
    }
}

fn prepare(array: &ArrayRef) -> OwnedParts {
    let validity = array
        .nulls()
        .filter(|nulls| nulls.null_count() > 0)
        .map(|nulls| bitmap(nulls.inner()));
    let mut prepared = OwnedParts {
        validity,
        ..OwnedParts::default()
    };
    match array.data_type() {
        Arrow::Boolean => prepared.bits = Some(bitmap(array.as_boolean().values())),
        Arrow::Utf8 => prepared.offsets = rebase(array.as_string::<i32>().value_offsets()),
        Arrow::Binary => prepared.offsets = rebase(array.as_binary::<i32>().value_offsets()),
        _ => {}
    }
    prepared
}

/// The bits, moved to begin at a byte, in exactly as many bytes as they need.
fn bitmap(bits: &BooleanBuffer) -> Buffer {
    let packed = bits.sliced();
    packed.slice_with_length(0, bits.len().div_ceil(8))
}

fn rebase(offsets: &[i32]) -> Option<Vec<i32>> {
    match offsets.first() {
        None | Some(0) => None,
        Some(first) => Some(offsets.iter().map(|offset| offset - first).collect()),
    }
}

fn values<'a>(array: &'a ArrayRef, data_type: DataType, prepared: &'a OwnedParts) -> ValuesParam<'a> {
    match data_type {
        DataType::Boolean => ValuesParam::Boolean(prepared.bits.as_ref().map_or(&[], Buffer::as_slice)),
        DataType::Int32 => ValuesParam::Int32(array.as_primitive::<Int32Type>().values()),
        DataType::Int64 => ValuesParam::Int64(array.as_primitive::<Int64Type>().values()),
        DataType::Float64 => ValuesParam::Float64(array.as_primitive::<Float64Type>().values()),
        DataType::Timestamp => ValuesParam::Timestamp(array.as_primitive::<TimestampMillisecondType>().values()),
        DataType::Date => ValuesParam::Date(array.as_primitive::<Date32Type>().values()),
        DataType::Uuid => ValuesParam::Uuid(array.as_fixed_size_binary().value_data()),
        DataType::Blob => {
            let blob = array.as_binary::<i32>();
            ValuesParam::Blob(variable(blob.value_data(), blob.value_offsets(), prepared))
        }
        DataType::Text | DataType::Json => {
            let text = array.as_string::<i32>();
            let variable = variable(text.value_data(), text.value_offsets(), prepared);
            if data_type == DataType::Json {
                ValuesParam::Json(variable)
            } else {
                ValuesParam::Text(variable)
            }
        }
    }
}

fn variable<'a>(data: &'a [u8], offsets: &'a [i32], prepared: &'a OwnedParts) -> VariableParam<'a> {
    VariableParam {
        offsets: prepared.offsets.as_deref().unwrap_or(offsets),
        data: used(data, offsets),
    }
}

/// The bytes between the first and the last offset.
fn used<'a>(data: &'a [u8], offsets: &[i32]) -> &'a [u8] {
    let place = |offset: Option<&i32>| offset.and_then(|&offset| usize::try_from(offset).ok()).unwrap_or(0);
    data.get(place(offsets.first())..place(offsets.last()))
        .unwrap_or_default()
}
