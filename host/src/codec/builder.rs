//! Builds the Arrow arrays that `record/columns.rs` names from cells, row by row.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, FixedSizeBinaryBuilder, Float64Builder, Int32Builder, Int64Builder,
    StringBuilder, TimestampMillisecondBuilder,
};

use crate::record::columns::{Batch, DataType};
use crate::record::descriptor::Input;

use super::value::Cell;

/// The most bytes that the texts and blobs of one batch may have together, since Arrow's offsets are `i32`. Sources
/// bound a batch far below that.
const MAX_BATCH_BYTES: usize = i32::MAX as usize;

/// The columns of a batch while they are being built.
pub struct Columns {
    columns: Vec<ColumnBuilder>,
    rows: usize,
    bytes: usize,
}

/// The row has no room in this batch.
#[derive(Debug, PartialEq, Eq)]
pub struct BatchFull;

enum ColumnBuilder {
    Boolean(BooleanBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float64(Float64Builder),
    Text(StringBuilder),
    Blob(BinaryBuilder),
    Uuid(FixedSizeBinaryBuilder),
    Timestamp(TimestampMillisecondBuilder),
    Date(Date32Builder),
}

impl Columns {
    /// Makes a column for each input, with room for `capacity` rows.
    pub fn new(inputs: &[Input], capacity: usize) -> Self {
        Self {
            columns: inputs
                .iter()
                .map(|input| ColumnBuilder::new(input.field.data_type, capacity))
                .collect(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Appends one row: a cell for each column, of the column's data type.
    pub fn push(&mut self, row: &[Cell<'_>]) -> Result<(), BatchFull> {
        let bytes = self.bytes + row.iter().map(Cell::size).sum::<usize>();
        if bytes > MAX_BATCH_BYTES {
            return Err(BatchFull);
        }
        self.bytes = bytes;
        self.rows += 1;
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(cell);
        }
        Ok(())
    }

    /// Makes the batch of all rows.
    pub fn finish(self) -> Batch {
        Batch {
            rows: self.rows,
            columns: self.columns.into_iter().map(ColumnBuilder::finish).collect(),
        }
    }
}

impl Cell<'_> {
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

impl ColumnBuilder {
    fn new(data_type: DataType, rows: usize) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            DataType::Int32 => Self::Int32(Int32Builder::with_capacity(rows)),
            DataType::Int64 => Self::Int64(Int64Builder::with_capacity(rows)),
            DataType::Float64 => Self::Float64(Float64Builder::with_capacity(rows)),
            DataType::Text | DataType::Json => Self::Text(StringBuilder::with_capacity(rows, rows * 16)),
            DataType::Blob => Self::Blob(BinaryBuilder::with_capacity(rows, rows * 16)),
            DataType::Uuid => Self::Uuid(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
            DataType::Timestamp => Self::Timestamp(TimestampMillisecondBuilder::with_capacity(rows)),
            DataType::Date => Self::Date(Date32Builder::with_capacity(rows)),
        }
    }

    /// Appends the cell. A cell of another type becomes a null; `fit` never makes one.
    fn push(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Self::Boolean(builder), Cell::Boolean(value)) => builder.append_value(*value),
            (Self::Int32(builder), Cell::Int32(value)) => builder.append_value(*value),
            (Self::Int64(builder), Cell::Int64(value)) => builder.append_value(*value),
            (Self::Float64(builder), Cell::Float64(value)) => builder.append_value(*value),
            (Self::Text(builder), Cell::Text(value)) => builder.append_value(value),
            (Self::Blob(builder), Cell::Blob(value)) => builder.append_value(value),
            // The builder's width is 16, as is the value's, so this cannot fail.
            (Self::Uuid(builder), Cell::Uuid(value)) => {
                if builder.append_value(value).is_err() {
                    builder.append_null();
                }
            }
            (Self::Timestamp(builder), Cell::Timestamp(value)) => builder.append_value(*value),
            (Self::Date(builder), Cell::Date(value)) => builder.append_value(*value),
            (column, cell) => {
                debug_assert_eq!(*cell, Cell::Null, "a cell of another type than its column");
                column.push_null();
            }
        }
    }

    fn push_null(&mut self) {
        match self {
            Self::Boolean(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::Float64(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
            Self::Blob(builder) => builder.append_null(),
            Self::Uuid(builder) => builder.append_null(),
            Self::Timestamp(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
            Self::Int32(mut builder) => Arc::new(builder.finish()),
            Self::Int64(mut builder) => Arc::new(builder.finish()),
            Self::Float64(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Blob(mut builder) => Arc::new(builder.finish()),
            Self::Uuid(mut builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder) => Arc::new(builder.finish()),
            Self::Date(mut builder) => Arc::new(builder.finish()),
        }
    }
}
