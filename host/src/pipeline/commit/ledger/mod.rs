//! What is known of one partition: the batches in flight, what may be committed, and the plugins that the brokers
//! know as its writers.
//!
//! Before a plugin writes its first row of a partition, a commit has named it (see [`crate::record::trail`]). A
//! commit that no longer names a plugin takes its permission away when the commit is drawn up, not when it is
//! acknowledged. A batch that begins after that asks again.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::offsets::{OffsetTracker, Settled, Ticket};
use crate::progress::Naming;
use crate::record::commit::Commit;
use crate::record::descriptor::Digest;
use crate::record::position::{CommitPoint, Offset, Partition, WriteTime};
use crate::record::topic_id::TopicId;
use crate::record::trail::{Fence, Raise, Trail, Writers};

/// How many fences are remembered: the latest ones.
const FENCES: usize = 20;

/// Shared by a worker, which begins and settles batches, and the supervisor, which commits.
#[derive(Debug)]
pub struct Ledger {
    pub partition: Arc<Partition>,
    /// The topic that the commits belong to.
    topic: Option<TopicId>,
    naming: Naming,
    entries: Mutex<Entries>,
    /// Notified when the brokers know of more writers.
    named: Notify,
    /// How far the write timestamp of the last record is ahead of the record's own timestamp, in microseconds.
    drift_micros: AtomicI64,
    /// The log end, as the brokers last answered it.
    log_end: OnceLock<AtomicI64>,
}

#[derive(Debug)]
struct Entries {
    tracker: OffsetTracker,
    /// Where reading begins. If nothing was committed, it is known with the first record.
    start: Option<CommitPoint>,
    /// The offsets between these two points have no record, as the source says.
    passed: Option<(Option<CommitPoint>, CommitPoint)>,
    /// The base that was committed before this assignment.
    base: Option<WriteTime>,
    fence: Option<Fence>,
    /// The writers from before this assignment, until [`Ledger::begin_reading`] has dealt with them.
    earlier: Writers,
    raise: Option<Raise>,
    /// The writers that the last acknowledged commit names.
    named: Writers,
    /// The writers that the latest commit names, whether it is acknowledged yet or only drawn up.
    drawn_up: Writers,
    /// The last acknowledged commit.
    committed: Option<Commit>,
    fences: Vec<Fence>,
}

