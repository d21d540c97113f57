//! How long something took, and when.

use std::time::{Duration, Instant};

/// When something was done.
#[derive(Debug, Clone, Copy)]
pub struct Lap {
    pub begun: Instant,
    pub took: Duration,
}

impl Lap {
    /// The time from `begun` until now.
    pub fn since(begun: Instant) -> Self {
        Self {
            begun,
            took: begun.elapsed(),
        }
    }
}
