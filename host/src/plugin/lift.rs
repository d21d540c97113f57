//! What a guest returned to an outcome that the host can rely on. Nothing of it is used before it is checked: the guest
//! is distrusted, and Arrow's checked constructors have the last word on every column.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, StringArray};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use serde::de::IgnoredAny;

use super::bindings::exports::host::transform::transformer as wit;
use super::bindings::host::transform::columns::{ColumnResult, ValuesResult, VariableResult};
use super::error::{Breach, ColumnProblem};
use super::guest::cut;
use super::limits::Limits;
use crate::record::columns::{Batch, DataType};
use crate::record::descriptor::{Descriptor, Field, Outcome, Output, Rows};
use crate::record::reject::{Reject, Stage};

/// Longer messages of a guest's rejects are cut.
const MAX_MESSAGE_BYTES: usize = 1000;
const MAX_CODE_BYTES: usize = 64;

/// Takes the outcome of a call with `records` rows over, or says how it breaks the contract.
pub fn outcome(
    returned: wit::Outcome,
    records: usize,
    descriptor: &Descriptor,
    limits: Limits,
) -> Result<Outcome, Breach> {
    let made: usize = returned
        .rows
        .iter()
        .map(|rows| rows.source.len())
        .fold(0, usize::saturating_add);
    if made > records.saturating_mul(limits.rows_per_record as usize) {
        return Err(Breach::TooManyRows {
            rows: made,
            records,
            limit: limits.rows_per_record,
        });
    }
    let mut account = Account::new(records);
    for rows in &returned.rows {
        rows.source.iter().try_for_each(|&row| account.enter(row, Entry::Row))?;
    }
    returned
        .filtered
        .iter()
        .try_for_each(|&row| account.enter(row, Entry::Filtered))?;
    let mut rejects = Vec::with_capacity(returned.rejects.len());
    for reject in returned.rejects {
        account.enter(reject.row, Entry::Rejected)?;
        rejects.push((reject.row, accept_reject(&reject.code, &reject.message)?));
    }
    rejects.extend(account.unaccounted());
    let rows = returned
        .rows
        .into_iter()
        .map(|rows| accept_rows(rows, descriptor))
        .collect::<Result<_, _>>()?;
    Ok(Outcome {
        rows,
        filtered: returned.filtered,
        rejects,
    })
}

/// What became of each input row.
struct Account {
    entries: Vec<Option<Entry>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Row,
    Filtered,
    Rejected,
}

impl Account {
    fn new(records: usize) -> Self {
        Self {
            entries: vec![None; records],
        }
    }

    fn enter(&mut self, row: u32, entry: Entry) -> Result<(), Breach> {
        let rows = self.entries.len();
        let place = self
            .entries
            .get_mut(row as usize)
            .ok_or(Breach::NoSuchRow { row, rows })?;
        match *place {
            None => *place = Some(entry),
            // One record may give several rows.
            Some(Entry::Row) if entry == Entry::Row => {}
            Some(_) => return Err(Breach::AccountedTwice { row }),
        }
        Ok(())
    }

    /// A row that was left out is a fault of the plugin, never a silent drop.
    fn unaccounted(&self) -> impl Iterator<Item = (u32, Reject)> {
        let message = "the plugin neither returned, filtered nor rejected this record";
        let left_out = (0..).zip(&self.entries).filter(|(_, entry)| entry.is_none());
        left_out.map(move |(row, _)| (row, Reject::new(Stage::Transform, "unaccounted", message)))
    }
}

fn accept_reject(code: &str, message: &str) -> Result<Reject, Breach> {
    let is_code_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if code.is_empty() || code.len() > MAX_CODE_BYTES || !code.chars().all(is_code_char) {
        return Err(Breach::Code {
            code: cut(code, MAX_CODE_BYTES),
        });
    }
    Ok(Reject::new(
        Stage::Transform,
        code.to_owned(),
        cut(message, MAX_MESSAGE_BYTES),
    ))
}

fn accept_rows(rows: wit::Rows, descriptor: &Descriptor) -> Result<Rows, Breach> {
    let outputs = descriptor.outputs.len();
    let output = descriptor.outputs.get(rows.output as usize);
    let output = output.ok_or(Breach::Output {
        output: rows.output,
        outputs,
    })?;
    let (found, expected) = (rows.columns.len(), output.fields.len());
    if found != expected {
        return Err(Breach::Columns {
            output: output.name.clone(),
            found,
            expected,
        });
    }
    let count = rows.source.len();
    let columns = rows.columns.into_iter().zip(&output.fields);
    let columns = columns
        .map(|(column, field)| accept_column(column, field, count, output))
        .collect::<Result<_, _>>()?;
    Ok(Rows {
        output: rows.output as usize,
        source: rows.source,
        batch: Batch { rows: count, columns },
    })
}

fn accept_column(returned: ColumnResult, field: &Field, rows: usize, output: &Output) -> Result<ArrayRef, Breach> {
    column(returned, field, rows).map_err(|problem| Breach::Column {
        output: output.name.clone(),
        column: field.name.clone(),
        problem,
    })
}

/// One column as the array that its field declares.
pub fn column(returned: ColumnResult, field: &Field, rows: usize) -> Result<ArrayRef, ColumnProblem> {
    let nulls = returned.validity.map(|bytes| validity(bytes, rows)).transpose()?;
    if !field.nullable
        && let Some(row) = nulls
            .as_ref()
            .and_then(|nulls| (0..rows).find(|&row| nulls.is_null(row)))
    {
        return Err(ColumnProblem::Null { row });
    }
    Ok(match (returned.values, field.data_type) {
        (ValuesResult::Boolean(bytes), DataType::Boolean) => {
            if bytes.len() != rows.div_ceil(8) {
                return Err(ColumnProblem::Length {
                    found: bytes.len().saturating_mul(8),
                    rows,
                });
            }
            Arc::new(BooleanArray::new(BooleanBuffer::new(bytes.into(), 0, rows), nulls))
        }
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

fn validity(bytes: Vec<u8>, rows: usize) -> Result<NullBuffer, ColumnProblem> {
    if bytes.len() != rows.div_ceil(8) {
        return Err(ColumnProblem::Validity {
            found: bytes.len(),
            rows,
        });
    }
    Ok(NullBuffer::new(BooleanBuffer::new(bytes.into(), 0, rows)))
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

/// Offsets that begin at 0 or later, never go backwards and end within the data.
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
    if !starts_well || !ends_well || offsets.windows(2).any(|pair| pair[0] > pair[1]) {
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
