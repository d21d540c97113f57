//! What the guest returned, sorted by record: the rows of each output with the write timestamps of their records.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::turns::numbers;
use crate::record::Record;
use crate::record::descriptor::{Outcome, Output};
use crate::record::position::WriteTime;
use crate::record::reject::Reject;
use crate::sink::WriteBatch;
use crate::sink::one_key::Parts;

/// The records of a batch, each with its write timestamp.
pub struct Stamps<'a> {
    pub records: &'a Arc<Vec<Record>>,
    pub write_times: &'a [WriteTime],
}

/// A batch as it is settled.
pub struct Gathered {
    /// In the plugin's order, which is that of the rows of one record.
    pub writes: Vec<WriteBatch>,
    pub filtered: u64,
    /// By record.
    pub rejects: BTreeMap<usize, Reject>,
}

/// Sorts the guest's outcome by record. `rows[i]` is the record that row i of the guest's input came from; `rejects` are
/// those from before the guest.
pub fn gather(
    outcome: Outcome,
    rows: &[usize],
    batch: &Stamps<'_>,
    outputs: &[Output],
    mut rejects: BTreeMap<usize, Reject>,
) -> Gathered {
    let record_of = |row: u32| rows[row as usize];
    #[expect(clippy::cast_possible_truncation, reason = "a batch has 100,000 records at most")]
    let place_of = |row: u32| record_of(row) as u32;
    for (row, reject) in outcome.rejects {
        rejects.entry(record_of(row)).or_insert(reject);
    }
    let made: Vec<_> = outcome.rows.iter().map(|made| (made.output, &*made.source)).collect();
    // A record gives all its rows from one row of the guest's input.
    let numbers = numbers(&made, outputs);
    let writes = outcome.rows.into_iter().zip(numbers).map(|(made, numbers)| {
        let write_times = made.source.iter().map(|&row| batch.write_times[record_of(row)]);
        WriteBatch {
            output: made.output,
            write_times: write_times.collect(),
            records: Arc::clone(batch.records),
            source: made.source.iter().map(|&row| place_of(row)).collect(),
            numbers,
            parts: Parts::new(),
            batch: made.batch,
        }
    });
    Gathered {
        writes: writes.collect(),
        filtered: outcome.filtered.len() as u64,
        rejects,
    }
}
