//! What is being waited for, said once when it starts, once a minute, and once when it ends, however many partitions
//! and tries there are.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A line a minute: an operator sees that it still waits, and the log stays readable.
const REMINDER: Duration = Duration::from_mins(1);

/// What can be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    Source,
    Registry,
    Plugin,
    Sink,
    DeadLetters,
    Commit,
}

/// Whether somebody has to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It heals by itself when the server is back.
    Retry,
    /// Somebody has to mend it.
    Halt,
}

/// The outages of one pipeline; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Outages {
    current: Arc<Mutex<BTreeMap<Waiting, Outage>>>,
}

/// One of those who wait. An outage is over when the last of them has what it waited for: rows for one replica may be
/// written while those for another still fail.
#[derive(Debug)]
pub struct Waiter {
    outages: Outages,
    what: Waiting,
    is_waiting: bool,
}

#[derive(Debug)]
struct Outage {
    waiters: usize,
    since: Instant,
    said: Instant,
    tries: u64,
    message: String,
}

impl Outages {
    pub fn waiter(&self, what: Waiting) -> Waiter {
        Waiter {
            outages: self.clone(),
            what,
            is_waiting: false,
        }
    }

    /// One line for each thing that is waited for; empty when all is well.
    pub fn current(&self) -> Vec<String> {
        self.lock()
            .iter()
            .map(|(what, outage)| format!("waiting for {what}: {}", outage.message))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Waiting, Outage>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// A try failed.
    pub fn failed(&mut self, severity: Severity, error: &dyn Error) {
        let (what, now, message) = (self.what, Instant::now(), chain(error));
        let mut current = self.outages.lock();
        let is_new = !std::mem::replace(&mut self.is_waiting, true);
        let Some(outage) = current.get_mut(&what) else {
            match severity {
                Severity::Retry => tracing::warn!(error = %message, "waiting for {what}, trying again"),
                Severity::Halt => tracing::error!(error = %message, "halted at {what}, trying again slowly"),
            }
            current.insert(
                what,
                Outage {
                    waiters: 1,
                    since: now,
                    said: now,
                    tries: 1,
                    message,
                },
            );
            return;
        };
        outage.waiters += usize::from(is_new);
        outage.tries += 1;
        outage.message = message;
        if now - outage.said >= REMINDER {
            outage.said = now;
            let (error, tries, seconds) = (&outage.message, outage.tries, (now - outage.since).as_secs());
            tracing::warn!(error, tries, seconds, "still waiting for {what}");
        }
    }

    /// A try succeeded.
    pub fn recovered(&mut self) {
        if let Some(outage) = self.leave() {
            let (tries, seconds) = (outage.tries, outage.since.elapsed().as_secs());
            tracing::info!(tries, seconds, "{} is back", self.what);
        }
    }

    /// Waits no more; the outage, if nobody else waits.
    fn leave(&mut self) -> Option<Outage> {
        if !std::mem::take(&mut self.is_waiting) {
            return None;
        }
        let mut current = self.outages.lock();
        let outage = current.get_mut(&self.what)?;
        outage.waiters = outage.waiters.saturating_sub(1);
        if outage.waiters == 0 {
            current.remove(&self.what)
        } else {
            None
        }
    }
}

/// Whoever gives up (a revoked partition) waits no more, which does not mean that anything is back.
impl Drop for Waiter {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The error and its causes on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "the source",
            Self::Registry => "the schema registry",
            Self::Plugin => "the plugin",
            Self::Sink => "the sink",
            Self::DeadLetters => "the dead letters",
            Self::Commit => "the offset commit",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_waiting_until_the_last_waiter_has_it() {
        let outages = Outages::default();
        let error = std::io::Error::other("refused");
        let (mut first, mut second) = (outages.waiter(Waiting::Sink), outages.waiter(Waiting::Sink));
        first.failed(Severity::Retry, &error);
        first.failed(Severity::Retry, &error);
        second.failed(Severity::Retry, &error);
        first.recovered();
        assert_eq!(outages.current(), ["waiting for the sink: refused"]);
        drop(second);
        assert!(outages.current().is_empty());
        first.recovered();
        assert!(outages.current().is_empty());
    }
}
