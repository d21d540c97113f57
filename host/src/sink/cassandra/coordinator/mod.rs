//! The nodes that requests go to. Each has a limit of its own on what is in flight at it ([`super::limit`]); of the
//! replicas that have room, a request goes to the one that is likely to answer first.
//!
//! A node that has not answered anything for as long as a request may take is silent: for a while it gets nothing, and
//! what would wait for it fails at once; then one request at a time, until it answers one. Else each of thousands of
//! rows would wait its whole time for nothing before anybody is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::select_all;
use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

use super::limit::{InFlight, Limit, RequestOutcome};
use crate::cassandra::cluster::{ClusterView, Node};
use crate::cassandra::ring;
use crate::cassandra::table::Table;

/// How much of a node's latency is its latest answer's.
const LATEST_SHARE: f64 = 0.05;

/// A node that was not asked yet is taken for a fast one.
const UNKNOWN_SECONDS: f64 = 0.000_1;

/// A node that fails is taken for one as slow as this, however fast it says so: it must not draw what others could
/// write.
const FAILED_SECONDS: f64 = 1.0;

/// A node that has not been asked for so long is tried with one request, so that its recovery is seen; one that is
/// silent gets nothing for so long.
const FORGET: Duration = Duration::from_secs(1);

/// One node, and what is in flight at it.
#[derive(Debug)]
pub struct Coordinator {
    pub id: Uuid,
    node: Node,
    gate: Arc<Gate>,
}

/// Which nodes have the rows of a token of one table.
pub type Ring = ring::Ring<Arc<Coordinator>>;

/// Where requests to one node wait.
#[derive(Debug)]
struct Gate {
    node: Uuid,
    load: Mutex<Load>,
    /// Wakes one that waits, not all of them: with many batches under way that would cost more than the requests. All,
    /// where there is nothing to wait for any more.
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
    /// When a request last came back, with whatever answer.
    heard: Option<Instant>,
    /// Since when it answers nothing, where it is silent.
    silent_since: Option<Instant>,
}

/// The requests in flight at each node, from all writers.
#[derive(Debug)]
pub struct Coordinators {
    wanted: InFlight,
    gates: Mutex<HashMap<Uuid, Arc<Gate>>>,
}

/// A request that may be sent to the node; given back when it is dropped.
pub struct Permit {
    pub node: Uuid,
    gate: Arc<Gate>,
    /// The requests in flight, including this one.
    in_flight: usize,
    begun: Instant,
    answer: RequestOutcome,
}

/// Why there is no permit to wait for.
#[derive(Debug)]
pub enum NoPermit {
    AllTried,
    /// No node that could take it has answered anything since then.
    Silent(Instant),
}

impl Load {
    fn new(wanted: InFlight) -> Self {
        Self {
            in_flight: 0,
            limit: Limit::new(wanted),
            latency: UNKNOWN_SECONDS,
            ended: None,
            heard: None,
            silent_since: None,
        }
    }

    /// Requests at one time.
    fn capacity(&self, now: Instant) -> usize {
        match self.silent_since {
            Some(_) => usize::from(self.given_up(now).is_none()),
            None => self.limit.get(),
        }
    }

    fn has_room(&self, now: Instant) -> bool {
        self.in_flight < self.capacity(now)
    }

    /// Since when the node is silent, if no request waits for it.
    fn given_up(&self, now: Instant) -> Option<Instant> {
        self.silent_since
            .filter(|_| self.ended.is_some_and(|at| now.duration_since(at) <= FORGET))
    }

    /// Seconds in which one more request is likely to be answered: what it took lately, for each that is there already.
    fn expected(&self, now: Instant) -> f64 {
        let is_forgotten = self.in_flight == 0 && self.ended.is_none_or(|at| now.duration_since(at) > FORGET);
        let latency = if is_forgotten { UNKNOWN_SECONDS } else { self.latency };
        latency * (self.in_flight + 1) as f64
    }

