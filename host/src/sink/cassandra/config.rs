//! How to write to Cassandra.

use std::time::Duration;

use super::limit::InFlight;
use super::ttl::Ttls;
use crate::connection::CassandraConnection;

#[derive(Debug, Clone)]
pub struct Config {
    pub connection: CassandraConnection,
    pub consistency: Consistency,
    /// How long one write may take until it counts as timed out.
    pub request_timeout: Duration,
    /// Requests being made of one node at one time.
    pub in_flight: InFlight,
    pub cql_batches: CqlBatches,
    /// Of the frames of every connection.
    pub compression: Compression,
    /// Nulls as tombstones rather than unset.
    pub write_nulls: bool,
    /// How long the rows of each table live, counted from their write timestamps.
    pub ttl: Ttls,
}

/// What a CQL batch may have; `None`: as much as the server takes without a warning in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CqlBatches {
    /// Partition keys; 0: no CQL batches.
    pub partitions: Option<usize>,
    pub bytes: Option<usize>,
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

/// None where the server does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Lz4,
    Snappy,
}
