//! Which node is asked, and who is told when there is room at one.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::*;

fn load(answers: &[(RequestOutcome, u64)], now: Instant) -> Load {
    let mut load = Load::new(InFlight::Found);
    for (answer, millis) in answers {
        load.note(*answer, Duration::from_millis(*millis), now);
    }
    load
}

#[test]
fn a_node_that_fails_at_once_is_not_taken_for_a_fast_one() {
    let now = Instant::now();
    let slow = load(&[(RequestOutcome::Done, 20), (RequestOutcome::Done, 20)], now);
    let failing = load(&[(RequestOutcome::Done, 1), (RequestOutcome::Failed, 0)], now);
    let broken = load(&[(RequestOutcome::Failed, 0)], now);
    assert!(slow.expected(now) < failing.expected(now) && slow.expected(now) < broken.expected(now));
}

#[test]
fn what_is_there_already_counts_and_what_was_given_up_does_not() {
    let now = Instant::now();
    let mut busy = load(&[(RequestOutcome::Done, 2), (RequestOutcome::None, 9000)], now);
    assert!((busy.expected(now) - 0.002).abs() < 1e-9);
    busy.in_flight = 9;
    assert!((busy.expected(now) - 0.02).abs() < 1e-9);
}

#[test]
fn a_node_that_was_not_asked_for_a_while_is_tried_with_one_request() {
    let now = Instant::now();
    let mut failed = load(&[(RequestOutcome::Failed, 0)], now);
    let later = now + FORGET + Duration::from_millis(1);
    let fast = load(&[(RequestOutcome::Done, 1)], later);
    assert!(failed.expected(later) < fast.expected(later));
    failed.in_flight = 1;
    assert!(failed.expected(later) > fast.expected(later));
}

/// Counts how often a waiting request is woken.
#[derive(Default)]
struct Calls(AtomicUsize);

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// One that waits for a permit of any of its nodes, and is polled by hand.
struct Waiter<'a> {
    future: Pin<Box<dyn Future<Output = Result<Permit, NoPermit>> + 'a>>,
    calls: Arc<Calls>,
}

impl<'a> Waiter<'a> {
    /// Waits from now on.
    fn of(gates: &'a [&'a Arc<Gate>]) -> Self {
        let mut waiter = Self::new(gates);
        assert!(waiter.poll().is_none(), "there is room");
        waiter
    }

    fn new(gates: &'a [&'a Arc<Gate>]) -> Self {
        Self {
            future: Box::pin(admitted(move || fastest(gates.iter().copied()).expect("a node"))),
            calls: Arc::default(),
        }
    }

    fn is_woken(&self) -> bool {
        self.calls.0.load(Ordering::Relaxed) > 0
    }

    fn poll(&mut self) -> Option<Permit> {
        self.answer().map(|answer| answer.expect("a permit"))
    }

    fn answer(&mut self) -> Option<Result<Permit, NoPermit>> {
        self.calls.0.store(0, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.calls));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }
}

/// A node that takes so many requests at one time.
fn gate(requests: usize) -> Arc<Gate> {
    Arc::new(Gate::new(Uuid::nil(), InFlight::Fixed(requests)))
}

/// As many as it gives.
fn all_permits(gate: &Arc<Gate>) -> Vec<Permit> {
    std::iter::from_fn(|| gate.enter()).collect()
}