    fn note(&mut self, answer: RequestOutcome, took: Duration, now: Instant) {
        let seconds = took.as_secs_f64();
        self.latency = match answer {
            // The sender gave it up.
            RequestOutcome::None => return,
            RequestOutcome::Done if self.ended.is_none() || self.silent_since.is_some() => seconds,
            RequestOutcome::Done => self.latency * (1.0 - LATEST_SHARE) + seconds * LATEST_SHARE,
            RequestOutcome::Overloaded | RequestOutcome::Silent | RequestOutcome::Failed => {
                self.latency.max(seconds).max(FAILED_SECONDS)
            }
        };
        self.ended = Some(now);
        if answer != RequestOutcome::Silent {
            (self.heard, self.silent_since) = (Some(now), None);
        } else if self.heard.is_none_or(|at| now.duration_since(at) >= took) {
            // None of the others came back either while this one waited.
            self.silent_since.get_or_insert(now.checked_sub(took).unwrap_or(now));
        }
    }
}

impl Coordinators {
    /// Knows no node yet. Each node gets its own limit, all of them as `wanted` says.
    pub fn new(wanted: InFlight) -> Self {
        Self {
            wanted,
            gates: Mutex::default(),
        }
    }

    /// The ring of a table's rows.
    pub fn ring(&self, state: ClusterView, table: &Table) -> Ring {
        let all = self.of(&state);
        Ring::of(state, table, all, |node| node.id)
    }

    /// The cluster's nodes.
    fn of(&self, state: &ClusterView) -> Vec<Arc<Coordinator>> {
        let mut gates = self.gates.lock();
        gates.retain(|id, _| state.has_node(*id));
        let coordinator = |node: Node| {
            let id = node.id();
            let new = || Arc::new(Gate::new(id, self.wanted));
            Arc::new(Coordinator {
                id,
                node,
                gate: Arc::clone(gates.entry(id).or_insert_with(new)),
            })
        };
        state.nodes().map(coordinator).collect()
    }
}

/// Requests that all nodes take at one time, as it is found at the moment.
pub fn limit(nodes: &[Arc<Coordinator>]) -> usize {
    nodes.iter().map(|node| node.limit()).sum()
}

/// Waits until one of the replicas has room, or another node where no replica is connected.
pub async fn permit(
    replicas: &[Arc<Coordinator>],
    all: &[Arc<Coordinator>],
    tried: &[Uuid],
) -> Result<Permit, NoPermit> {
    admitted(|| choose(replicas, all, tried)).await
}

/// Chooses again whenever there may be room.
async fn admitted<'a>(choose: impl Fn() -> Choice<'a>) -> Result<Permit, NoPermit> {
    let mut woken_by: Option<&Arc<Gate>> = None;
    loop {
        let choice = choose();
        // Room that it was told of and does not take is another one's.
        if let Some(gate) = woken_by.filter(|gate| !choice.is_permit_of(gate)) {
            gate.wake();
        }
        let gates = match choice {
            Choice::Made(made) => return made,
            Choice::Wait(gates) => gates,
        };
        let rooms = gates.iter().map(|gate| Box::pin(gate.room.notified()));
        let mut rooms: Vec<_> = rooms.collect();
        for room in &mut rooms {
            room.as_mut().enable();
        }
        // Once more, since room may have come before this one waited for it.
        if let Choice::Made(made) = choose() {
            // These may have woken this one meanwhile.
            for gate in gates {
                gate.wake();
            }
            return made;
        }
        // Of the others, those that have woken it, too, wake the next instead.
        let ((), first, _) = select_all(rooms).await;
        woken_by = Some(gates[first]);
    }
}

enum Choice<'a> {
    Made(Result<Permit, NoPermit>),
    /// All of these have as much as they may.
    Wait(Vec<&'a Arc<Gate>>),
}

