//! The data plane of one partition: decode, transform, settle, in this order for every batch, neighbouring batches
//! overlapping.
//!
//! Batches enter the guest in the order of their offsets, so write timestamps rise with the offset; they may settle in
//! any order, since the sink keeps what has the newest write timestamp. The commit point waits for the oldest.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};

use super::parts::Parts;
use super::settle::settle;
use crate::failpoint::{self, Point, Promise};
use crate::pipeline::batch::gather::{Stamps, gather};
use crate::pipeline::batch::make::{Made, Taken, Warm, call, take};
use crate::pipeline::batch::transformed::Transformed;
use crate::pipeline::batch::version::Version;
use crate::pipeline::commit::ledger::Ledger;
use crate::pipeline::commit::offsets::Settled;
use crate::pipeline::commit::write_time::{FUTURE_TIMESTAMP, MAX_GENERATION, WriteClock, now_ms};
use crate::pipeline::swap::slot::Observed;
use crate::pipeline::trouble::fault::{Fault, disposition};
use crate::pipeline::trouble::outage::{Severity, Waiting};
use crate::pipeline::trouble::retry::Retry;
use crate::pipeline::watch::trace::Trace;
use crate::plugin::Stop;
use crate::plugin::isolate::GuestError;
use crate::record::Record;
use crate::record::descriptor::Digest;
use crate::record::position::{Offset, WriteTime};
use crate::record::reject::Reject;
use crate::record::stage::Stage;
use crate::record::trail::Raise;
use crate::source::Control;
use crate::source::gauge::Gauge;

/// The data plane of one partition, ready to run.
pub struct Worker {
    pub parts: Arc<Parts>,
    pub control: Arc<dyn Control>,
    pub gauge: Arc<Gauge>,
    pub ledger: Arc<Ledger>,
    pub clock: WriteClock,
    pub queue: mpsc::UnboundedReceiver<Vec<Record>>,
    pub is_draining: watch::Receiver<bool>,
}

impl Worker {
    /// Runs until the queue is closed and everything that came through it is settled, or until it is cancelled. When
    /// this returns, nothing is being written or published.
    pub async fn run(mut self, cancelled: oneshot::Receiver<()>) {
        let mut settling = JoinSet::new();
        tokio::select! {
            () = self.work(&mut settling) => {}
            // An error means that the lane has gone, which cancels as well.
            _ = cancelled => {}
        }
        settling.shutdown().await;
    }

    async fn work(&mut self, settling: &mut JoinSet<()>) {
        let mut warm = Warm::default();
        let mut swapped = self.parts.plugins.slot.subscribe();
        let mut has_begun = false;
        loop {
            let records = tokio::select! {
                records = next_batch(&mut self.queue, self.parts.config.batch_records) => records,
                // A partition without records must not hold an old plugin.
                Ok(()) = swapped.changed() => {
                    warm.cool();
                    continue;
                }
            };
            let Some(records) = records else { break };
            failpoint::reached(Point::Received);
            let (Some(first), Some(last)) = (records.first(), records.last()) else {
                continue;
            };
            let (first, end_offset) = (first.read_at(), last.read_at());
            let trace = self.parts.watch.traces.begin(&records);
            let (count, bytes) = (records.len(), records.iter().map(Record::size).sum());
            self.parts.watch.metrics.note_batch(count, bytes);
            let in_flight = self.parts.watch.metrics.batch_in_flight();
            if !std::mem::replace(&mut has_begun, true) {
                self.begin_reading(first).await;
            }
            self.parts.plugins.latest.note(&self.ledger.partition, &records);
            let stamped = self.stamp(records, trace);
            let base = self.clock.base().unwrap_or(WriteTime(0));
            let transformed = self.transform(stamped, &mut warm).await;
            failpoint::reached(Point::Transformed);
            let version = Arc::clone(&transformed.version);
            let ticket = self.ledger.begin(Settled {
                point: end_offset.next(),
                base,
                fence: self.ledger.fence(version.digest(), first),
            });
            if failpoint::is_broken(Promise::CommitAfterWrite) {
                self.ledger.settle(ticket);
            }
            if !self.is_named(version.digest()).await {
                break;
            }
            while settling.len() >= version.sink.batches_in_flight() {
                check(settling.join_next().await);
            }
            let sample = self.parts.plugins.sample(&transformed);
            let parts = Arc::clone(&self.parts);
            let (gauge, ledger) = (Arc::clone(&self.gauge), Arc::clone(&self.ledger));
            settling.spawn(async move {
                let counts = settle(&parts, transformed).await;
                failpoint::reached(Point::Published);
                parts.watch.totals.add(&counts);
                ledger.settle(ticket);
                failpoint::reached(Point::Settled);
                gauge.subtract(count, bytes);
                drop(in_flight);
            });
            // The comparison runs behind the batch itself, which does not wait for it.
            if let Some(sample) = sample {
                sample.start();
            }
        }
        while let Some(settled) = settling.join_next().await {
            check(Some(settled));
        }
    }

