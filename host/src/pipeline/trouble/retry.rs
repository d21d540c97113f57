//! Trying again: reports what is waited for, and waits longer each time.

use std::error::Error;

use super::backoff::Backoff;
use super::fault::Disposition;
use super::outage::{Outages, Severity, Waiter, Waiting};

/// One thing that is tried until it succeeds.
#[derive(Debug)]
pub struct Retry {
    waiter: Waiter,
    backoff: Backoff,
}

impl Retry {
    /// Begins with the first try.
    pub fn new(outages: &Outages, what: Waiting) -> Self {
        Self {
            waiter: outages.waiter(what),
            backoff: Backoff::default(),
        }
    }

    /// A try failed: reports it, and returns when it is time for the next one.
    pub async fn failed(&mut self, severity: Severity, error: &(dyn Error + Send + Sync)) {
        self.waiter.failed(severity, error);
        let pause = match severity {
            Severity::Retry => self.backoff.next_retry(),
            Severity::Halt => self.backoff.next_halt(),
        };
        tokio::time::sleep(pause).await;
    }

    /// Waits as `disposition` says. It must not be a reject, for which there is nothing to wait.
    pub async fn hold(&mut self, disposition: Disposition, error: &(dyn Error + Send + Sync)) {
        let severity = match disposition {
            Disposition::Halt => Severity::Halt,
            Disposition::Retry | Disposition::Reject(_) => Severity::Retry,
        };
        self.failed(severity, error).await;
    }

    /// It succeeded.
    pub fn recovered(&mut self) {
        self.waiter.recovered();
    }
}
