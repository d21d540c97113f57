//! How the pipeline is, for whoever is not at its log: what is waited for, how far each partition is, what became of the
//! records. Posted on a [`Board`] once a second and, where one is asked for, written into a file ([`crate::pipeline::flow::status_file`]).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use super::examples::Example;
use super::shadowing::ShadowReport;
use super::swapping::Swapping;
use super::swaps::Named;
use super::swaps::Swap;

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
    pub plugin: PluginStatus,
    pub waiting: Vec<WaitingStatus>,
    pub partitions: BTreeMap<String, PartitionStatus>,
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
pub struct PluginStatus {
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

/// Where the plugin comes from at a start, and what is there now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// `file plugins/order_enrich.wasm`
    pub place: String,
    /// The component that is there now: a restart runs it.
    pub digest: String,
    /// Whether it is what runs.
    pub runs: bool,
}

#[derive(Debug, Serialize)]
pub struct WaitingStatus {
    #[serde(rename = "for")]
    pub what: String,
    /// Whether somebody has to mend it.
    pub halted: bool,
    pub seconds: u64,
    pub tries: u64,
    pub error: String,
}

#[derive(Debug, Serialize)]
pub struct PartitionStatus {
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
    pub fences: Vec<FenceStatus>,
}

#[derive(Debug, Serialize)]
pub struct FenceStatus {
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
