//! What is being waited for. It is logged when it starts, once a minute, and when it ends, however many partitions
//! and tries there are.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

pub use crate::record::causes::chain;

/// One line a minute shows an operator that it still waits, and keeps the log readable.
const REMINDER: Duration = Duration::from_mins(1);

/// What can be away; [`Waiting::ALL`] has them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    Source,
    Registry,
    Plugin,
    Sink,
    DeadLetters,
    Commit,
}

/// Whether an operator has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It recovers by itself when the server is back.
    Retry,
    /// An operator has to repair it.
    Halt,
}

/// The outages of one pipeline; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Outages {
    current: Arc<Mutex<BTreeMap<Waiting, Outage>>>,
    /// Tries that failed since the start.
    failed_tries: Arc<[AtomicU64; Waiting::ALL.len()]>,
    /// The first thing that an operator has to repair.
    halt: watch::Sender<Option<String>>,
}

/// One of those that wait. An outage is over when the last of them has what it waited for: rows for one replica may
/// be written while rows for another still fail.
#[derive(Debug)]
pub struct Waiter {
    outages: Outages,
    what: Waiting,
    is_waiting: bool,
}

/// One thing that is waited for.
#[derive(Debug, Clone)]
pub struct Outage {
    pub severity: Severity,
    pub since: Instant,
    pub tries: u64,
    /// The last error, with its causes.
    pub message: String,
    waiters: usize,
    said: Instant,
}

impl Waiting {
    /// All of them, in the order in which metrics and status list them.
    pub const ALL: [Self; 6] = [
        Self::Source,
        Self::Registry,
        Self::Plugin,
        Self::Sink,
        Self::DeadLetters,
        Self::Commit,
    ];

    /// One word, as the labels of metrics have it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Registry => "registry",
            Self::Plugin => "plugin",
            Self::Sink => "sink",
            Self::DeadLetters => "dead_letters",
            Self::Commit => "commit",
        }
    }
}

impl Outages {
    /// Someone who may have to wait for this.
    pub fn waiter(&self, what: Waiting) -> Waiter {
        Waiter {
            outages: self.clone(),
            what,
            is_waiting: false,
        }
    }

    /// What is waited for; empty when all is well.
    pub fn current(&self) -> BTreeMap<Waiting, Outage> {
        self.lock().clone()
    }

    /// How many tries of each have failed since the start.
    pub fn failed_tries(&self) -> impl Iterator<Item = (Waiting, u64)> {
        let counts = self.failed_tries.each_ref().map(|count| count.load(Ordering::Relaxed));
        Waiting::ALL.into_iter().zip(counts)
    }

    /// Completes at the first halt, with what halted and why.
    pub async fn halted(&self) -> String {
        let mut halt = self.halt.subscribe();
        match halt.wait_for(Option::is_some).await {
            Ok(message) => message.clone().unwrap_or_default(),
            // This cannot happen while `self` holds the sender.
            Err(_) => std::future::pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Waiting, Outage>> {
        self.current.lock()
    }
}

impl Waiter {
    /// A try failed.
    pub fn failed(&mut self, severity: Severity, error: &dyn Error) {
        let (what, now, message) = (self.what, Instant::now(), chain(error));
        self.outages.failed_tries[what as usize].fetch_add(1, Ordering::Relaxed);
        if severity == Severity::Halt {
            self.outages.halt.send_if_modified(|halt| {
                let is_first = halt.is_none();
                halt.get_or_insert_with(|| format!("{what}: {message}"));
                is_first
            });
        }
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
                    severity,
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
        if severity == Severity::Halt && outage.severity == Severity::Retry {
            tracing::error!(error = %message, "halted at {what}, trying again slowly");
        }
        outage.severity = severity;
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

    /// Waits no more; returns the outage if nothing else waits.
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

/// A waiter that gives up (of a revoked partition) waits no more, which does not mean that anything is back.
impl Drop for Waiter {
    fn drop(&mut self) {
        self.leave();
    }
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
        let current = outages.current();
        assert_eq!(current[&Waiting::Sink].message, "refused");
        assert_eq!((current.len(), current[&Waiting::Sink].tries), (1, 3));
        let tries: Vec<_> = outages.failed_tries().filter(|(_, tries)| *tries > 0).collect();
        assert_eq!(tries, [(Waiting::Sink, 3)]);
        drop(second);
        assert!(outages.current().is_empty());
        first.recovered();
        assert!(outages.current().is_empty());
    }

    #[tokio::test]
    async fn the_first_halt_is_told_and_a_retry_is_none() {
        let outages = Outages::default();
        let mut waiter = outages.waiter(Waiting::Sink);
        waiter.failed(Severity::Retry, &std::io::Error::other("slow"));
        assert!(futures::FutureExt::now_or_never(outages.halted()).is_none());
        waiter.failed(Severity::Halt, &std::io::Error::other("no table"));
        waiter.failed(Severity::Halt, &std::io::Error::other("still no table"));
        assert_eq!(outages.halted().await, "the sink: no table");
    }
}