    /// If another plugin may have written rows of records from here on, those rows are written over, as far as any
    /// member can have read. A process that was killed during a swap leaves such rows.
    async fn begin_reading(&self, first: Offset) {
        let version = self.parts.plugins.slot.current();
        if let Some(earlier) = self.ledger.earlier_plugin() {
            self.parts.plugins.slot.note_earlier(&self.ledger.partition, earlier);
        }
        let mut raise = None;
        if let Some(earlier) = self.ledger.has_other_writers(version.digest()) {
            let mut retry = Retry::new(&self.parts.outages, Waiting::Source);
            let until = loop {
                match self.control.log_end(Arc::clone(&self.ledger.partition)).await {
                    Ok(end) => break end,
                    Err(error) => retry.failed(Severity::Retry, &error).await,
                }
            };
            retry.recovered();
            let by = earlier.map_or(0, |earlier| earlier.by) + 1;
            let room = MAX_GENERATION.saturating_sub(self.parts.config.generation);
            if by > room {
                tracing::warn!(partition = %self.ledger.partition, "swaps cut short have used every generation up to 15; rows of the records up to {} may keep values of an earlier plugin", until.0);
            }
            let by = by.min(room);
            tracing::info!(partition = %self.ledger.partition, from = first.0, until = until.0, by,
                "another plugin may have written rows of these records, writing over them");
            raise = Some(Raise { by, until });
        }
        self.ledger.begin_reading(first, raise);
    }

    /// Waits until the brokers know this plugin as a writer of the partition; `false` if it is asked to drain
    /// meanwhile.
    async fn is_named(&mut self, digest: Digest) -> bool {
        let named = self
            .ledger
            .wait_until_named(digest, || self.parts.plugins.slot.want_commit());
        tokio::select! {
            biased;
            () = named => true,
            // An error means that the lane has gone, which ends the wait as well.
            _ = self.is_draining.wait_for(|is_draining| *is_draining) => false,
        }
    }

