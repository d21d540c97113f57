//! The status of the pipeline: what is waited for, how far each partition is, and what became of the records. It is
//! posted on a [`Board`] once a second and, if a file is asked for, written into it
//! ([`crate::pipeline::flow::status_file`]).

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

/// What a run is doing, in the word that `/status.json` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Records flow, or there are none to read.
    Running,
    /// Something is away and is retried: see `waiting`.
    Waiting,
    /// An operator has to repair something: see `waiting`.
    Halted,
    /// It was asked to stop, and what is in flight is being settled.
    Draining,
    Ended,
}

/// What a run shows of itself once a second, in the shape of `/status.json`.
#[derive(Debug, Serialize)]
pub struct Status {
    pub state: State,
    /// Whether records flow.
    pub ready: bool,
    pub updated: String,
    /// The version of this program.
    pub version: &'static str,
    pub process: u32,
    pub uptime_seconds: u64,
    pub plugin: PluginStatus,
    pub waiting: Vec<WaitingStatus>,
    pub partitions: BTreeMap<String, PartitionStatus>,
    /// Over all partitions whose lag is known.
    pub lag: Option<i64>,
    pub records: u64,
    pub rows_written: u64,
    pub filtered: u64,
    /// Dead letters by code.
    pub rejected: BTreeMap<String, u64>,
    /// The latest rejects of each code.
    pub examples: BTreeMap<String, Vec<Example>>,
}

/// The current plugin, and what is known about swaps of it.
#[derive(Debug, Serialize)]
pub struct PluginStatus {
    #[serde(flatten)]
    pub named: Named,
    /// Whether it is compared with the version before it.
    pub on_probation: bool,
    /// Where a rollback leads: the last version that ran well before this one.
    pub back: Option<Named>,
    /// The component that now lies where the plugin came from at the start.
    pub held: Option<Held>,
    /// The swap that is under way.
    pub swapping: Option<Swapping>,
    /// The latest swaps, the oldest first.
    pub history: Vec<Swap>,
    /// How a candidate's outcomes differ from the current plugin's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowReport>,
}

/// Where the plugin comes from at a start, and which component lies there now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// `file plugins/order_enrich.wasm`
    pub place: String,
    /// The component that is there now: a restart runs it.
    pub digest: String,
    /// Whether it is the plugin that runs.
    pub runs: bool,
}

/// One thing that is being waited for.
#[derive(Debug, Serialize)]
pub struct WaitingStatus {
    #[serde(rename = "for")]
    pub what: String,
    /// Whether an operator has to repair it.
    pub halted: bool,
    pub seconds: u64,
    pub tries: u64,
    pub error: String,
}

/// One assigned partition. Offsets are Kafka's; `None` means that it is not known yet.
#[derive(Debug, Serialize)]
pub struct PartitionStatus {
    /// Everything before this offset is settled.
    pub settled: Option<i64>,
    /// Everything before this offset is committed.
    pub committed: Option<i64>,
    /// The log end, as the brokers last answered it.
    pub log_end: Option<i64>,
    /// Records from the commit point to the log end.
    pub lag: Option<i64>,
    pub write_time_drift_us: i64,
    /// The offset from which each plugin has taken the records, the present one last.
    pub fences: Vec<FenceStatus>,
}

/// The offset from which on the plugin with this digest has taken the partition's records.
#[derive(Debug, Serialize)]
pub struct FenceStatus {
    pub digest: String,
    pub from: i64,
}

/// Where the latest status is kept for its readers. It is empty until the pipeline runs.
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
    /// Replaces the latest status.
    pub fn post(&self, status: Arc<Status>) {
        self.0.send_replace(Some(status));
    }

    /// Receives each new status.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<Status>>> {
        self.0.subscribe()
    }

    /// The latest status; `None` until the pipeline runs.
    pub fn latest(&self) -> Option<Arc<Status>> {
        self.0.borrow().clone()
    }
}