fn woken(waiters: &[Waiter<'_>]) -> usize {
    waiters.iter().filter(|waiter| waiter.is_woken()).count()
}

#[test]
fn room_at_a_node_wakes_one_that_waits_and_no_other() {
    let gate = gate(2);
    let gates = [&gate];
    let mut held = vec![gate.enter().unwrap(), gate.enter().unwrap()];
    let mut waiters: Vec<_> = (0..5).map(|_| Waiter::of(&gates)).collect();
    for left in (0..5).rev() {
        drop(held.remove(0));
        assert_eq!(woken(&waiters), 1);
        let at = waiters.iter().position(Waiter::is_woken).unwrap();
        assert_eq!(at, 0, "who waits longest is first");
        held.push(waiters.remove(at).poll().expect("there is room for it"));
        assert_eq!((woken(&waiters), waiters.len()), (0, left), "and not for another one");
    }
}

#[test]
fn a_waiter_that_is_dropped_leaves_its_room_to_the_next() {
    let gate = gate(1);
    let gates = [&gate];
    let held = gate.enter();
    let mut waiters: Vec<_> = (0..3).map(|_| Waiter::of(&gates)).collect();
    // Not woken yet: nothing of it is left.
    drop(waiters.remove(0));
    drop(held);
    assert!(waiters[0].is_woken());
    // Woken, and dropped before it has taken its permit.
    drop(waiters.remove(0));
    assert!(waiters[0].is_woken(), "the room would have been lost");
    assert!(waiters[0].poll().is_some());
}

#[test]
fn one_that_finds_its_room_taken_waits_on() {
    let gate = gate(1);
    let gates = [&gate];
    let held = gate.enter();
    let mut waiter = Waiter::of(&gates);
    drop(held);
    let faster = gate.enter();
    assert!(waiter.is_woken() && waiter.poll().is_none());
    drop(faster);
    assert!(waiter.is_woken() && waiter.poll().is_some());
}

/// It was told of room at both and takes that of the faster one: those that wait for the other one only would wait for
/// ever.
#[test]
fn room_that_a_woken_waiter_does_not_take_is_anothers() {
    for is_first_faster in [true, false] {
        let (one, other) = (gate(1), gate(1));
        let slow = if is_first_faster { &other } else { &one };
        let held = [one.enter(), other.enter()];
        let (both, only_slow) = ([&one, &other], [slow]);
        let (mut first, mut second) = (Waiter::of(&both), Waiter::of(&only_slow));
        drop(held);
        {
            let mut load = slow.load.lock();
            (load.latency, load.ended) = (1.0, Some(Instant::now()));
        }
        let taken = first.poll().expect("there is room at both");
        assert!(!Arc::ptr_eq(&taken.gate, slow), "that of the slow one");
        assert!(second.is_woken(), "there is room, but the second is not woken");
        assert!(second.poll().is_some());
    }
}

#[test]
fn room_for_several_is_told_to_several() {
    let gate = gate(3);
    let gates = [&gate];
    let held = [gate.enter(), gate.enter(), gate.enter()];
    let mut waiters: Vec<_> = (0..4).map(|_| Waiter::of(&gates)).collect();
    drop(held);
    let mut permits = Vec::new();
    while let Some(at) = waiters.iter().position(Waiter::is_woken) {
        permits.extend(waiters.remove(at).poll());
    }
    assert_eq!((permits.len(), waiters.len()), (3, 1));
}

/// One request ends, and as the limit grows by that there is room for several.
#[test]
fn a_limit_that_grows_is_used_by_as_many_as_it_grows_by() {
    let gate = Arc::new(Gate::new(Uuid::nil(), InFlight::Found));
    let gates = [&gate];
    let limit = || gate.load.lock().limit.get();
    let first = limit();
    let mut held: Vec<_> = (0..first).map(|_| gate.enter().unwrap()).collect();
    let mut waiters: Vec<_> = (0..first).map(|_| Waiter::of(&gates)).collect();
    while limit() <= first {
        held.remove(0).end(RequestOutcome::Done);
        let more = limit().saturating_sub(first);
        assert_eq!(woken(&waiters), 1 + more);
        while let Some(at) = waiters.iter().position(Waiter::is_woken) {
            held.push(waiters.remove(at).poll().expect("there is room for it"));
        }
        waiters.push(Waiter::of(&gates));
        assert_eq!(held.len(), limit());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Lets the while be over in which a silent node gets nothing.
fn later(gate: &Gate) {
    let ended = &mut gate.load.lock().ended;
    *ended = ended.map(|at| at.checked_sub(FORGET * 2).expect("the clock is older"));
}

#[test]
fn a_node_that_answers_nothing_gets_nothing_for_a_while_and_nobody_waits_for_it() {
    let gate = gate(3);
    let gates = [&gate];
    let mut held: Vec<_> = (0..3).map(|_| gate.enter().unwrap()).collect();
    let mut waiters: Vec<_> = (0..4).map(|_| Waiter::of(&gates)).collect();
    held.remove(0).end(RequestOutcome::Silent);
    assert_eq!(woken(&waiters), 4, "all of them see it");
    for mut waiter in waiters.drain(..) {
        assert!(matches!(waiter.answer(), Some(Err(NoPermit::Silent(_)))));
    }
    for late in held {
        late.end(RequestOutcome::Silent);
    }
    assert!(matches!(Waiter::new(&gates).answer(), Some(Err(NoPermit::Silent(_)))));
}

#[test]
fn a_silent_node_is_asked_one_thing_at_a_time_until_it_answers() {
    let gate = gate(3);
    let gates = [&gate];
    gate.enter().unwrap().end(RequestOutcome::Silent);
    for end in [RequestOutcome::Silent, RequestOutcome::None, RequestOutcome::Failed] {
        later(&gate);
        let only = gate.enter().expect("one at a time");
        let mut waiter = Waiter::of(&gates);
        only.end(end);
        let answer = waiter.answer();
        match end {
            RequestOutcome::Silent => assert!(matches!(answer, Some(Err(NoPermit::Silent(_))))),
            _ => assert!(matches!(answer, Some(Ok(_))), "{end:?}"),
        }
    }
    assert_eq!(all_permits(&gate).len(), 3, "it has answered");
}

#[test]
fn a_node_that_answers_others_meanwhile_is_not_silent() {
    let gate = gate(3);
    let late = gate.enter().unwrap();
    let other = gate.enter().unwrap();
    std::thread::sleep(Duration::from_millis(2));
    other.end(RequestOutcome::Done);
    std::thread::sleep(Duration::from_millis(2));
    late.end(RequestOutcome::Silent);
    assert_eq!(all_permits(&gate).len(), 3);
}

#[test]
fn where_one_of_two_is_silent_the_other_ones_room_is_waited_for() {
    let (silent, busy) = (gate(2), gate(1));
    let both = [&silent, &busy];
    let held = busy.enter();
    let silence = [silent.enter().unwrap(), silent.enter().unwrap()];
    let mut waiter = Waiter::of(&both);
    for request in silence {
        request.end(RequestOutcome::Silent);
        assert!(waiter.poll().is_none(), "the other one answers");
    }
    drop(held);
    let permit = waiter.poll().expect("there is room");
    assert!(Arc::ptr_eq(&permit.gate, &busy));
}
