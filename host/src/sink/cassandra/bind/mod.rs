//! The rows of a batch as their statement takes them. Where a column of the batch and its column of the table hold the
//! same, a value goes straight from the Arrow array into the frame. Other values are converted first, so that one that
//! does not fit is known before its row shares a CQL batch with others.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::NullBuffer;

use super::statement::TimestampMarker;
use super::ttl::{self, Ttl};
use crate::cassandra::binding::{Binding, Layout, Role};
use crate::cassandra::convert::cql_date;
use crate::cassandra::prepared::{BoundRow, FrameWriter, NotSerialized, TokenHasher, put_value};
use crate::cassandra::table::Table;
use crate::record::columns::Batch;
use crate::sink::{SinkError, WriteBatch};

/// What is written for a field that is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// The bind marker is left unset: what the column held stays, and no tombstone is made.
    Unset,
    /// A tombstone is written.
    Tombstone,
}

/// How the values of a row are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cells {
    /// They live for as long as the table has it.
    Kept,
    /// They live for so long from the write timestamp on. The statement's last bind marker is what is left of that.
    Expiring(Ttl),
    /// A tombstone is written for each of them.
    Erased,
}

/// The bind markers of a statement.
#[derive(Debug)]
pub struct Markers {
    pub bindings: Vec<Binding>,
    pub write_time: TimestampMarker,
    pub nulls: Nulls,
    pub cells: Cells,
    /// Indices into `bindings`, in the order of the table's partition key.
    pub partition_key: Vec<usize>,
}

/// The rows of one batch.
pub struct Bound<'a> {
    markers: &'a Markers,
    batch: &'a WriteBatch,
    /// One for each binding.
    columns: Vec<BatchColumn<'a>>,
    /// The bytes that each row of the batch adds to a CQL batch.
    sizes: Vec<usize>,
}

/// One row of them.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    bound: &'a Bound<'a>,
    row: u32,
}

/// A column of the batch, with its nulls where it has any.
struct BatchColumn<'a> {
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
    Uuid(&'a [[u8; 16]]),
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

/// The bytes that Cassandra counts for a cell beside its value when it measures a CQL batch: write timestamp, expiry,
/// time to live.
const CELL_BYTES: usize = 16;

/// The same of a row: its liveness and its deletion.
const ROW_BYTES: usize = 40;

impl Markers {
    /// The markers of a statement that writes these bindings to the table, each bound as it is until `cells` says
    /// otherwise.
    pub fn of(table: &Table, bindings: Vec<Binding>, write_time: TimestampMarker, nulls: Nulls) -> Self {
        let place = |column: &String| bindings.iter().position(|binding| binding.column == *column);
        Self {
            partition_key: table.partition_key.iter().filter_map(place).collect(),
            bindings,
            write_time,
            nulls,
            cells: Cells::Kept,
        }
    }

    /// Binds the rows that `which` names; with it those that cannot be bound, by their index in `which`.
    pub fn bind<'a>(&'a self, batch: &'a WriteBatch, which: &[u32]) -> (Bound<'a>, Vec<(usize, SinkError)>) {
        let mut misfits = Vec::new();
        let columns = self.bindings.iter().map(|binding| {
            let array = &batch.batch.columns[binding.field];
            match BatchColumn::direct(array, binding) {
                Some(column) => {
                    if binding.role == Role::Key && array.null_count() > 0 {
                        let nulls = which
                            .iter()
                            .enumerate()
                            .filter(|(_, row)| array.is_null(**row as usize));
                        misfits.extend(nulls.map(|(at, _)| (at, SinkError::null_key(&binding.column))));
                    }
                    column
                }
                None => BatchColumn {
                    nulls: None,
                    values: Values::Converted(Converted::of(binding, &batch.batch, which, &mut misfits)),
                },
            }
        });
        let columns: Vec<_> = columns.collect();
        let mut sizes = vec![ROW_BYTES; batch.batch.rows];
        for column in &columns {
            column.add_sizes(&mut sizes);
        }
        let bound = Bound {
            columns,
            sizes,
            markers: self,
            batch,
        };
        (bound, misfits)
    }
}

