//! The rows of a batch as their statement takes them. Where a column of the batch and its column of the table hold the
//! same, a value goes straight from the Arrow array into the frame. Other values are converted first, so that one that
//! does not fit is known before its row shares a CQL batch with others.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::NullBuffer;
use scylla::cluster::metadata::{ColumnType, NativeType};
use scylla::errors::SerializationError;
use scylla::routing::partitioner::{Murmur3Partitioner, Partitioner, PartitionerHasher};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::{CellWriter, RowWriter};
use scylla::value::CqlValue;

use super::convert::{Value, convert, cql_date};
use super::fit::{Binding, Role};
use super::statement::TimestampMarker;
use super::table::Table;
use crate::record::columns::{Batch, DataType};
use crate::record::position::WriteTime;
use crate::sink::{SinkError, WriteBatch};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// The bind marker is left unset: what the column held stays, and no tombstone is made.
    Unset,
    /// A tombstone is written.
    Tombstone,
}

/// What the bind markers of a statement are.
#[derive(Debug)]
pub struct Markers {
    pub bindings: Vec<Binding>,
    pub write_time: TimestampMarker,
    pub nulls: Nulls,
    /// Indices into `bindings`, in the order of the table's partition key.
    pub partition_key: Vec<usize>,
}

/// The rows of one batch.
pub struct Bound<'a> {
    markers: &'a Markers,
    write_times: &'a [WriteTime],
    /// One for each binding.
    columns: Vec<Column<'a>>,
}

/// One row of them.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    bound: &'a Bound<'a>,
    row: usize,
}

/// A column of the batch, with its nulls where it has any.
struct Column<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

