//! Bounds and intervals of the pipeline.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Config {
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

impl Default for Config {
    fn default() -> Self {
        Self {
            batch_records: 1000,
            queue_records: 4000,
            queue_bytes: 32 << 20,
            drain_timeout: Duration::from_secs(20),
            commit_interval: Duration::from_secs(1),
            generation: 0,
        }
    }
}
