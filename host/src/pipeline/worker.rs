//! The data plane of one partition: decode, transform, settle, in this order for every batch, neighbouring batches
//! overlapping.
//!
//! Batches enter the guest in the order of their offsets, so write timestamps rise with the offset; they may settle in
//! any order, since the sink keeps what has the newest write timestamp. The commit point waits for the oldest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use crate::plugin::Instance;
use crate::record::Record;
use crate::record::descriptor::Outcome;
use crate::record::position::WriteTime;
use crate::record::reject::{Reject, Stage};
use crate::sink::WriteBatch;
use crate::source::gauge::Gauge;

use super::Parts;
use super::fault::{Disposition, Fault, disposition};
use super::isolate::Guest;
use super::offsets::{OffsetTracker, Settled};
use super::outage::{Severity, Waiting};
use super::patience::Patience;
use super::settle::{Transformed, Writes, settle};
use super::write_time::WriteClock;

/// Offsets of one partition, shared with the supervisor that commits them.
pub type SharedTracker = Arc<Mutex<OffsetTracker>>;

pub struct Worker {
    pub parts: Arc<Parts>,
    pub gauge: Arc<Gauge>,
    pub tracker: SharedTracker,
    pub clock: WriteClock,
    pub queue: mpsc::UnboundedReceiver<Vec<Record>>,
}

impl Worker {
    /// Runs until the queue is closed and everything that came through it is settled.
    pub async fn run(mut self) {
        let mut instance = None;
        let mut settling = JoinSet::new();
        while let Some(records) = next_batch(&mut self.queue, self.parts.config.batch_records).await {
            let bytes = records.iter().map(Record::size).sum();
            let Some(last) = records.last() else { continue };
            let end_offset = last.position.offset;
            let (count, stamped) = (records.len(), self.stamp(records));
            let end = Settled {
                point: end_offset.next(),
                base: self.clock.base().unwrap_or(WriteTime(0)),
            };
            let ticket = self.lock_tracker().begin(end);
            let transformed = self.transform(stamped, &mut instance).await;
            while settling.len() >= self.parts.sink.batches_in_flight() {
                check(settling.join_next().await);
            }
            let (parts, gauge, tracker) = (
                Arc::clone(&self.parts),
                Arc::clone(&self.gauge),
                Arc::clone(&self.tracker),
            );
            settling.spawn(async move {
                let counts = settle(&parts, transformed).await;
                parts.totals.add(&counts);
                tracker.lock().unwrap_or_else(PoisonError::into_inner).settle(ticket);
                gauge.subtract(count, bytes);
            });
        }
        while let Some(settled) = settling.join_next().await {
            check(Some(settled));
        }
    }

    fn lock_tracker(&self) -> std::sync::MutexGuard<'_, OffsetTracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives every record its write timestamp, and rejects those from the future.
    fn stamp(&mut self, records: Vec<Record>) -> Stamped {
        let now_ms = now_ms();
        let mut rejects = BTreeMap::new();
        let mut write_times = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            let (time, verdict) = self.clock.next(record.timestamp_ms, now_ms);
            write_times.push(time);
            if let Err(too_far) = verdict {
                let message = format!(
                    "the record is stamped {} s ahead of this host's clock (at most 3600 s are accepted)",
                    too_far.ahead_ms / 1000
                );
                rejects.insert(index, Reject::new(Stage::Decode, "future-timestamp", message));
            }
        }
        Stamped {
            records,
            write_times,
            rejects,
        }
    }

    /// Decodes the records and calls the guest with them, waiting for the registry where it must.
    async fn transform(&self, stamped: Stamped, instance: &mut Option<Instance>) -> Transformed {
        let Stamped {
            records,
            write_times,
            mut rejects,
        } = stamped;
        let decoded = self.decode(&records).await;
        for (record, reject) in decoded.rejects {
            rejects.entry(record).or_insert(reject);
        }
        let outcome = self.call_guest(decoded.batch, instance).await;
        let mut transformed = Transformed {
            records,
            write_times,
            writes: Vec::new(),
            filtered: 0,
            rejects,
        };
        gather(&mut transformed, outcome, &decoded.rows);
        transformed
    }

    async fn decode(&self, records: &[Record]) -> crate::codec::Decoded {
        let mut patience = Patience::new(&self.parts.outages, Waiting::Registry);
        loop {
            let error = match self.parts.decoder.decode(records).await {
                Ok(decoded) => {
                    patience.recovered();
                    return decoded;
                }
                Err(error) => error,
            };
            let severity = match disposition(Fault::Codec(&error)) {
                Disposition::Halt => Severity::Halt,
                Disposition::Retry | Disposition::Reject(_) => Severity::Retry,
            };
            patience.failed(severity, &error).await;
        }
    }

    /// On a thread that may be kept busy, so that a guest that never returns delays no other partition's I/O.
    async fn call_guest(&self, batch: crate::record::columns::Batch, instance: &mut Option<Instance>) -> Outcome {
        let mut patience = Patience::new(&self.parts.outages, Waiting::Plugin);
        if batch.rows == 0 {
            return Outcome::default();
        }
        loop {
            let (parts, batch, taken) = (Arc::clone(&self.parts), batch.clone(), instance.take());
            let called = tokio::task::spawn_blocking(move || {
                let mut guest = Guest::new(&parts.plugin, taken);
                let outcome = guest.transform(&batch);
                (outcome, guest.into_instance())
            });
            let error: Box<dyn std::error::Error + Send + Sync> = match called.await {
                Ok((outcome, kept)) => {
                    *instance = kept;
                    match outcome {
                        Ok(outcome) => {
                            patience.recovered();
                            return outcome;
                        }
                        Err(error) => error.into(),
                    }
                }
                Err(panicked) => panicked.into(),
            };
            patience.failed(Severity::Halt, &*error).await;
        }
    }
}

/// A panic while settling is the worker's own: what is not settled is not committed, and the run fails.
fn check(settled: Option<Result<(), JoinError>>) {
    if let Some(Err(error)) = settled
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

struct Stamped {
    records: Vec<Record>,
    write_times: Vec<WriteTime>,
    rejects: BTreeMap<usize, Reject>,
}

/// Sorts the guest's outcome by record. `rows[i]` is the record that row i of the guest's input came from.
fn gather(transformed: &mut Transformed, outcome: Outcome, rows: &[usize]) {
    let record_of = |row: u32| rows[row as usize];
    for (row, reject) in outcome.rejects {
        transformed.rejects.entry(record_of(row)).or_insert(reject);
    }
    transformed.filtered = outcome.filtered.len() as u64;
    for made in outcome.rows {
        let source: Vec<_> = made.source.iter().map(|&row| record_of(row)).collect();
        let write_times = source.iter().map(|&record| transformed.write_times[record]).collect();
        let batch = Arc::new(WriteBatch {
            output: made.output,
            batch: made.batch,
            write_times,
        });
        transformed.writes.push(Writes { batch, source });
    }
}

/// What waits in the queue, up to a batch; `None` when the queue is closed and empty. A source sends at most half a batch
/// at one time, so a batch stays within its bound.
async fn next_batch(queue: &mut mpsc::UnboundedReceiver<Vec<Record>>, max: usize) -> Option<Vec<Record>> {
    let mut batch = queue.recv().await?;
    while batch.len() <= max / 2 {
        match queue.try_recv() {
            Ok(more) => batch.extend(more),
            Err(_) => break,
        }
    }
    Some(batch)
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
