//! Bounds and intervals of the pipeline.

use std::path::PathBuf;
use std::time::Duration;

use crate::pipeline::trouble::budget::Allowance;

#[derive(Debug, Clone)]
/// The settings of the pipeline, validated.
pub struct Config {
    /// Records handled by one plugin call, at most.
    pub batch_records: usize,
    /// Records of one partition that are read and not yet settled. Above that, the partition is not read.
    pub queue_records: usize,
    /// The same in bytes, over all partitions. The assigned partitions share it equally.
    pub queue_bytes: usize,
    /// How long a revocation or a signal may drain.
    pub drain_timeout: Duration,
    /// Offsets are committed this often, and on revocation and at the end.
    pub commit_interval: Duration,
    /// 0 to 15; above 0 only for a deliberate rewrite.
    pub generation: u8,
    /// The budget for rejects of any kind.
    pub reject_budget: Allowance,
    /// The budget for records that break the guest.
    pub fault_budget: Allowance,
    /// End at a halt, which an operator has to repair, instead of waiting.
    pub fail_fast: bool,
    /// A file with the status of the pipeline, written anew about once a second.
    pub status_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            batch_records: 1000,
            queue_records: 8000,
            queue_bytes: 32 << 20,
            drain_timeout: Duration::from_secs(20),
            commit_interval: Duration::from_secs(1),
            generation: 0,
            reject_budget: Allowance {
                percent: 90,
                window_records: 10_000,
            },
            fault_budget: Allowance {
                percent: 50,
                window_records: 1000,
            },
            fail_fast: false,
            status_file: None,
        }
    }
}
