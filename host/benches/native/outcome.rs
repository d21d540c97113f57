//! Turns the SDK's result into the pipeline's. Buffers are moved. Nothing is checked that the sandbox checks because it
//! distrusts a guest.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Int32Type, TimestampMillisecondType};
use arrow_array::{ArrayRef, FixedSizeBinaryArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use host::record::columns::Batch;
use host::record::descriptor::{Outcome, Rows};
use host::record::reject::Reject;
use host::record::stage::Stage;
use transform_sdk::abi::{self, Column, Values, Variable};

pub fn taken(given: abi::Outcome) -> Outcome {
    let reject = |reject: abi::Reject| (reject.row, Reject::new(Stage::Transform, reject.code, reject.message));
    Outcome {
        rows: given.rows.into_iter().map(rows).collect(),
        filtered: given.filtered,
        rejects: given.rejects.into_iter().map(reject).collect(),
    }
}

fn rows(given: abi::Rows) -> Rows {
    let rows = given.source.len();
    let columns = given.columns.into_iter().map(|column| array(column, rows)).collect();
    Rows {
        output: given.output as usize,
        source: given.source,
        batch: Batch { rows, columns },
    }
}

/// Handles only the types that an enriched order has.
fn array(column: Column, rows: usize) -> ArrayRef {
    let nulls = column.validity.map(|bytes| BooleanBuffer::new(bytes.into(), 0, rows));
    let nulls = nulls.map(NullBuffer::new);
    match column.values {
        Values::Int32(values) => primitive::<Int32Type>(values, nulls),
        Values::Timestamp(values) => primitive::<TimestampMillisecondType>(values, nulls),
        Values::Uuid(bytes) => Arc::new(FixedSizeBinaryArray::new(16, bytes.into(), nulls)),
        Values::Text(text) => texts(text, nulls),
        other => panic!("an enriched order has no such column: {other:?}"),
    }
}

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls))
}

#[expect(unsafe_code, reason = "a result of the same program's function is not checked again")]
fn texts(Variable { offsets, data }: Variable, nulls: Option<NullBuffer>) -> ArrayRef {
    // SAFETY: the SDK appends one `&str` after another, and after each of them the end of the data as an offset.
    Arc::new(unsafe {
        let offsets = OffsetBuffer::new_unchecked(ScalarBuffer::from(offsets));
        StringArray::new_unchecked(offsets, data.into(), nulls)
    })
}
