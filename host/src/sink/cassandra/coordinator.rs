//! The nodes that requests go to. Each has a limit of its own on what is in flight at it ([`super::limit`]); of the
//! replicas that have room, a request goes to the one that is likely to answer first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::select_all;
use scylla::cluster::{ClusterState, Node};
use tokio::sync::Notify;
use uuid::Uuid;

use super::limit::{Answer, InFlight, Limit};

/// How much of a node's latency is its latest answer's.
const LATEST_SHARE: f64 = 0.05;

/// A node that nobody has asked yet is taken for a fast one.
const UNKNOWN_SECONDS: f64 = 0.000_1;

/// A node that fails is taken for one as slow as this, however fast it says so: it must not draw what others could write.
const FAILED_SECONDS: f64 = 1.0;

/// A node that has not been asked for so long is tried with one request, so that its recovery is seen.
const FORGET: Duration = Duration::from_secs(1);

/// One node, and what is in flight at it.
#[derive(Debug)]
pub struct Coordinator {
    pub id: Uuid,
    node: Arc<Node>,
    gate: Arc<Gate>,
}

/// Where requests to one node wait.
#[derive(Debug)]
struct Gate {
    load: Mutex<Load>,
    /// Wakes one that waits, not all of them: with many batches under way that would cost more than the requests.
    room: Notify,
}

#[derive(Debug)]
struct Load {
    in_flight: usize,
    limit: Limit,
    /// Seconds, the latest answers counting most.
    latency: f64,
    /// When the latest request ended; `None` where there was none.
    ended: Option<Instant>,
}

/// What is in flight at each node, whoever sends it.
#[derive(Debug)]
pub struct Coordinators {
    wanted: InFlight,
    gates: Mutex<HashMap<Uuid, Arc<Gate>>>,
}

/// A request that may be sent to the node; given back when it is dropped.
pub struct Permit {
    pub node: Uuid,
    gate: Arc<Gate>,
    /// With this one.
    in_flight: usize,
    begun: Instant,
    answer: Answer,
}

impl Load {
    fn new(wanted: InFlight) -> Self {
        Self {
            in_flight: 0,
            limit: Limit::new(wanted),
            latency: UNKNOWN_SECONDS,
            ended: None,
        }
    }

    fn has_room(&self) -> bool {
        self.in_flight < self.limit.get()
    }

    /// Seconds in which one more request is likely to be answered: what it took lately, for each that is there already.
    fn expected(&self, now: Instant) -> f64 {
        let is_forgotten = self.in_flight == 0 && self.ended.is_none_or(|at| now.duration_since(at) > FORGET);
        let latency = if is_forgotten { UNKNOWN_SECONDS } else { self.latency };
        latency * (self.in_flight + 1) as f64
    }

    fn note(&mut self, answer: Answer, took: Duration, now: Instant) {
        let seconds = took.as_secs_f64();
        self.latency = match answer {
            // Given up by whoever sent it.
            Answer::None => return,
            Answer::Done if self.ended.is_none() => seconds,
            Answer::Done => self.latency * (1.0 - LATEST_SHARE) + seconds * LATEST_SHARE,
            Answer::Overloaded | Answer::Failed => self.latency.max(seconds).max(FAILED_SECONDS),
        };
        self.ended = Some(now);
    }
}

impl Coordinators {
    pub fn new(wanted: InFlight) -> Self {
        Self {
            wanted,
            gates: Mutex::default(),
        }
    }

    /// The cluster's nodes.
    pub fn of(&self, state: &ClusterState) -> Vec<Arc<Coordinator>> {
        let mut gates = locked(&self.gates);
        gates.retain(|id, _| state.get_node_by_host_id(*id).is_some());
        let coordinator = |node: &Arc<Node>| {
            let new = || Arc::new(Gate::new(self.wanted));
            Arc::new(Coordinator {
                id: node.host_id,
                node: Arc::clone(node),
                gate: Arc::clone(gates.entry(node.host_id).or_insert_with(new)),
            })
        };
        state.get_nodes_info().iter().map(coordinator).collect()
    }
}

/// Waits until one of the replicas has room, or another node where no replica is connected. `None` where all have been
/// tried.
pub async fn permit(replicas: &[Arc<Coordinator>], all: &[Arc<Coordinator>], tried: &[Uuid]) -> Option<Permit> {
    loop {
        let nodes = match choose(replicas, all, tried)? {
            Choice::Room(permit) => return Some(permit),
            Choice::Wait(nodes) => nodes,
        };
        let rooms = nodes.iter().map(|node| Box::pin(node.gate.room.notified()));
        let mut rooms: Vec<_> = rooms.collect();
        for room in &mut rooms {
            room.as_mut().enable();
        }
        // Once more, since room may have come before this one waited for it.
        if let Choice::Room(permit) = choose(replicas, all, tried)? {
            // There may be more of it, or at another node that has woken this one, too.
            nodes.iter().for_each(|node| node.gate.wake());
            return Some(permit);
        }
        select_all(rooms).await;
    }
}