impl<'a> Bound<'a> {
    /// A row of the batch by its index there, ready to be bound.
    pub fn row(&'a self, row: u32) -> Row<'a> {
        Row { bound: self, row }
    }

    /// The token of the row's partition key. Not the server's where that has a set or a map whose elements do not come
    /// in the order that the server gives them: such a row takes a detour over a node that does not store it.
    /// <https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v4.spec>, "routing key"
    pub fn token(&self, row: u32) -> i64 {
        let mut hasher = TokenHasher::default();
        let is_composite = self.markers.partition_key.len() > 1;
        for &column in &self.markers.partition_key {
            self.columns[column].cell(row as usize, |value| {
                let value = value.unwrap_or_default();
                if is_composite {
                    // A longer one than 64 KiB is refused by the server, wherever it goes.
                    hasher.write(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
                }
                hasher.write(value);
                if is_composite {
                    hasher.write(&[0]);
                }
            });
        }
        hasher.token()
    }

    /// The bytes that the row adds to a CQL batch, as the server counts them, or a few more.
    pub fn size(&self, row: u32) -> usize {
        self.sizes[row as usize]
    }
}

impl BoundRow for Row<'_> {
    fn put(&self, frame: &mut FrameWriter<'_, '_>) -> Result<(), NotSerialized> {
        let Bound { markers, columns, .. } = self.bound;
        let (write_time, without) = self.bound.batch.written(self.row);
        let (row, stamp) = (self.row as usize, write_time.0.to_be_bytes());
        if markers.write_time == TimestampMarker::First {
            frame.value(&stamp)?;
        }
        if without.is_empty() && markers.cells != Cells::Erased {
            for column in columns {
                column.cell(row, |cell| put(cell, markers.nulls, frame))?;
            }
        } else {
            self.some_cells(without, frame)?;
        }
        if markers.write_time == TimestampMarker::Last {
            frame.value(&stamp)?;
        }
        if let Cells::Expiring(ttl) = markers.cells {
            // Computed as late as this, since a row may have waited for its turn. One whose life has ended meanwhile
            // ends within a second.
            let left = ttl.left(write_time, ttl::now()).unwrap_or(1);
            frame.value(&left.to_be_bytes())?;
        }
        Ok(())
    }
}

impl Row<'_> {
    /// The cells except for those of the fields `without`, which are left unset, with tombstones for values that are
    /// erased.
    fn some_cells(&self, without: &[usize], frame: &mut FrameWriter<'_, '_>) -> Result<(), NotSerialized> {
        let Bound { markers, columns, .. } = self.bound;
        for (column, binding) in columns.iter().zip(&markers.bindings) {
            if without.contains(&binding.field) {
                frame.unset();
                continue;
            }
            column.cell(self.row as usize, |cell| match (markers.cells, binding.role, cell) {
                (Cells::Erased, Role::Value, Some(_)) => put(None, Nulls::Tombstone, frame),
                (_, _, cell) => put(cell, markers.nulls, frame),
            })?;
        }
        Ok(())
    }
}

impl<'a> BatchColumn<'a> {
    /// `None` where the types differ.
    fn direct(array: &'a ArrayRef, binding: &Binding) -> Option<Self> {
        let values = match binding.layout()? {
            Layout::Boolean => Values::Boolean(array.as_boolean()),
            Layout::Int => Values::Int(array.as_primitive::<Int32Type>().values()),
            Layout::BigInt => Values::BigInt(array.as_primitive::<Int64Type>().values()),
            Layout::Timestamp => Values::BigInt(array.as_primitive::<TimestampMillisecondType>().values()),
            Layout::Double => Values::Double(array.as_primitive::<Float64Type>().values()),
            Layout::Date => Values::Date(array.as_primitive::<Date32Type>().values()),
            Layout::Uuid => Values::Uuid(array.as_fixed_size_binary().value_data().as_chunks().0),
            Layout::Text => {
                let text = array.as_string::<i32>();
                let (offsets, bytes) = (text.value_offsets(), text.value_data());
                Values::Variable { offsets, bytes }
            }
            Layout::Blob => {
                let blob = array.as_binary::<i32>();
                let (offsets, bytes) = (blob.value_offsets(), blob.value_data());
                Values::Variable { offsets, bytes }
            }
        };
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        Some(Self { nulls, values })
    }

