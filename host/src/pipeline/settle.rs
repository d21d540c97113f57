//! Settles one batch: writes its rows and publishes its dead letters, trying again until every record is settled.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;

use crate::dead_letter::DeadLetter;
use crate::record::Record;
use crate::record::position::WriteTime;
use crate::record::reject::Reject;
use crate::sink::{SinkError, WriteBatch};

use super::Parts;
use super::fault::{Disposition, Fault, disposition};
use super::outage::{Severity, Waiting};
use super::patience::Patience;
use super::totals::Counts;

/// A batch that went through the guest.
pub struct Transformed {
    pub records: Vec<Record>,
    /// One for each record.
    pub write_times: Vec<WriteTime>,
    pub writes: Vec<Writes>,
    pub filtered: u64,
    /// By record.
    pub rejects: BTreeMap<usize, Reject>,
}

/// Rows for one output, and the record that each came from.
pub struct Writes {
    pub batch: Arc<WriteBatch>,
    pub source: Vec<usize>,
}

/// Returns when every record is settled: its rows acknowledged by the sink, or its dead letter acknowledged, or
/// filtered on purpose. Never gives up.
pub async fn settle(parts: &Parts, batch: Transformed) -> Counts {
    let Transformed {
        records,
        write_times,
        writes,
        filtered,
        mut rejects,
    } = batch;
    let written = join_all(writes.iter().map(|writes| write(parts, writes, &rejects))).await;
    let mut counts = Counts {
        records: records.len() as u64,
        filtered,
        ..Counts::default()
    };
    for (rows, refused) in written {
        counts.rows_written += rows;
        for (record, reject) in refused {
            rejects.entry(record).or_insert(reject);
        }
    }
    let letters: Vec<_> = rejects
        .into_iter()
        .map(|(record, reject)| {
            counts.reject(&reject.code);
            DeadLetter {
                record: records[record].clone(),
                reject,
                plugin: parts.plugin.identity().clone(),
                attempt: 1,
                write_time: write_times[record],
            }
        })
        .collect();
    publish(parts, letters).await;
    counts
}

/// Writes until every row is acknowledged or refused for good: how many rows were written, which records were refused.
/// Rows of a record that is rejected already are left out.
async fn write(parts: &Parts, writes: &Writes, rejects: &BTreeMap<usize, Reject>) -> (u64, Vec<(usize, Reject)>) {
    let mut patience = Patience::new(&parts.outages, Waiting::Sink);
    let mut written = 0;
    let mut refused = Vec::new();
    let mut pending: Vec<u32> = (0..)
        .zip(&writes.source)
        .filter(|(_, record)| !rejects.contains_key(record))
        .map(|(row, _)| row)
        .collect();
    while !pending.is_empty() {
        let results = parts.sink.write(Arc::clone(&writes.batch), pending.clone()).await;
        let mut again = Vec::new();
        let mut worst: Option<(Severity, SinkError)> = None;
        for (row, result) in pending.into_iter().zip(results) {
            let Err(error) = result else {
                written += 1;
                continue;
            };
            let severity = match disposition(Fault::Sink(&error)) {
                Disposition::Reject(reject) => {
                    refused.push((writes.source[row as usize], reject));
                    continue;
                }
                Disposition::Retry => Severity::Retry,
                Disposition::Halt => Severity::Halt,
            };
            again.push(row);
            if worst
                .as_ref()
                .is_none_or(|(known, _)| *known == Severity::Retry && severity == Severity::Halt)
            {
                worst = Some((severity, error));
            }
        }
        pending = again;
        match worst {
            Some((severity, error)) => patience.failed(severity, &error).await,
            None => patience.recovered(),
        }
    }
    (written, refused)
}

/// Publishes until every letter is acknowledged.
async fn publish(parts: &Parts, mut letters: Vec<DeadLetter>) {
    let mut patience = Patience::new(&parts.outages, Waiting::DeadLetters);
    while !letters.is_empty() {
        let results = parts.dead_letters.publish(&letters).await;
        let mut again = Vec::new();
        let mut last = None;
        for (mut letter, result) in letters.into_iter().zip(results) {
            if let Err(error) = result {
                letter.attempt += 1;
                again.push(letter);
                last = Some(error);
            }
        }
        letters = again;
        match last {
            Some(error) => patience.failed(Severity::Retry, &error).await,
            None => patience.recovered(),
        }
    }
}
