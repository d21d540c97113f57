//! How to reach Cassandra, and how it answers.

use std::time::Duration;

use crate::connection::CassandraConnection;

/// Settings of a session.
#[derive(Debug, Clone)]
pub struct Config {
    pub connection: CassandraConnection,
    pub consistency: Consistency,
    /// How long one request may take until it counts as timed out.
    pub request_timeout: Duration,
    /// Compression of the frames of every connection.
    pub compression: Compression,
}

/// How many replicas have to acknowledge a write or answer a read, by CQL's names.
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