impl Ledger {
    /// Goes on from a commit. One that is not kept, since it was forgotten with a topic that was deleted, is drawn up
    /// again at once.
    pub fn open(
        partition: Arc<Partition>,
        topic: Option<TopicId>,
        committed: Option<Commit>,
        naming: Naming,
        is_kept: bool,
    ) -> Self {
        let trail = committed.as_ref().map_or(Trail::default(), |commit| commit.trail);
        let start = committed.as_ref().map(|commit| commit.point);
        let is_over = |raise: &Raise| start.is_some_and(|start| start >= raise.until);
        Self {
            partition,
            topic,
            naming,
            entries: Mutex::new(Entries {
                tracker: OffsetTracker::default(),
                start,
                passed: None,
                base: committed.as_ref().and_then(|commit| commit.base),
                fence: trail.fence,
                earlier: trail.writers,
                raise: trail.raise.filter(|raise| !is_over(raise)),
                named: if is_kept { trail.writers } else { Writers::Nobody },
                drawn_up: trail.writers,
                committed: committed.filter(|_| is_kept),
                fences: trail.fence.into_iter().collect(),
            }),
            named: Notify::new(),
            drift_micros: AtomicI64::new(0),
            log_end: OnceLock::new(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock()
    }

    /// The raise that was in force; `None` if no other plugin may have written rows of the records to come.
    pub fn has_other_writers(&self, digest: Digest) -> Option<Option<Raise>> {
        let entries = self.entries();
        entries.earlier.others_than(digest).then_some(entries.raise)
    }

    /// Which plugin took the records before this assignment, as far as the last commit says.
    pub fn earlier_plugin(&self) -> Option<Digest> {
        self.entries().fence.map(|fence| fence.digest)
    }

    /// Begins with the first record; `raised` lifts the rows of the records to come over those of earlier writers.
    pub fn begin_reading(&self, first: Offset, raised: Option<Raise>) {
        let mut entries = self.entries();
        entries.start.get_or_insert(CommitPoint(first.0));
        entries.earlier = Writers::Nobody;
        if raised.is_some() {
            entries.raise = raised;
            // No plugin may write with a raise that the brokers do not know: the next member counts from the raise
            // that was committed.
            entries.named = Writers::Nobody;
            entries.drawn_up = Writers::Nobody;
        }
    }

    /// The raise for records of earlier offsets, where another plugin may have written their rows.
    pub fn raise(&self) -> Option<Raise> {
        self.entries().raise
    }

    /// The fence of a batch that begins at `first` and goes through this plugin.
    pub fn fence(&self, digest: Digest, first: Offset) -> Fence {
        let mut entries = self.entries();
        match entries.fences.last() {
            Some(fence) if fence.digest == digest => *fence,
            _ => {
                let fence = Fence { digest, from: first };
                if entries.fences.len() == FENCES {
                    entries.fences.remove(0);
                }
                entries.fences.push(fence);
                fence
            }
        }
    }

    /// The latest fences, the present one last.
    pub fn fences(&self) -> Vec<Fence> {
        self.entries().fences.clone()
    }

    /// Notes that a batch is in flight, `end` being what is settled once it and all before it are. Batches begin in the
    /// order of their offsets.
    pub fn begin(&self, end: Settled) -> Ticket {
        self.entries().tracker.begin(end)
    }

    /// Notes that every record of the batch is settled, in whatever order the batches become so.
    pub fn settle(&self, ticket: Ticket) {
        self.entries().tracker.settle(ticket);
    }

    /// Everything before this offset is settled.
    pub fn settled(&self) -> Option<CommitPoint> {
        let entries = self.entries();
        entries.tracker.settled()?;
        entries.point()
    }

    /// Notes that no record lies between `from` and `to`: once everything before `from` is settled, so is everything
    /// before `to`.
    pub fn pass(&self, from: Option<CommitPoint>, to: CommitPoint) {
        self.entries().passed = Some((from, to));
    }

    /// What a recreated topic of this name begins with. Its base is that of the last record taken, so that the new
    /// topic's rows win over those of the old one.
    pub fn leave(&self) -> Commit {
        let entries = self.entries();
        Commit {
            partition: Arc::clone(&self.partition),
            point: entries.point().unwrap_or(CommitPoint(0)),
            base: entries.tracker.newest().map(|end| end.base).or(entries.base),
            trail: Trail::default(),
            topic: self.topic,
        }
    }

    /// The commit point of the last acknowledged commit.
    pub fn committed(&self) -> Option<CommitPoint> {
        self.entries().committed.as_ref().map(|commit| commit.point)
    }

    /// Completes when the brokers know of this plugin as a writer; `ask` is called each time they do not.
    pub async fn wait_until_named(&self, digest: Digest, ask: impl Fn()) {
        loop {
            // It listens before it looks, so that it misses no notification in between.
            let named = self.named.notified();
            if self.is_named(digest) {
                return;
            }
            ask();
            named.await;
        }
    }

    /// Whether this plugin may write: an acknowledged commit names it, or no commit has to.
    pub fn is_named(&self, digest: Digest) -> bool {
        self.naming == Naming::Needless || self.entries().named.includes(digest)
    }

    /// Whether a commit could name a writer, which needs the place where reading begins.
    pub fn has_begun(&self) -> bool {
        self.entries().start.is_some()
    }

    /// The commit to make while records flow, if it differs from the last one. `writers` are the plugins that will
    /// take the next batches.
    pub fn draw_up(&self, writers: Writers) -> Option<Commit> {
        let mut entries = self.entries();
        let writers = match self.naming {
            Naming::Needed => writers.and(entries.tracker.writers()).and(entries.earlier),
            Naming::Needless => Writers::Nobody,
        };
        let commit = entries.commit(self, writers)?;
        if entries.committed.as_ref() == Some(&commit) {
            return None;
        }
        entries.named = entries.named.within(writers);
        entries.drawn_up = writers;
        Some(commit)
    }

    /// The commit to make when the worker has ended. It names only the plugins of batches that were in flight when the
    /// worker was stopped: from then on no plugin begins to write what is not settled.
    pub fn draw_up_last(&self) -> Option<Commit> {
        let mut entries = self.entries();
        let writers = match self.naming {
            Naming::Needed => entries.tracker.writers().and(entries.earlier),
            Naming::Needless => Writers::Nobody,
        };
        entries.named = Writers::Nobody;
        entries.drawn_up = Writers::Nobody;
        let commit = entries.commit(self, writers)?;
        (entries.committed.as_ref() != Some(&commit)).then_some(commit)
    }

    /// Notes that the brokers have acknowledged a commit.
    pub fn note_committed(&self, commit: &Commit) {
        let mut entries = self.entries();
        // A commit that was drawn up later may have taken a name away already.
        entries.named = commit.trail.writers.within(entries.drawn_up);
        entries.committed = Some(commit.clone());
        drop(entries);
        self.named.notify_waiters();
    }

    /// How far the last record's base was ahead of the record's own timestamp, in microseconds.
    pub fn drift_micros(&self) -> i64 {
        self.drift_micros.load(Ordering::Relaxed)
    }

    /// The log end as the brokers last answered it; `None` before their first answer.
    pub fn log_end(&self) -> Option<CommitPoint> {
        let end = self.log_end.get()?;
        Some(CommitPoint(end.load(Ordering::Relaxed)))
    }

    /// Keeps the log end that the brokers have just answered.
    pub fn note_log_end(&self, end: CommitPoint) {
        let known = self.log_end.get_or_init(AtomicI64::default);
        known.store(end.0, Ordering::Relaxed);
    }

    /// Keeps how far the last record's base is ahead of the record's own timestamp.
    pub fn note_drift(&self, micros: i64) {
        self.drift_micros.store(micros, Ordering::Relaxed);
    }
}

impl Entries {
    /// The point behind the last settled record, and behind the offsets without a record that follow it.
    fn point(&self) -> Option<CommitPoint> {
        let behind = self.tracker.settled().map(|settled| settled.point).or(self.start);
        match self.passed {
            Some((from, to)) if from == behind => Some(to),
            _ => behind,
        }
    }

    fn commit(&self, ledger: &Ledger, writers: Writers) -> Option<Commit> {
        let settled = self.tracker.settled();
        let point = self.point()?;
        Some(Commit {
            partition: Arc::clone(&ledger.partition),
            point,
            base: settled.map(|settled| settled.base).or(self.base),
            trail: Trail {
                fence: settled.map(|settled| settled.fence).or(self.fence),
                writers,
                raise: self.raise.filter(|raise| point < raise.until),
            },
            topic: ledger.topic,
        })
    }
}

#[cfg(test)]
mod tests;