enum Choice<'a> {
    Room(Permit),
    /// All of these have as much as they may.
    Wait(Vec<&'a Coordinator>),
}

fn choose<'a>(replicas: &'a [Arc<Coordinator>], all: &'a [Arc<Coordinator>], tried: &[Uuid]) -> Option<Choice<'a>> {
    let is_untried = |node: &&'a Coordinator| !tried.contains(&node.id);
    let is_connected = |node: &&'a Coordinator| is_untried(node) && node.node.is_connected();
    let nodes = |nodes: &'a [Arc<Coordinator>]| nodes.iter().map(Arc::as_ref);
    fastest(nodes(replicas).filter(is_connected))
        .or_else(|| fastest(nodes(all).filter(is_connected)))
        .or_else(|| fastest(nodes(replicas).filter(is_untried)))
}

/// A permit for the node that is likely to answer first. `None` without any node.
fn fastest<'a>(nodes: impl Iterator<Item = &'a Coordinator> + Clone) -> Option<Choice<'a>> {
    let now = Instant::now();
    let expected = nodes.clone().filter_map(|node| Some((node, node.gate.expected(now)?)));
    let best = expected.min_by(|(_, one), (_, other)| one.total_cmp(other));
    // Another thread may be faster.
    if let Some(permit) = best.and_then(|(node, _)| node.enter()) {
        return Some(Choice::Room(permit));
    }
    let nodes: Vec<_> = nodes.collect();
    (!nodes.is_empty()).then_some(Choice::Wait(nodes))
}

impl Coordinator {
    /// Requests that it takes at one time.
    pub fn limit(&self) -> usize {
        locked(&self.gate.load).limit.get()
    }

    fn enter(&self) -> Option<Permit> {
        let mut load = locked(&self.gate.load);
        if !load.has_room() {
            return None;
        }
        load.in_flight += 1;
        Some(Permit {
            node: self.id,
            gate: Arc::clone(&self.gate),
            in_flight: load.in_flight,
            begun: Instant::now(),
            answer: Answer::None,
        })
    }
}

impl Gate {
    fn new(wanted: InFlight) -> Self {
        Self {
            load: Mutex::new(Load::new(wanted)),
            room: Notify::new(),
        }
    }

    /// Seconds in which one more request is likely to be answered; `None` where there is no room.
    fn expected(&self, now: Instant) -> Option<f64> {
        let load = locked(&self.load);
        load.has_room().then(|| load.expected(now))
    }

    /// Tells one that waits, where there is room.
    fn wake(&self) {
        if locked(&self.load).has_room() {
            self.room.notify_one();
        }
    }
}

impl Permit {
    /// The node has answered.
    pub fn end(mut self, answer: Answer) {
        self.answer = answer;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = Instant::now();
        let took = now.duration_since(self.begun);
        let mut load = locked(&self.gate.load);
        load.in_flight -= 1;
        load.note(self.answer, took, now);
        load.limit.note(self.answer, took, self.in_flight, now);
        drop(load);
        self.gate.wake();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(answers: &[(Answer, u64)], now: Instant) -> Load {
        let mut load = Load::new(InFlight::Found);
        for (answer, millis) in answers {
            load.note(*answer, Duration::from_millis(*millis), now);
        }
        load
    }

    #[test]
    fn a_node_that_fails_at_once_is_not_taken_for_a_fast_one() {
        let now = Instant::now();
        let slow = load(&[(Answer::Done, 20), (Answer::Done, 20)], now);
        let failing = load(&[(Answer::Done, 1), (Answer::Failed, 0)], now);
        let broken = load(&[(Answer::Failed, 0)], now);
        assert!(slow.expected(now) < failing.expected(now) && slow.expected(now) < broken.expected(now));
    }

    #[test]
    fn what_is_there_already_counts_and_what_was_given_up_does_not() {
        let now = Instant::now();
        let mut busy = load(&[(Answer::Done, 2), (Answer::None, 9000)], now);
        assert!((busy.expected(now) - 0.002).abs() < 1e-9);
        busy.in_flight = 9;
        assert!((busy.expected(now) - 0.02).abs() < 1e-9);
    }

    #[test]
    fn a_node_that_was_not_asked_for_a_while_is_tried_with_one_request() {
        let now = Instant::now();
        let mut failed = load(&[(Answer::Failed, 0)], now);
        let later = now + FORGET + Duration::from_millis(1);
        let fast = load(&[(Answer::Done, 1)], later);
        assert!(failed.expected(later) < fast.expected(later));
        failed.in_flight = 1;
        assert!(failed.expected(later) > fast.expected(later));
    }
}