    /// Adds what its cells count to the sizes of the rows: a column at a time, which takes a fraction of row by row.
    fn add_sizes(&self, sizes: &mut [usize]) {
        let nulls = self.nulls;
        match &self.values {
            Values::Boolean(_) => add(sizes, nulls, |_| 1),
            Values::Int(_) | Values::Date(_) => add(sizes, nulls, |_| 4),
            Values::BigInt(_) | Values::Double(_) => add(sizes, nulls, |_| 8),
            Values::Uuid(_) => add(sizes, nulls, |_| 16),
            Values::Variable { offsets, .. } => add(sizes, nulls, |row| place(offsets[row + 1]) - place(offsets[row])),
            Values::Converted(converted) => {
                for (size, place) in sizes.iter_mut().zip(&converted.places) {
                    *size += place.map_or(0, |(begin, end)| CELL_BYTES + end - begin);
                }
            }
        }
    }

    /// Gives the value's bytes in CQL, or `None` for a null. Each type has its own call of `take`, since a copy whose
    /// length is known costs a fraction of another.
    #[inline]
    fn cell<R>(&self, row: usize, take: impl FnOnce(Option<&[u8]>) -> R) -> R {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return take(None);
        }
        match &self.values {
            Values::Boolean(array) => take(Some(&[u8::from(array.value(row))])),
            Values::Int(values) => take(Some(&values[row].to_be_bytes())),
            Values::BigInt(values) => take(Some(&values[row].to_be_bytes())),
            Values::Double(values) => take(Some(&values[row].to_be_bytes())),
            Values::Date(values) => take(Some(&cql_date(values[row]).to_be_bytes())),
            Values::Uuid(values) => take(Some(&values[row])),
            Values::Variable { offsets, bytes } => take(Some(&bytes[place(offsets[row])..place(offsets[row + 1])])),
            Values::Converted(converted) => {
                take(converted.places[row].map(|(begin, end)| &converted.bytes[begin..end]))
            }
        }
    }
}

#[inline]
fn put(cell: Option<&[u8]>, nulls: Nulls, frame: &mut FrameWriter<'_, '_>) -> Result<(), NotSerialized> {
    match (cell, nulls) {
        (Some(bytes), _) => frame.value(bytes)?,
        (None, Nulls::Unset) => frame.unset(),
        (None, Nulls::Tombstone) => frame.null(),
    }
    Ok(())
}

/// Adds a cell and its value to the size of each row that has one.
#[inline]
fn add(sizes: &mut [usize], nulls: Option<&NullBuffer>, value: impl Fn(usize) -> usize) {
    let rows = sizes.iter_mut().enumerate();
    match nulls {
        None => rows.for_each(|(row, size)| *size += CELL_BYTES + value(row)),
        Some(nulls) => {
            for ((row, size), _) in rows.zip(nulls).filter(|(_, is_there)| *is_there) {
                *size += CELL_BYTES + value(row);
            }
        }
    }
}

/// An array's offsets are never negative.
fn place(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

impl Converted {
    fn of(binding: &Binding, batch: &Batch, which: &[u32], misfits: &mut Vec<(usize, SinkError)>) -> Self {
        let mut converted = Self {
            bytes: Vec::new(),
            places: vec![None; batch.rows],
        };
        for (at, &row) in which.iter().enumerate() {
            let value = match binding.value(batch, row as usize) {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(misfit) => {
                    misfits.push((at, misfit.into()));
                    continue;
                }
            };
            let begin = converted.bytes.len();
            match put_value(&value, &binding.column_type, &mut converted.bytes) {
                Ok(()) => converted.places[row as usize] = Some((begin, converted.bytes.len())),
                Err(error) => misfits.push((at, SinkError::refused(error))),
            }
        }
        converted
    }
}

/// Appends the bytes that are bound of a value; `None` where there is none, or none that fits.
pub fn bound_bytes(binding: &Binding, batch: &Batch, row: usize, bytes: &mut Vec<u8>) -> Option<()> {
    if let Some(column) = BatchColumn::direct(&batch.columns[binding.field], binding) {
        return column.cell(row, |cell| cell.map(|cell| bytes.extend_from_slice(cell)));
    }
    let value = binding.value(batch, row).ok()??;
    put_value(&value, &binding.column_type, bytes).ok()
}

#[cfg(test)]
mod tests;
