//! What is being waited for, said once when it starts, once a minute, and once when it ends, however many partitions
//! and tries there are.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A line a minute: an operator sees that it still waits, and the log stays readable.
const REMINDER: Duration = Duration::from_secs(60);

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

#[derive(Debug)]
struct Outage {
    since: Instant,
    said: Instant,
    tries: u64,
    message: String,
}

impl Outages {
    /// A try failed.
    pub fn failed(&self, what: Waiting, severity: Severity, error: &dyn Error) {
        let now = Instant::now();
        let message = chain(error);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(outage) = current.get_mut(&what) else {
            match severity {
                Severity::Retry => tracing::warn!(error = %message, "waiting for {what}, trying again"),
                Severity::Halt => tracing::error!(error = %message, "halted at {what}, trying again slowly"),
            }
            current.insert(
                what,
                Outage {
                    since: now,
                    said: now,
                    tries: 1,
                    message,
                },
            );
            return;
        };
        outage.tries += 1;
        outage.message = message;
        if now - outage.said >= REMINDER {
            outage.said = now;
            let (error, tries, seconds) = (&outage.message, outage.tries, (now - outage.since).as_secs());
            tracing::warn!(error, tries, seconds, "still waiting for {what}");
        }
    }

    /// A try succeeded.
    pub fn recovered(&self, what: Waiting) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outage) = current.remove(&what) {
            tracing::info!(
                tries = outage.tries,
                seconds = outage.since.elapsed().as_secs(),
                "{what} is back"
            );
        }
    }

    /// One line for each thing that is waited for; empty when all is well.
    pub fn current(&self) -> Vec<String> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current
            .iter()
            .map(|(what, outage)| format!("waiting for {what}: {}", outage.message))
            .collect()
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
    fn is_waiting_until_a_try_succeeds() {
        let outages = Outages::default();
        let error = std::io::Error::other("refused");
        outages.failed(Waiting::Sink, Severity::Retry, &error);
        outages.failed(Waiting::Sink, Severity::Retry, &error);
        assert_eq!(outages.current(), ["waiting for the sink: refused"]);
        outages.recovered(Waiting::Sink);
        assert!(outages.current().is_empty());
    }
}
