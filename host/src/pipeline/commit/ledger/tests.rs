//! Commits as they are drawn up and acknowledged: whom they name, and when a plugin may write.

use super::*;

const OLD: Digest = Digest([1; 32]);
const NEW: Digest = Digest([2; 32]);
const TOPIC: TopicId = TopicId([7; 16]);

fn ledger(committed: Option<Commit>) -> Ledger {
    Ledger::open(partition(), Some(TOPIC), committed, Naming::Needed, true)
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
fn a_commit_that_was_forgotten_with_its_topic_is_made_again_before_anything_is_read() {
    let forgotten = Commit {
        partition: partition(),
        point: CommitPoint(0),
        base: Some(WriteTime(70)),
        trail: Trail::default(),
        topic: Some(TOPIC),
    };
    let open = |is_kept| {
        Ledger::open(
            partition(),
            Some(TOPIC),
            Some(forgotten.clone()),
            Naming::Needed,
            is_kept,
        )
    };
    assert_eq!(open(true).draw_up_last(), None);
    assert_eq!(
        open(false).draw_up_last(),
        Some(forgotten.clone()),
        "the next member needs its base"
    );
    assert_eq!(open(false).draw_up(Writers::Nobody), Some(forgotten.clone()));
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
