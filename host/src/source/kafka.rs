//! The Kafka source: a consumer in a group.

#[derive(Debug, Clone)]
pub struct Config {
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
