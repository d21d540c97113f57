//! A look at the run as it stands, for the board, the status file and the metrics.

use std::collections::BTreeMap;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};

use super::lane::Lane;
use super::parts::Parts;
use crate::pipeline::trouble::outage::Severity;
use crate::pipeline::watch::status::{FenceStatus, PartitionStatus, PluginStatus, State, Status, WaitingStatus};
use crate::record::trail;

/// How the run stands. `end` is the state of a run that is ending; otherwise the state follows from what is waited for.
pub fn status<'a>(parts: &Parts, lanes: impl Iterator<Item = &'a Lane>, end: Option<State>) -> Status {
    let outages = parts.outages.current();
    let is_halted = outages.values().any(|outage| outage.severity == Severity::Halt);
    let state = match end {
        Some(state) => state,
        None if is_halted => State::Halted,
        None if outages.is_empty() => State::Running,
        None => State::Waiting,
    };
    let waiting = outages.iter().map(|(what, outage)| WaitingStatus {
        what: what.to_string(),
        halted: outage.severity == Severity::Halt,
        seconds: outage.since.elapsed().as_secs(),
        tries: outage.tries,
        error: outage.message.clone(),
    });
    let version = parts.plugins.slot.current();
    let counts = parts.watch.totals.counts();
    let partitions: BTreeMap<_, _> = lanes.map(of_lane).collect();
    Status {
        state,
        ready: state == State::Running,
        updated: DateTime::<Utc>::from(SystemTime::now()).to_rfc3339_opts(SecondsFormat::Millis, true),
        version: env!("CARGO_PKG_VERSION"),
        process: std::process::id(),
        uptime_seconds: parts.watch.metrics.uptime().as_secs(),
        plugin: PluginStatus {
            named: version.identity().into(),
            on_probation: parts.plugins.slot.is_on_probation(),
            back: parts.plugins.slot.way_back().map(|back| back.identity().into()),
            held: parts.plugins.slot.held(),
            swapping: parts.plugins.swapping.now(),
            history: parts.plugins.slot.history.swaps(),
            shadow: parts.plugins.shadow.report(),
        },
        waiting: waiting.collect(),
        lag: partitions
            .values()
            .filter_map(|partition| partition.lag)
            .reduce(|sum, lag| sum + lag),
        partitions,
        records: counts.records,
        rows_written: counts.rows_written,
        filtered: counts.filtered,
        rejected: counts.rejected,
        examples: parts.watch.examples.latest(),
    }
}

fn fence(fence: trail::Fence) -> FenceStatus {
    FenceStatus {
        digest: fence.digest.to_string(),
        from: fence.from.0,
    }
}

fn of_lane(lane: &Lane) -> (String, PartitionStatus) {
    let committed = lane.ledger.committed().map(|point| point.0);
    let log_end = lane.ledger.log_end().map(|end| end.0);
    let partition = PartitionStatus {
        settled: lane.ledger.settled().map(|point| point.0),
        committed,
        log_end,
        // The log end was asked for earlier than the commit point was made, so it may be the lower one.
        lag: log_end.zip(committed).map(|(end, committed)| (end - committed).max(0)),
        fences: lane.ledger.fences().into_iter().map(fence).collect(),
        write_time_drift_us: lane.ledger.drift_micros(),
    };
    (lane.partition.to_string(), partition)
}
