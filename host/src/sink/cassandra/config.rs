//! How to write to Cassandra.

use super::limit::InFlight;
use super::ttl::Ttls;
use crate::cassandra::config::Config as SessionConfig;

/// How rows are written to Cassandra, for the sinks of all plugins of a run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Sessions with the cluster, `consistency` and `request_timeout` being those of every write.
    pub session: SessionConfig,
    /// Requests being made of one node at one time.
    pub in_flight: InFlight,
    pub cql_batches: CqlBatches,
    /// Nulls as tombstones rather than unset.
    pub write_nulls: bool,
    /// How long the rows of each table live, counted from their write timestamps.
    pub ttl: Ttls,
}

/// The bounds of a CQL batch; `None`: as much as the server takes without a warning in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CqlBatches {
    /// Partition keys; 0: no CQL batches.
    pub partitions: Option<usize>,
    pub bytes: Option<usize>,
}