impl Choice<'_> {
    fn is_permit_of(&self, gate: &Arc<Gate>) -> bool {
        matches!(self, Self::Made(Ok(permit)) if Arc::ptr_eq(&permit.gate, gate))
    }
}

fn choose<'a>(replicas: &'a [Arc<Coordinator>], all: &'a [Arc<Coordinator>], tried: &[Uuid]) -> Choice<'a> {
    let is_untried = |node: &&'a Arc<Coordinator>| !tried.contains(&node.id);
    let is_connected = |node: &&'a Arc<Coordinator>| is_untried(node) && node.node.is_connected();
    let gate = |node: &'a Arc<Coordinator>| &node.gate;
    fastest(replicas.iter().filter(is_connected).map(gate))
        .or_else(|| fastest(all.iter().filter(is_connected).map(gate)))
        .or_else(|| fastest(replicas.iter().filter(is_untried).map(gate)))
        .unwrap_or(Choice::Made(Err(NoPermit::AllTried)))
}

/// A permit for the node that is likely to answer first. `None` without any node.
fn fastest<'a>(gates: impl Iterator<Item = &'a Arc<Gate>> + Clone) -> Option<Choice<'a>> {
    let now = Instant::now();
    let expected = gates.clone().filter_map(|gate| Some((gate, gate.expected(now)?)));
    let best = expected.min_by(|(_, one), (_, other)| one.total_cmp(other));
    // Another thread may be faster.
    if let Some(permit) = best.and_then(|(gate, _)| gate.enter()) {
        return Some(Choice::Made(Ok(permit)));
    }
    let gates: Vec<_> = gates.collect();
    // `None` sorts first: it is the least if any node is not given up, and then there is one to wait for.
    Some(match gates.iter().map(|gate| gate.given_up(now)).min()? {
        Some(since) => Choice::Made(Err(NoPermit::Silent(since))),
        None => Choice::Wait(gates),
    })
}

impl Coordinator {
    /// Requests that it takes at one time, while it answers.
    fn limit(&self) -> usize {
        self.gate.load.lock().limit.get()
    }
}

impl Gate {
    fn new(node: Uuid, wanted: InFlight) -> Self {
        Self {
            node,
            load: Mutex::new(Load::new(wanted)),
            room: Notify::new(),
        }
    }

    fn enter(self: &Arc<Self>) -> Option<Permit> {
        let now = Instant::now();
        let mut load = self.load.lock();
        if !load.has_room(now) {
            return None;
        }
        load.in_flight += 1;
        Some(Permit {
            node: self.node,
            gate: Arc::clone(self),
            in_flight: load.in_flight,
            begun: now,
            answer: RequestOutcome::None,
        })
    }

    /// Seconds in which one more request is likely to be answered; `None` where there is no room.
    fn expected(&self, now: Instant) -> Option<f64> {
        let load = self.load.lock();
        load.has_room(now).then(|| load.expected(now))
    }

    fn given_up(&self, now: Instant) -> Option<Instant> {
        self.load.lock().given_up(now)
    }

    /// Tells one that waits, where there is room.
    fn wake(&self) {
        if self.load.lock().has_room(Instant::now()) {
            self.room.notify_one();
        }
    }
}

impl Permit {
    /// The request has ended.
    pub fn end(mut self, answer: RequestOutcome) {
        self.answer = answer;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = Instant::now();
        let took = now.duration_since(self.begun);
        let mut load = self.gate.load.lock();
        let (before, was_given_up) = (load.capacity(now), load.given_up(now).is_some());
        load.in_flight -= 1;
        load.note(self.answer, took, now);
        load.limit.note(self.answer, took, self.in_flight, now);
        let more = load.capacity(now).saturating_sub(before);
        let is_given_up = load.given_up(now).is_some();
        drop(load);
        if is_given_up && !was_given_up {
            self.gate.room.notify_waiters();
        }
        // Room for one, and for as many as the limit has grown by.
        (0..=more).for_each(|_| self.gate.wake());
    }
}

#[cfg(test)]
mod tests;
