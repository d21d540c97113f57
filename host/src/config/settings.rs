//! The program's shape of its settings: validated, typed, with the defaults filled in.

use std::path::PathBuf;
use std::time::Duration;

use crate::connection::{CassandraConnection, KafkaConnection, RegistryConnection};

#[derive(Debug, Clone)]
pub struct Settings {
    pub from: From,
    pub to: To,
    pub kafka: KafkaConnection,
    pub registry: RegistryConnection,
    pub source: Source,
    pub cassandra: Cassandra,
    pub plugin: Plugin,
    pub dead_letters: DeadLetters,
    pub pipeline: Pipeline,
}

/// Where records come from: `--from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    Csv(PathBuf),
    Ndjson(PathBuf),
    /// The brokers are in [`Settings::kafka`].
    Kafka {
        topic: String,
    },
}

/// Where rows go: `--to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// The nodes are in [`Settings::cassandra`].
    Cassandra {
        keyspace: String,
    },
    Sqlite(PathBuf),
    Stdout,
}

#[derive(Debug, Clone)]
pub struct Source {
    pub group: String,
    /// Static membership: a restarted host takes its partitions again at once.
    pub group_instance: Option<String>,
    /// Where a group without a committed offset begins.
    pub start: Start,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Earliest,
    Latest,
}

#[derive(Debug, Clone)]
pub struct Cassandra {
    pub connection: CassandraConnection,
    pub consistency: Consistency,
    /// How long one write may take until it counts as timed out.
    pub request_timeout: Duration,
    /// Rows being written at one time.
    pub writes_in_flight: usize,
    /// Nulls as tombstones rather than unset.
    pub write_nulls: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    One,
    Two,
    Three,
    Quorum,
    All,
    LocalOne,
    LocalQuorum,
    EachQuorum,
}

#[derive(Debug, Clone)]
pub struct Plugin {
    pub file: PathBuf,
    /// `--set KEY=VALUE`, given to the guest's `configure`.
    pub settings: Vec<(String, String)>,
    pub limits: Limits,
}

/// What a guest may take. Each is a setting of its own under `[plugin.limits]`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Linear memory of one instance, bytes.
    pub memory_bytes: usize,
    /// One call of `transform` or `configure`.
    pub deadline: Duration,
    /// Output rows for each input row, as a mean over the batch.
    pub rows_per_record: u32,
    /// Log lines a second; more are counted and left out.
    pub log_lines_per_second: u32,
    /// A longer log line is cut.
    pub log_line_bytes: usize,
}

/// Where dead letters go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetters {
    Topic(String),
    File(PathBuf),
}

#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Records handled by one plugin call, at most.
    pub batch_records: usize,
    /// Records of one partition read and not yet settled; more, and the partition is paused.
    pub queue_records: usize,
    /// The same in bytes, over all partitions.
    pub queue_bytes: usize,
    /// How long a revocation or a signal may drain.
    pub drain_timeout: Duration,
    /// Offsets are committed this often, and on revocation and at the end.
    pub commit_interval: Duration,
    /// 0..=15, above 0 only for a deliberate rewrite.
    pub generation: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            deadline: Duration::from_secs(5),
            rows_per_record: 100,
            log_lines_per_second: 100,
            log_line_bytes: 4096,
        }
    }
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            batch_records: 1000,
            queue_records: 8000,
            queue_bytes: 32 << 20,
            drain_timeout: Duration::from_secs(20),
            commit_interval: Duration::from_secs(1),
            generation: 0,
        }
    }
}
