//! How the pipeline is, for whoever is not at its log: what is waited for, how far each partition is, what became of the
//! records. Posted on a [`Board`] once a second and, where one is asked for, written into a file ([`super::status_file`]).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use tokio::sync::watch;

use super::Parts;
use super::lane::Lane;
use super::outage::Severity;
use super::probation::Example;
use super::progress::Swapping;
use super::shadow::ShadowReport;
use super::slot::Held;
use super::swap::{Named, Swap};
use crate::record::trail;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Records flow, or there are none.
    Running,
    /// Something is away and is tried again: see `waiting`.
    Waiting,
    /// Somebody has to mend something: see `waiting`.
    Halted,
    /// Asked to stop; what is in flight is being settled.
    Draining,
    Ended,
}

#[derive(Debug, Serialize)]
pub struct Status {
    pub state: State,
    /// Whether records flow.
    pub ready: bool,
    pub updated: String,
    /// Of this program.
    pub version: &'static str,
    pub process: u32,
    pub uptime_seconds: u64,
    pub plugin: Plugin,
    pub waiting: Vec<Waiting>,
    pub partitions: BTreeMap<String, Partition>,
    /// Over all partitions of which it is known.
    pub lag: Option<i64>,
    pub records: u64,
    pub rows_written: u64,
    pub filtered: u64,
    /// By code.
    pub rejected: BTreeMap<String, u64>,
    /// The latest of each code.
    pub examples: BTreeMap<String, Vec<Example>>,
}

#[derive(Debug, Serialize)]
pub struct Plugin {
    #[serde(flatten)]
    pub named: Named,
    /// Whether it is compared with the one before it.
    pub on_probation: bool,
    /// Where a rollback leads: the last version that ran well before this one.
    pub back: Option<Named>,
    /// What is to be found now where the plugin came from at the start.
    pub held: Option<Held>,
    /// The swap that is under way.
    pub swapping: Option<Swapping>,
    /// The latest swaps, the oldest first.
    pub history: Vec<Swap>,
    /// What a candidate beside it makes differently.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowReport>,
}

#[derive(Debug, Serialize)]
pub struct Waiting {
    #[serde(rename = "for")]
    pub what: String,
    /// Whether somebody has to mend it.
    pub halted: bool,
    pub seconds: u64,
    pub tries: u64,
    pub error: String,
}

#[derive(Debug, Serialize)]
pub struct Partition {
    /// Everything before this offset is settled.
    pub settled: Option<i64>,
    /// And committed before this one.
    pub committed: Option<i64>,
    /// Where the log ended when the brokers were last asked.
    pub log_end: Option<i64>,
    /// Records from the commit point to there.
    pub lag: Option<i64>,
    pub write_time_drift_us: i64,
    /// Which plugin has taken the records since which offset, the present one last.
    pub fences: Vec<Fence>,
}

#[derive(Debug, Serialize)]
pub struct Fence {
    pub digest: String,
    pub from: i64,
}

/// Where the latest status hangs, for whoever wants to know; empty until the pipeline runs.
#[derive(Debug, Default)]
pub struct Board(watch::Sender<Option<Arc<Status>>>);

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Halted => "halted",
            Self::Draining => "draining",
            Self::Ended => "ended",
        })
    }
}

impl Board {
    pub fn post(&self, status: Arc<Status>) {
        self.0.send_replace(Some(status));
    }

    /// Tells of each new one.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<Status>>> {
        self.0.subscribe()
    }

    pub fn latest(&self) -> Option<Arc<Status>> {
        self.0.borrow().clone()
    }
}

impl Status {
    pub fn of<'a>(parts: &Parts, lanes: impl Iterator<Item = &'a Lane>, end: Option<State>) -> Self {
        let outages = parts.outages.current();
        let is_halted = outages.values().any(|outage| outage.severity == Severity::Halt);
        let state = match end {
            Some(state) => state,
            None if is_halted => State::Halted,
            None if outages.is_empty() => State::Running,
            None => State::Waiting,
        };
        let waiting = outages.iter().map(|(what, outage)| Waiting {
            what: what.to_string(),
            halted: outage.severity == Severity::Halt,
            seconds: outage.since.elapsed().as_secs(),
            tries: outage.tries,
            error: outage.message.clone(),
        });
        let version = parts.slot.current();
        let counts = parts.totals.counts();
        let partitions: BTreeMap<_, _> = lanes.map(of_lane).collect();
        Self {
            state,
            ready: state == State::Running,
            updated: DateTime::<Utc>::from(SystemTime::now()).to_rfc3339_opts(SecondsFormat::Millis, true),
            version: env!("CARGO_PKG_VERSION"),
            process: std::process::id(),
            uptime_seconds: parts.metrics.uptime().as_secs(),
            plugin: Plugin {
                named: version.identity().into(),
                on_probation: parts.slot.is_on_probation(),
                back: parts.slot.way_back().map(|back| back.identity().into()),
                held: parts.slot.held(),
                swapping: parts.progress.now(),
                history: parts.slot.history.swaps(),
                shadow: parts.shadow.report(),
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
            examples: parts.examples.latest(),
        }
    }
}

fn fence(fence: trail::Fence) -> Fence {
    Fence {
        digest: fence.digest.to_string(),
        from: fence.from.0,
    }
}

fn of_lane(lane: &Lane) -> (String, Partition) {
    let committed = lane.book.committed().map(|point| point.0);
    let log_end = lane.book.log_end().map(|end| end.0);
    let partition = Partition {
        settled: lane.book.settled().map(|point| point.0),
        committed,
        log_end,
        // Committed is what was asked for after the log end was.
        lag: log_end.zip(committed).map(|(end, committed)| (end - committed).max(0)),
        fences: lane.book.fences().into_iter().map(fence).collect(),
        write_time_drift_us: lane.book.drift_micros(),
    };
    (lane.partition.to_string(), partition)
}
