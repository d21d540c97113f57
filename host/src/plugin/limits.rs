//! The limits of a guest. Each has a name, which its error repeats.

use std::time::Duration;

/// The limits of a guest, each a setting under `[plugin.limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, in bytes. A batch of 1,000 orders needs well under 1 MiB. Ten times the largest
    /// expected batch is plenty; every instance may take this much.
    pub memory_bytes: usize,
    /// An instance that has grown past this share of its memory, in per cent, is replaced before the next call. Guests
    /// in Python or JavaScript keep some memory with each call, and would fail at their limit. A higher share replaces
    /// them less often and leaves a large batch less room.
    pub recycle_percent: u32,
    /// Processor time of one call of `transform` or `configure`. A batch takes about a millisecond, and a second is
    /// a thousand times that. A record that never ends costs this time about a dozen times, once for each halving
    /// of its batch.
    pub deadline: Duration,
    /// Output rows of each input row.
    pub rows_per_record: u32,
    /// Log lines a second of one plugin, over all its instances. Further lines are counted and left out.
    pub log_lines_per_second: u32,
    /// Longer log lines are cut to this.
    pub log_line_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            recycle_percent: 50,
            deadline: Duration::from_secs(1),
            rows_per_record: 100,
            log_lines_per_second: 100,
            log_line_bytes: 4096,
        }
    }
}
