//! What is settled goes to the progress: while records flow, before a revocation is answered, and at the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::Supervisor;
use crate::failpoint::{self, Point};
use crate::pipeline::commit::ledger::Ledger;
use crate::pipeline::trouble::outage::Severity;
use crate::progress::error::ProgressError;
use crate::record::commit::Commit;

/// The last commit of a partition is tried for this long, since the brokers may be electing a leader.
pub(super) const BOUND: Duration = Duration::from_secs(10);

/// A commit that was tried: for which lanes, and how it went.
pub(super) struct Committed {
    commits: Vec<(Arc<Ledger>, Commit)>,
    result: Result<(), ProgressError>,
}

impl Supervisor {
    /// Begins a commit of what has changed since the last one. If one is under way, another one follows it.
    pub(super) fn commit(&mut self) {
        if self
            .committing
            .as_ref()
            .is_some_and(|committing| !committing.is_finished())
        {
            self.is_commit_wanted = true;
            return;
        }
        self.is_commit_wanted = false;
        let writers = self.parts.plugins.slot.writers();
        let ledgers = self.lanes.values().map(|lane| &lane.ledger);
        let commits: Vec<_> = ledgers
            .filter_map(|ledger| Some((Arc::clone(ledger), ledger.draw_up(writers)?)))
            .collect();
        if commits.is_empty() {
            self.note_named();
            return;
        }
        let asked = self
            .progress
            .keep(commits.iter().map(|(_, commit)| commit.clone()).collect());
        let committed = self.committed.clone();
        self.committing = Some(tokio::spawn(async move {
            let result = asked.await;
            // An error means that the supervisor has gone and needs no answer.
            let _ = committed.send(Committed { commits, result });
        }));
    }

    pub(super) fn note_committed(&mut self, Committed { commits, result }: Committed) {
        self.committing = None;
        match result {
            Ok(()) => {
                failpoint::reached(Point::Committed);
                self.parts.watch.metrics.note_commit(Ok(()));
                self.commit_waiter.recovered();
                for (ledger, commit) in &commits {
                    ledger.note_committed(commit);
                }
                self.remember(commits.into_iter().map(|(_, commit)| commit));
                self.note_named();
                if self.is_commit_wanted {
                    self.commit();
                }
            }
            // The next tick retries it.
            Err(error) => {
                self.parts.watch.metrics.note_commit(Err(()));
                self.commit_waiter.failed(Severity::Retry, &error);
            }
        }
    }

    /// Tells the swapper when every partition's commit names the plugin that is coming. A partition of which no
    /// record was ever read is checked with its first record.
    fn note_named(&self) {
        if let Some(digest) = self.parts.plugins.slot.announced()
            && self
                .lanes
                .values()
                .all(|lane| !lane.ledger.has_begun() || lane.ledger.is_named(digest))
        {
            self.parts.plugins.slot.note_named();
        }
    }

    /// Waits for the commit that is under way: it must not come after a later one, nor after the next question where these
    /// partitions go on.
    pub(super) async fn end_commit(&mut self, bound: Duration) {
        if let Some(committing) = self.committing.take() {
            let _ = timeout(bound, committing).await;
        }
    }

    /// The partitions are about to go to another member: this is the last commit of them that may come.
    pub(super) async fn keep_before_revocation(&mut self, commits: Vec<Commit>) {
        if commits.is_empty() {
            return;
        }
        let kept = timeout(BOUND, self.progress.keep(commits.clone())).await;
        match kept.unwrap_or_else(|_| Err(ProgressError::timed_out())) {
            Ok(()) => self.remember(commits),
            Err(error) => {
                tracing::warn!(%error, "cannot commit before the revocation, the next member reads some records again");
            }
        }
    }

    pub(super) fn remember(&mut self, commits: impl IntoIterator<Item = Commit>) {
        let known = commits
            .into_iter()
            .map(|commit| (Arc::clone(&commit.partition), commit));
        self.remembered.extend(known);
    }

    /// Tries until it is kept, within the bound.
    pub(super) async fn commit_finally(&self, commits: Vec<Commit>) -> Result<(), ProgressError> {
        if commits.is_empty() {
            return Ok(());
        }
        let end = Instant::now() + BOUND;
        loop {
            match timeout_at(end, self.progress.keep(commits.clone())).await {
                Ok(Err(_)) if Instant::now() < end => tokio::time::sleep(Duration::from_millis(500)).await,
                Ok(result) => return result,
                Err(_) => return Err(ProgressError::timed_out()),
            }
        }
    }
}
