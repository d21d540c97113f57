//! What is known of one partition: the batches in flight, what may be committed, and the plugins that the brokers
//! know as its writers.
//!
//! Before a plugin writes its first row of a partition, a commit has named it (see [`crate::record::trail`]). A
//! commit that no longer names a plugin takes its permission away when the commit is drawn up, not when it is
//! acknowledged. A batch that begins after that asks again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use super::offsets::{OffsetTracker, Settled, Ticket};
use crate::record::commit::Commit;
use crate::record::descriptor::Digest;
use crate::record::position::{CommitPoint, Offset, Partition, WriteTime};
use crate::record::topic_id::TopicId;
use crate::record::trail::{Fence, Raise, Trail, Writers};
use crate::source::Naming;

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
    /// Continues from what was committed.
    pub fn open(partition: Arc<Partition>, topic: Option<TopicId>, committed: Option<Commit>, naming: Naming) -> Self {
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
                named: trail.writers,
                drawn_up: trail.writers,
                committed,
                fences: trail.fence.into_iter().collect(),
            }),
            named: Notify::new(),
            drift_micros: AtomicI64::new(0),
            log_end: OnceLock::new(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
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

    pub fn begin(&self, end: Settled) -> Ticket {
        self.entries().tracker.begin(end)
    }

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

    pub fn drift_micros(&self) -> i64 {
        self.drift_micros.load(Ordering::Relaxed)
    }

    pub fn log_end(&self) -> Option<CommitPoint> {
        let end = self.log_end.get()?;
        Some(CommitPoint(end.load(Ordering::Relaxed)))
    }

    pub fn note_log_end(&self, end: CommitPoint) {
        let known = self.log_end.get_or_init(AtomicI64::default);
        known.store(end.0, Ordering::Relaxed);
    }

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
mod tests {
    use super::*;

    const OLD: Digest = Digest([1; 32]);
    const NEW: Digest = Digest([2; 32]);
    const TOPIC: TopicId = TopicId([7; 16]);

    fn ledger(committed: Option<Commit>) -> Ledger {
        Ledger::open(partition(), Some(TOPIC), committed, Naming::Needed)
    }

    fn partition() -> Arc<Partition> {
        Arc::new(Partition {
            topic: "orders".into(),
            number: 0,
        })
    }

    fn batch(ledger: &Ledger, digest: Digest, first: i64, point: i64) -> Ticket {
        ledger.begin(Settled {
            point: CommitPoint(point),
            base: WriteTime(point),
            fence: ledger.fence(digest, Offset(first)),
        })
    }

    #[test]
    fn a_writer_is_named_before_anything_is_settled_and_at_the_first_record() {
        let ledger = ledger(None);
        assert_eq!(
            ledger.draw_up(Writers::One(OLD)),
            None,
            "where reading begins is not known"
        );
        ledger.begin_reading(Offset(5), None);
        let commit = ledger.draw_up(Writers::One(OLD)).expect("now it is");
        assert_eq!((commit.point, commit.base), (CommitPoint(5), None));
        assert_eq!(commit.trail.writers, Writers::One(OLD));
        assert!(!ledger.is_named(OLD), "not acknowledged");
        ledger.note_committed(&commit);
        assert!(ledger.is_named(OLD));
        assert_eq!(ledger.draw_up(Writers::One(OLD)), None, "no news");
    }

    #[test]
    fn a_commit_names_whose_batches_are_in_flight_and_who_is_coming() {
        let ledger = ledger(None);
        ledger.begin_reading(Offset(0), None);
        let first = batch(&ledger, OLD, 0, 10);
        let commit = ledger.draw_up(Writers::One(NEW)).expect("news");
        assert_eq!(commit.trail.writers, Writers::Several);
        ledger.note_committed(&commit);
        let second = batch(&ledger, NEW, 10, 20);
        ledger.settle(first);
        let commit = ledger.draw_up(Writers::One(NEW)).expect("news");
        assert_eq!(commit.trail.fence.map(|fence| fence.digest), Some(OLD));
        assert_eq!(commit.trail.writers, Writers::One(NEW));
        ledger.settle(second);
        let commit = ledger.draw_up(Writers::One(NEW)).expect("news");
        let fence = Fence {
            digest: NEW,
            from: Offset(10),
        };
        assert_eq!((commit.point, commit.trail.fence), (CommitPoint(20), Some(fence)));
        assert_eq!(ledger.fences().len(), 2);
    }

    #[test]
    fn a_permission_ends_when_the_commit_without_it_is_drawn_up() {
        let ledger = ledger(None);
        ledger.begin_reading(Offset(0), None);
        let commit = ledger.draw_up(Writers::One(OLD)).expect("news");
        ledger.note_committed(&commit);
        assert!(ledger.is_named(OLD));
        let _on_its_way = ledger.draw_up(Writers::One(NEW)).expect("news");
        assert!(!ledger.is_named(OLD), "a batch begun from here on must ask");
    }

    #[test]
    fn a_late_answer_gives_no_permission_back() {
        let ledger = ledger(None);
        ledger.begin_reading(Offset(0), None);
        let first = batch(&ledger, OLD, 0, 10);
        let both = ledger.draw_up(Writers::One(NEW)).expect("news");
        ledger.settle(first);
        let _one = ledger.draw_up(Writers::One(NEW)).expect("news");
        ledger.note_committed(&both);
        assert!(!ledger.is_named(OLD) && ledger.is_named(NEW));
    }

    #[test]
    fn nobody_writes_with_a_raise_that_is_not_committed() {
        let committed = Commit {
            partition: partition(),
            point: CommitPoint(7),
            base: None,
            trail: Trail {
                writers: Writers::Several,
                ..Trail::default()
            },
            topic: Some(TOPIC),
        };
        let ledger = ledger(Some(committed));
        let early = ledger.draw_up(Writers::One(NEW));
        assert_eq!(early, None, "it says so already");
        let raise = Raise {
            by: 1,
            until: CommitPoint(30),
        };
        ledger.begin_reading(Offset(7), Some(raise));
        assert!(!ledger.is_named(NEW));
        let commit = ledger.draw_up(Writers::One(NEW)).expect("news");
        assert_eq!(commit.trail.raise, Some(raise));
        ledger.note_committed(&commit);
        assert!(ledger.is_named(NEW));
    }

    #[test]
    fn earlier_writers_are_named_until_it_is_known_how_far_they_came() {
        let committed = Commit {
            partition: partition(),
            point: CommitPoint(7),
            base: Some(WriteTime(7)),
            trail: Trail {
                writers: Writers::One(OLD),
                ..Trail::default()
            },
            topic: Some(TOPIC),
        };
        let ledger = ledger(Some(committed));
        assert_eq!(ledger.has_other_writers(OLD), None);
        assert_eq!(ledger.has_other_writers(NEW), Some(None));
        let early = ledger.draw_up(Writers::One(NEW)).expect("news");
        assert_eq!(early.trail.writers, Writers::Several);
        let raise = Raise {
            by: 1,
            until: CommitPoint(30),
        };
        ledger.begin_reading(Offset(7), Some(raise));
        let later = ledger.draw_up(Writers::One(NEW)).expect("news");
        assert_eq!(
            (later.trail.writers, later.trail.raise),
            (Writers::One(NEW), Some(raise))
        );
        let ticket = batch(&ledger, NEW, 7, 30);
        ledger.settle(ticket);
        let last = ledger.draw_up_last().expect("news");
        assert_eq!((last.trail.writers, last.trail.raise), (Writers::Nobody, None));
    }

    #[test]
    fn what_is_no_record_is_committed_past_once_all_before_it_is_settled() {
        let ledger = ledger(None);
        ledger.pass(None, CommitPoint(4));
        let commit = ledger.draw_up(Writers::Nobody).expect("a log without a record");
        assert_eq!((commit.point, commit.base), (CommitPoint(4), None));
        ledger.note_committed(&commit);
        ledger.begin_reading(Offset(4), None);
        let (first, second) = (batch(&ledger, OLD, 4, 10), batch(&ledger, OLD, 10, 20));
        ledger.pass(Some(CommitPoint(20)), CommitPoint(23));
        ledger.settle(second);
        assert_eq!(
            ledger.draw_up_last().map(|commit| commit.point),
            Some(CommitPoint(4)),
            "the first is not settled, and its writer is named"
        );
        ledger.settle(first);
        let commit = ledger.draw_up(Writers::Nobody).expect("news");
        assert_eq!((commit.point, commit.base), (CommitPoint(23), Some(WriteTime(20))));
        assert_eq!((commit.topic, ledger.settled()), (Some(TOPIC), Some(CommitPoint(23))));
        ledger.note_committed(&commit);
        let third = batch(&ledger, OLD, 23, 30);
        ledger.settle(third);
        assert_eq!(ledger.settled(), Some(CommitPoint(30)));
    }

    #[test]
    fn the_next_topic_of_the_name_goes_on_behind_the_write_timestamps_of_what_is_in_flight() {
        let ledger = ledger(None);
        assert_eq!(ledger.leave().base, None);
        ledger.begin_reading(Offset(0), None);
        let first = batch(&ledger, OLD, 0, 10);
        let _in_flight = batch(&ledger, OLD, 10, 20);
        ledger.settle(first);
        let last = ledger.leave();
        assert_eq!((last.point, last.base), (CommitPoint(10), Some(WriteTime(20))));
        assert_eq!(last.trail, Trail::default());
    }

    #[tokio::test]
    async fn waits_until_it_is_named() {
        let ledger = ledger(None);
        ledger.begin_reading(Offset(0), None);
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let waiting = ledger.wait_until_named(OLD, || {
            asked.fetch_add(1, Ordering::Relaxed);
        });
        let committing = async {
            tokio::task::yield_now().await;
            let commit = ledger.draw_up(Writers::One(OLD)).expect("news");
            ledger.note_committed(&commit);
        };
        tokio::join!(waiting, committing);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