/// Values that go into the frame as they are, or their bytes.
enum Values<'a> {
    Boolean(&'a BooleanArray),
    Int(&'a [i32]),
    /// Timestamps, too: CQL's count from where Arrow's do.
    BigInt(&'a [i64]),
    Double(&'a [f64]),
    Date(&'a [i32]),
    /// Of 16 bytes each.
    Uuid(&'a [u8]),
    Variable {
        offsets: &'a [i32],
        bytes: &'a [u8],
    },
    Converted(Converted),
}

/// The bytes of the rows that were asked for, by row.
struct Converted {
    bytes: Vec<u8>,
    /// Begin and end; `None` for a null, and for a row that was not asked for.
    places: Vec<Option<(usize, usize)>>,
}

/// What Cassandra counts of a cell beside its value when it measures a CQL batch: write timestamp, expiry, time to live.
const CELL_BYTES: usize = 16;

/// The same of a row: its liveness and its deletion.
const ROW_BYTES: usize = 40;

impl Markers {
    pub fn of(table: &Table, bindings: Vec<Binding>, write_time: TimestampMarker, nulls: Nulls) -> Self {
        let place = |column: &String| bindings.iter().position(|binding| binding.column == *column);
        Self {
            partition_key: table.partition_key.iter().filter_map(place).collect(),
            bindings,
            write_time,
            nulls,
        }
    }

    /// Binds the rows that `which` names; with it those that cannot be bound, by their index in `which`.
    pub fn bind<'a>(&'a self, batch: &'a WriteBatch, which: &[u32]) -> (Bound<'a>, Vec<(usize, SinkError)>) {
        let mut misfits = Vec::new();
        let columns = self.bindings.iter().map(|binding| {
            let array = &batch.batch.columns[binding.field];
            match Column::direct(array, binding) {
                Some(column) => {
                    if binding.role == Role::Key && array.null_count() > 0 {
                        let nulls = which
                            .iter()
                            .enumerate()
                            .filter(|(_, row)| array.is_null(**row as usize));
                        misfits.extend(nulls.map(|(at, _)| (at, null_key(binding))));
                    }
                    column
                }
                None => Column {
                    nulls: None,
                    values: Values::Converted(Converted::of(binding, &batch.batch, which, &mut misfits)),
                },
            }
        });
        let bound = Bound {
            columns: columns.collect(),
            markers: self,
            write_times: &batch.write_times,
        };
        (bound, misfits)
    }
}

impl<'a> Bound<'a> {
    pub fn row(&'a self, row: u32) -> Row<'a> {
        Row {
            bound: self,
            row: row as usize,
        }
    }

    /// The token of the row's partition key. Not the server's where that has a set or a map whose elements do not come in
    /// the order that the server gives them: such a row takes a detour over a node that does not store it.
    /// <https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v4.spec>, "routing key"
    pub fn token(&self, row: u32) -> i64 {
        let mut hasher = Murmur3Partitioner.build_hasher();
        let mut scratch = [0; 8];
        let is_composite = self.markers.partition_key.len() > 1;
        for &column in &self.markers.partition_key {
            let value = self.columns[column]
                .cell(row as usize, &mut scratch)
                .unwrap_or_default();
            if is_composite {
                // A longer one than 64 KiB is refused by the server, wherever it goes.
                hasher.write(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
            }
            hasher.write(value);
            if is_composite {
                hasher.write(&[0]);
            }
        }
        hasher.finish().value()
    }

    /// What the row adds to a CQL batch, as the server counts it, or a little more.
    pub fn size(&self, row: u32) -> usize {
        let sizes = self.columns.iter().map(|column| column.size(row as usize));
        ROW_BYTES + sizes.sum::<usize>()
    }
}

impl SerializeRow for Row<'_> {
    fn serialize(&self, _: &RowSerializationContext<'_>, writer: &mut RowWriter<'_>) -> Result<(), SerializationError> {
        let Bound {
            markers,
            write_times,
            columns,
        } = self.bound;
        let write_time = write_times[self.row].0.to_be_bytes();
        let mut scratch = [0; 8];
        let mut write = |cell: Option<&[u8]>| {
            let writer = writer.make_cell_writer();
            match (cell, markers.nulls) {
                (Some(bytes), _) => writer.set_value(bytes),
                (None, Nulls::Unset) => Ok(writer.set_unset()),
                (None, Nulls::Tombstone) => Ok(writer.set_null()),
            }
            .map(drop)
            .map_err(SerializationError::new)
        };
        if markers.write_time == TimestampMarker::First {
            write(Some(&write_time))?;
        }
        for column in columns {
            write(column.cell(self.row, &mut scratch))?;
        }
        if markers.write_time == TimestampMarker::Last {
            write(Some(&write_time))?;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        false
    }
}

impl<'a> Column<'a> {
    /// `None` where the types differ.
    fn direct(array: &'a ArrayRef, binding: &Binding) -> Option<Self> {
        let ColumnType::Native(native) = &binding.column_type else {
            return None;
        };
        let values = match (binding.data_type, native) {
            (DataType::Boolean, NativeType::Boolean) => Values::Boolean(array.as_boolean()),
            (DataType::Int32, NativeType::Int) => Values::Int(array.as_primitive::<Int32Type>().values()),
            (DataType::Int64, NativeType::BigInt) => Values::BigInt(array.as_primitive::<Int64Type>().values()),
            (DataType::Timestamp, NativeType::Timestamp) => {
                Values::BigInt(array.as_primitive::<TimestampMillisecondType>().values())
            }
            (DataType::Float64, NativeType::Double) => Values::Double(array.as_primitive::<Float64Type>().values()),
            (DataType::Date, NativeType::Date) => Values::Date(array.as_primitive::<Date32Type>().values()),
            (DataType::Uuid, NativeType::Uuid) => Values::Uuid(array.as_fixed_size_binary().value_data()),
            (DataType::Text | DataType::Json, NativeType::Text) => {
                let text = array.as_string::<i32>();
                let (offsets, bytes) = (text.value_offsets(), text.value_data());
                Values::Variable { offsets, bytes }
            }
            (DataType::Blob, NativeType::Blob) => {
                let blob = array.as_binary::<i32>();
                let (offsets, bytes) = (blob.value_offsets(), blob.value_data());
                Values::Variable { offsets, bytes }
            }
            _ => return None,
        };
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        Some(Self { nulls, values })
    }

    /// The same for one cell, of which only the length is looked at.
    #[inline]
    fn size(&self, row: usize) -> usize {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return 0;
        }
        let value = match &self.values {
            Values::Boolean(_) => 1,
            Values::Int(_) | Values::Date(_) => 4,
            Values::BigInt(_) | Values::Double(_) => 8,
            Values::Uuid(_) => 16,
            Values::Variable { offsets, .. } => place(offsets[row + 1]) - place(offsets[row]),
            Values::Converted(converted) => match converted.places[row] {
                Some((begin, end)) => end - begin,
                None => return 0,
            },
        };
        CELL_BYTES + value
    }

    /// The value's bytes in CQL; `None` for a null. Numbers are put into the scratch.
    #[inline]
    fn cell<'s>(&'s self, row: usize, scratch: &'s mut [u8; 8]) -> Option<&'s [u8]> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        Some(match &self.values {
            Values::Boolean(array) => put(scratch, [u8::from(array.value(row))]),
            Values::Int(values) => put(scratch, values[row].to_be_bytes()),
            Values::BigInt(values) => put(scratch, values[row].to_be_bytes()),
            Values::Double(values) => put(scratch, values[row].to_be_bytes()),
            Values::Date(values) => put(scratch, cql_date(values[row]).0.to_be_bytes()),
            Values::Uuid(bytes) => &bytes[row * 16..row * 16 + 16],
            Values::Variable { offsets, bytes } => &bytes[place(offsets[row])..place(offsets[row + 1])],
            Values::Converted(converted) => {
                let (begin, end) = converted.places[row]?;
                &converted.bytes[begin..end]
            }
        })
    }
}

/// An array's offsets are never negative.
fn place(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

#[inline]
fn put<const N: usize>(scratch: &mut [u8; 8], bytes: [u8; N]) -> &[u8] {
    scratch[..N].copy_from_slice(&bytes);
    &scratch[..N]
}

impl Converted {
    fn of(binding: &Binding, batch: &Batch, which: &[u32], misfits: &mut Vec<(usize, SinkError)>) -> Self {
        let mut converted = Self {
            bytes: Vec::new(),
            places: vec![None; batch.rows],
        };
        for (at, &row) in which.iter().enumerate() {
            let value = match cql_value(binding, batch, row as usize) {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(misfit) => {
                    misfits.push((at, misfit));
                    continue;
                }
            };
            let begin = converted.bytes.len();
            let writer = CellWriter::new_without_size(&mut converted.bytes);
            match value.serialize(&binding.column_type, writer) {
                Ok(_) => converted.places[row as usize] = Some((begin, converted.bytes.len())),
                Err(error) => misfits.push((at, SinkError::Refused(Box::new(error)))),
            }
        }
        converted
    }
}

/// The value of a row for one column, converted by the column's type; a null only where it is not of the primary key.
pub fn cql_value(binding: &Binding, batch: &Batch, row: usize) -> Result<Option<CqlValue>, SinkError> {
    match Value::at(&batch.columns[binding.field], binding.data_type, row) {
        Some(value) => convert(value, &binding.column_type)
            .map(Some)
            .map_err(|misfit| SinkError::Value {
                column: binding.column.clone(),
                reason: misfit.to_string(),
            }),
        None if binding.role == Role::Key => Err(null_key(binding)),
        None => Ok(None),
    }
}

fn null_key(binding: &Binding) -> SinkError {
    SinkError::NullKey {
        column: binding.column.clone(),
    }
}

#[cfg(test)]
mod tests;
