//! Settles one batch: writes its rows and publishes its dead letters, retrying until every record is settled.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;

use super::parts::Parts;
use crate::dead_letter::DeadLetter;
use crate::failpoint::{self, Point};
use crate::pipeline::batch::transformed::Transformed;
use crate::pipeline::batch::turns::turns;
use crate::pipeline::batch::version::Version;
use crate::pipeline::commit::write_time::now_ms;
use crate::pipeline::trouble::fault::{Disposition, Fault, disposition};
use crate::pipeline::trouble::outage::{Severity, Waiting};
use crate::pipeline::trouble::retry::Retry;
use crate::pipeline::watch::totals::Counts;
use crate::record::reject::Reject;
use crate::record::stage::Stage;
use crate::sink::{SinkError, WriteBatch};

/// Returns when every record is settled: its rows or its dead letter are acknowledged, or it was filtered on purpose.
/// Never gives up.
pub async fn settle(parts: &Parts, batch: Transformed) -> Counts {
    let Transformed {
        version,
        raise,
        records,
        write_times,
        writes,
        filtered,
        mut rejects,
        guest_time: _,
        mut trace,
    } = batch;
    let writing = async {
        let mut written = Vec::new();
        for turn in turns(&writes, &version.plugin.descriptor().outputs, version.sink.order()) {
            let shares = turn.into_iter();
            let turn = shares.map(|share| write(parts, &version, &writes[share.write], share.rows, &rejects));
            written.extend(join_all(turn).await);
        }
        written
    };
    let (written, lap) = parts.watch.metrics.timed(Stage::Write, writing).await;
    trace.note(Stage::Write, lap);
    failpoint::reached(Point::Written);
    let mut counts = Counts {
        records: records.len() as u64,
        filtered,
        ..Counts::default()
    };
    let mut late = Vec::new();
    for (rows, refused) in written {
        counts.rows_written += rows;
        late.extend(refused);
    }
    let of_sink: Vec<_> = late.iter().map(|(record, reject)| (*record, reject)).collect();
    parts.plugins.slot.observe_late(&version, &records, &of_sink);
    for (record, reject) in late {
        rejects.entry(record).or_insert(reject);
    }
    let letters: Vec<_> = rejects
        .into_iter()
        .map(|(record, reject)| {
            counts.reject(&reject.code);
            let redriven = records[record].redriven;
            let raised = raise.map_or(0, |raise| raise.at(records[record].position.offset));
            DeadLetter {
                record: records[record].clone(),
                reject,
                plugin: version.identity().clone(),
                attempt: 1,
                write_time: write_times[record],
                generation: redriven.map_or(parts.config.generation + raised, |redriven| redriven.generation),
                replays: redriven.map_or(0, |redriven| redriven.replays),
                rejected_at_ms: now_ms(),
            }
        })
        .collect();
    parts.watch.examples.note(&letters);
    if !letters.is_empty() {
        let publishing = publish(parts, letters);
        let ((), lap) = parts.watch.metrics.timed(Stage::DeadLetters, publishing).await;
        trace.note(Stage::DeadLetters, lap);
    }
    parts.watch.metrics.note_settled(&records);
    trace.end(version.identity(), &records, &counts);
    counts
}

/// Writes these rows of the batch until every one is acknowledged or refused for good. Returns how many were written
/// and which records were refused. Rows of a record that is already rejected are left out.
async fn write(
    parts: &Parts,
    version: &Version,
    batch: &Arc<WriteBatch>,
    rows: Vec<u32>,
    rejects: &BTreeMap<usize, Reject>,
) -> (u64, Vec<(usize, Reject)>) {
    let record_of = |row: u32| batch.source[row as usize] as usize;
    let mut retry = Retry::new(&parts.outages, Waiting::Sink);
    let mut written = 0;
    let mut refused: Vec<(u32, Reject)> = Vec::new();
    let mut pending = rows;
    pending.retain(|row| !rejects.contains_key(&record_of(*row)));
    loop {
        if pending.is_empty() {
            let Err(spent) = parts.budget.admit(0, &refused.iter().map(|(_, reject)| reject)) else {
                let refused = refused.into_iter().map(|(row, reject)| (record_of(row), reject));
                return (written, refused.collect());
            };
            retry.hold(disposition(Fault::Budget(&spent)), &spent).await;
            pending = refused.drain(..).map(|(row, _)| row).collect();
        }
        let in_flight = parts.watch.metrics.rows_in_flight(pending.len());
        let results = version.sink.write(Arc::clone(batch), pending.clone()).await;
        drop(in_flight);
        let mut again = Vec::new();
        let mut worst: Option<(Severity, SinkError)> = None;
        for (row, result) in pending.into_iter().zip(results) {
            let Err(error) = result else {
                written += 1;
                continue;
            };
            let severity = match disposition(Fault::Sink(&error)) {
                Disposition::Reject(reject) => {
                    refused.push((row, reject));
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
            Some((severity, error)) => retry.failed(severity, &error).await,
            None => retry.recovered(),
        }
    }
}

/// Publishes until every letter is acknowledged.
async fn publish(parts: &Parts, mut letters: Vec<DeadLetter>) {
    let mut retry = Retry::new(&parts.outages, Waiting::DeadLetters);
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
            Some(error) => retry.hold(disposition(Fault::DeadLetter(&error)), &error).await,
            None => retry.recovered(),
        }
    }
}
