//! How to read from Kafka.

use std::time::Duration;

pub use crate::progress::kafka::Start;

#[derive(Debug, Clone)]
pub struct Config {
    pub group: String,
    /// Static membership: a restarted host takes its partitions again at once.
    pub group_instance: Option<String>,
    /// Where a group without a committed offset begins.
    pub start: Start,
    /// Records sent to the pipeline at one time, at most.
    pub chunk_records: usize,
    /// Records of one partition read and not yet settled; at this many the partition is left alone.
    pub queue_records: usize,
    /// The same in bytes, but of all partitions together: each that is assigned has an equal share.
    pub queue_bytes: usize,
    /// How often the brokers are asked whether the topic has more partitions, or is another one of its name.
    pub topic_refresh: Duration,
    /// How long a revocation waits for the pipeline to drain before it is answered anyway.
    pub drain_timeout: Duration,
}