    /// Gives every record its write timestamp, and rejects records whose timestamp is too far in the future.
    fn stamp(&mut self, records: Vec<Record>, trace: Trace) -> Stamped {
        let now_ms = now_ms();
        let raise = self.ledger.raise();
        let mut rejects = BTreeMap::new();
        let mut write_times = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            // A record that comes back from the dead letters keeps its place in the order of its partition.
            if let Some(redriven) = &record.redriven {
                write_times.push(redriven.write_time());
                continue;
            }
            let (time, verdict) = self.clock.next(record.timestamp_ms, now_ms);
            let raised = raise.map_or(0, |raise| raise.at(record.position.offset));
            write_times.push(WriteTime(time.0.saturating_add(i64::from(raised))));
            if let Err(too_far) = verdict {
                let message = format!(
                    "the record is stamped {} s ahead of this host's clock (at most 3600 s are accepted)",
                    too_far.ahead_ms / 1000
                );
                rejects.insert(index, Reject::new(Stage::Decode, FUTURE_TIMESTAMP, message));
            }
        }
        if let Some(drift) = self.clock.drift_micros() {
            self.ledger.note_drift(drift);
        }
        Stamped {
            records: Arc::new(records),
            raise,
            write_times,
            rejects,
            trace,
        }
    }

    /// Decodes the records and calls the guest with them. It retries while the registry is away. If the plugin gives
    /// no outcome, or rejects nearly everything, it waits until an operator repairs or swaps the plugin.
    async fn transform(&self, mut stamped: Stamped, warm: &mut Warm) -> Transformed {
        let mut retry = Retry::new(&self.parts.outages, Waiting::Plugin);
        let mut swapped = self.parts.plugins.slot.subscribe();
        loop {
            let version = Arc::clone(&swapped.borrow_and_update());
            let made = match self.make(&mut stamped, &version, warm).await {
                Ok(made) => made,
                Err(error) => {
                    if self.parts.plugins.slot.observe_broken(&version, &error) {
                        continue;
                    }
                    // A swap may be what repairs it.
                    tokio::select! {
                        () = retry.hold(disposition(Fault::Guest(&error)), &error) => {}
                        Ok(()) = swapped.changed() => {}
                    }
                    continue;
                }
            };
            let rejects: Vec<_> = made.rejects.iter().map(|(&record, reject)| (record, reject)).collect();
            let observed = Observed {
                records: &stamped.records,
                guest_time: made.called.lap.took,
            };
            if self.parts.plugins.slot.observe(&version, &observed, &rejects) {
                continue;
            }
            let spent = match self.parts.budget.admit(stamped.records.len(), &made.rejects.values()) {
                Ok(()) => {
                    retry.recovered();
                    say_broken(&version, &stamped.records, &made.rejects);
                    return transformed(stamped, version, made);
                }
                Err(spent) => spent,
            };
            tokio::select! {
                () = retry.hold(disposition(Fault::Budget(&spent)), &spent) => {}
                Ok(()) = swapped.changed() => {}
            }
        }
    }

    async fn make(&self, stamped: &mut Stamped, version: &Arc<Version>, warm: &mut Warm) -> Result<Made, GuestError> {
        stamped.trace.begin_anew();
        let metrics = &self.parts.watch.metrics;
        let taking = self.take(&stamped.records, version);
        let (taken, lap) = metrics.timed(Stage::Decode, taking).await;
        stamped.trace.note(Stage::Decode, lap);
        failpoint::reached(Point::Decoded);
        let rows = taken.input.rows;
        let mut made = call(&version.plugin, taken, warm, self.stop_of(version)).await?;
        let lap = made.called.lap;
        metrics.note_stage(Stage::Transform, lap.took);
        stamped.trace.note(Stage::Transform, lap);
        metrics.note_guest(rows, warm.held_bytes());
        metrics.note_recycled(warm.take_recycled());
        // The pipeline's own rejects win over the plugin's.
        made.rejects.append(&mut stamped.rejects.clone());
        Ok(made)
    }

    /// A batch in the guest is given up once another version has taken this one's place; that version makes it anew.
    fn stop_of(&self, version: &Arc<Version>) -> Stop {
        let (parts, version) = (Arc::clone(&self.parts), Arc::clone(version));
        Stop::when(move || !parts.plugins.slot.is_current(&version))
    }

    /// Waits for the registry for as long as it takes.
    async fn take(&self, records: &[Record], version: &Version) -> Taken {
        let mut retry = Retry::new(&self.parts.outages, Waiting::Registry);
        loop {
            let error = match take(&version.decoder, records).await {
                Ok(taken) => {
                    retry.recovered();
                    return taken;
                }
                Err(error) => error,
            };
            retry.hold(disposition(Fault::Codec(&error)), &error).await;
        }
    }
}

/// The rows of what was made, ready for the sink.
fn transformed(stamped: Stamped, version: Arc<Version>, made: Made) -> Transformed {
    let stamps = Stamps {
        records: &stamped.records,
        write_times: &stamped.write_times,
    };
    let mut writes = gather(made.rows, &stamps, &version.plugin.descriptor().outputs);
    version.sink.arrange(&mut writes);
    Transformed {
        version,
        raise: stamped.raise,
        guest_time: made.called.lap.took,
        records: stamped.records,
        write_times: stamped.write_times,
        writes: writes.into_iter().map(Arc::new).collect(),
        filtered: made.filtered as u64,
        rejects: made.rejects,
        trace: stamped.trace,
    }
}

/// Logs each record that broke the guest once, with the guest's message if there is one.
fn say_broken(version: &Version, records: &[Record], rejects: &BTreeMap<usize, Reject>) {
    for (&record, reject) in rejects.iter().filter(|(_, reject)| reject.is_guest_fault()) {
        let position = &records[record].position;
        version
            .plugin
            .log_error(&format!("{position} broke it ({}): {}", reject.code, reject.message));
    }
}

/// A panic while settling is the worker's own. The batch is not committed, and the run fails.
fn check(settled: Option<Result<(), JoinError>>) {
    if let Some(Err(error)) = settled
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

struct Stamped {
    records: Arc<Vec<Record>>,
    raise: Option<Raise>,
    write_times: Vec<WriteTime>,
    rejects: BTreeMap<usize, Reject>,
    trace: Trace,
}

/// Takes the records that wait in the queue, up to a batch; `None` when the queue is closed and empty. A source sends
/// at most half a batch at one time, so a batch stays within its bound.
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
