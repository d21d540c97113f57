//! Turns what a guest returned into an outcome that the host can rely on: row numbers, accounting, codes. The guest is
//! distrusted, so nothing is used before it is checked. [`lift_column`](super::lift_column) checks the columns.

use arrow_array::ArrayRef;

use super::bindings::exports::host::transform::transformer as wit;
use super::bindings::host::transform::columns::ColumnResult;
use super::error::Breach;
use super::lift_column;
use super::limits::Limits;
use super::log::cut;
use crate::record::columns::Batch;
use crate::record::descriptor::{Descriptor, Field, Outcome, Output, Rows};
use crate::record::reject::Reject;
use crate::record::stage::Stage;

/// Longer messages of a guest's rejects are cut to this.
const MAX_MESSAGE_BYTES: usize = 1000;
const MAX_CODE_BYTES: usize = 64;

/// Takes over the outcome of a call with `records` rows, or says how it breaks the contract.
pub fn outcome(
    returned: wit::Outcome,
    records: usize,
    descriptor: &Descriptor,
    limits: Limits,
) -> Result<Outcome, Breach> {
    let mut account = Account::new(records, limits.rows_per_record);
    for rows in &returned.rows {
        rows.source
            .iter()
            .try_for_each(|&row| account.enter(row, Entry::Rows(1)))?;
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
    rows_per_record: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// The number of rows that the record gave.
    Rows(u32),
    Filtered,
    Rejected,
}

impl Account {
    fn new(records: usize, rows_per_record: u32) -> Self {
        Self {
            entries: vec![None; records],
            rows_per_record,
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
            // One record may give several rows. They are counted for each record, so that the grouping of records into
            // batches makes no difference.
            Some(Entry::Rows(rows)) if entry == Entry::Rows(1) => *place = Some(Entry::Rows(rows + 1)),
            Some(_) => return Err(Breach::AccountedTwice { row }),
        }
        if let Some(Entry::Rows(rows)) = *place
            && rows > self.rows_per_record
        {
            return Err(Breach::TooManyRows {
                row,
                limit: self.rows_per_record,
            });
        }
        Ok(())
    }

    /// Rejects for the rows that the plugin left out. That is the plugin's fault and must not be silent.
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
    lift_column::column(returned, field, rows).map_err(|problem| Breach::Column {
        output: output.name.clone(),
        column: field.name.clone(),
        problem,
    })
}
