//! How to read from Kafka.

use std::time::Duration;

pub use crate::progress::kafka::Start;
use crate::source::bounds::Bounds;
use crate::source::nature::Nature;

/// A topic has no end, and a run continues at the group's commits.
pub const NATURE: Nature = Nature {
    is_endless: true,
    resumes: true,
};

/// How a member of a group reads a topic.
#[derive(Debug, Clone)]
pub struct Config {
    pub group: String,
    /// Static membership: a restarted host takes its partitions again at once.
    pub group_instance: Option<String>,
    /// Where a group without a committed offset begins.
    pub start: Start,
    pub bounds: Bounds,
    /// How often the brokers are asked whether the topic has more partitions, or was recreated.
    pub topic_refresh: Duration,
    /// How long a revocation waits for the pipeline to drain before it is answered anyway.
    pub drain_timeout: Duration,
}
