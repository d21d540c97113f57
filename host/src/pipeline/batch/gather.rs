//! Rows of a batch with the write timestamps of their records.

use std::sync::Arc;

use super::turns::numbers;
use crate::record::Record;
use crate::record::descriptor::{Output, Rows};
use crate::record::position::WriteTime;
use crate::sink::WriteBatch;
use crate::sink::one_key::Parts;

/// The records of a batch, each with its write timestamp.
pub struct Stamps<'a> {
    pub records: &'a Arc<Vec<Record>>,
    pub write_times: &'a [WriteTime],
}

/// Gives each output's rows as the sink takes them. They keep the plugin's order, which is also the order of one
/// record's rows. `rows` are sorted by record.
pub fn gather(rows: Vec<Rows>, batch: &Stamps<'_>, outputs: &[Output]) -> Vec<WriteBatch> {
    let made: Vec<_> = rows.iter().map(|made| (made.output, &*made.source)).collect();
    // All rows of a record come from one row of the guest's input.
    let numbers = numbers(&made, outputs);
    let writes = rows.into_iter().zip(numbers).map(|(made, numbers)| {
        let write_times = made.source.iter().map(|&record| batch.write_times[record as usize]);
        WriteBatch {
            output: made.output,
            write_times: write_times.collect(),
            records: Arc::clone(batch.records),
            source: made.source,
            numbers,
            parts: Parts::new(),
            batch: made.batch,
        }
    });
    writes.collect()
}
