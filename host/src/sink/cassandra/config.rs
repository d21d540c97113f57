//! How to write to Cassandra.

use std::time::Duration;

use crate::connection::CassandraConnection;

#[derive(Debug, Clone)]
pub struct Config {
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
