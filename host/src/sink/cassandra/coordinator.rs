//! The nodes that requests go to. Each has a limit of its own on what is in flight at it ([`super::limit`]); of the
//! replicas that have room, a request goes to the one that is likely to answer first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scylla::cluster::{ClusterState, Node};
use tokio::sync::Notify;
use uuid::Uuid;

use super::limit::{Answer, InFlight, Limit};

/// How much of a node's latency is its latest answer's.
const LATEST_SHARE: f64 = 0.05;

/// A node that nobody has asked yet is taken for a fast one.
const UNKNOWN_SECONDS: f64 = 0.000_1;

/// An answer that does not come makes a node look as slow as it has been waited for; seen again after this time, a node
/// that nobody goes to any more is tried once.
const FORGET: Duration = Duration::from_secs(1);

/// One node, and what is in flight at it.
#[derive(Debug)]
pub struct Coordinator {
    pub id: Uuid,
    node: Arc<Node>,
    load: Arc<Mutex<Load>>,
}

#[derive(Debug)]
struct Load {
    in_flight: usize,
    limit: Limit,
    /// Seconds, the latest answers counting most.
    latency: f64,
    answered: Option<Instant>,
}

/// What is in flight at each node, whoever sends it.
#[derive(Debug)]
pub struct Coordinators {
    wanted: InFlight,
    loads: Mutex<HashMap<Uuid, Arc<Mutex<Load>>>>,
    has_room: Notify,
}

/// A request that may be sent to the node; given back when it is dropped.
pub struct Turn<'a> {
    pub node: Uuid,
    load: Arc<Mutex<Load>>,
    /// With this one.
    in_flight: usize,
    begun: Instant,
    answer: Answer,
    coordinators: &'a Coordinators,
}

impl Coordinators {
    pub fn new(wanted: InFlight) -> Self {
        Self {
            wanted,
            loads: Mutex::default(),
            has_room: Notify::new(),
        }
    }

    /// The cluster's nodes.
    pub fn of(&self, state: &ClusterState) -> Vec<Arc<Coordinator>> {
        let mut loads = locked(&self.loads);
        loads.retain(|id, _| state.get_node_by_host_id(*id).is_some());
        let coordinator = |node: &Arc<Node>| {
            let new = || {
                Arc::new(Mutex::new(Load {
                    in_flight: 0,
                    limit: Limit::new(self.wanted),
                    latency: UNKNOWN_SECONDS,
                    answered: None,
                }))
            };
            Arc::new(Coordinator {
                id: node.host_id,
                node: Arc::clone(node),
                load: Arc::clone(loads.entry(node.host_id).or_insert_with(new)),
            })
        };
        state.get_nodes_info().iter().map(coordinator).collect()
    }

    /// Waits until one of the replicas has room, or another node where no replica is connected. `None` where all have been
    /// tried.
    pub async fn turn(
        &self,
        replicas: &[Arc<Coordinator>],
        all: &[Arc<Coordinator>],
        tried: &[Uuid],
    ) -> Option<Turn<'_>> {
        loop {
            let has_room = self.has_room.notified();
            tokio::pin!(has_room);
            has_room.as_mut().enable();
            let is_untried = |node: &&Arc<Coordinator>| !tried.contains(&node.id);
            let is_connected = |node: &&Arc<Coordinator>| is_untried(node) && node.node.is_connected();
            let choice = fastest(replicas.iter().filter(is_connected))
                .or_else(|| fastest(all.iter().filter(is_connected)))
                .or_else(|| fastest(replicas.iter().filter(is_untried)));
            match choice? {
                Choice::Wait => has_room.await,
                // Another thread may have been faster.
                Choice::Node(node) => match self.enter(node) {
                    Some(turn) => return Some(turn),
                    None => {}
                },
            }
        }
    }

    fn enter(&self, node: &Coordinator) -> Option<Turn<'_>> {
        let mut load = locked(&node.load);
        if load.in_flight >= load.limit.get() {
            return None;
        }
        load.in_flight += 1;
        Some(Turn {
            node: node.id,
            load: Arc::clone(&node.load),
            in_flight: load.in_flight,
            begun: Instant::now(),
            answer: Answer::Other,
            coordinators: self,
        })
    }
}

enum Choice<'a> {
    Node(&'a Arc<Coordinator>),
    /// All of them have as much as they may.
    Wait,
}

/// The one that is likely to answer first: what it took lately, for each request that waits there already.
fn fastest<'a>(nodes: impl Iterator<Item = &'a Arc<Coordinator>>) -> Option<Choice<'a>> {
    let mut best = None;
    let mut least = f64::INFINITY;
    let now = Instant::now();
    for node in nodes {
        let load = locked(&node.load);
        if load.in_flight >= load.limit.get() {
            best.get_or_insert(Choice::Wait);
            continue;
        }
        let is_forgotten = load.in_flight == 0 && load.answered.is_none_or(|at| now.duration_since(at) > FORGET);
        let latency = if is_forgotten { UNKNOWN_SECONDS } else { load.latency };
        let expected = latency * (load.in_flight + 1) as f64;
        if expected < least {
            least = expected;
            best = Some(Choice::Node(node));
        }
    }
    best
}

impl Turn<'_> {
    /// The node has answered.
    pub fn end(mut self, answer: Answer) {
        self.answer = answer;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let took = now.duration_since(self.begun);
        let mut load = locked(&self.load);
        load.in_flight -= 1;
        if self.answer == Answer::Done {
            let seconds = took.as_secs_f64();
            load.latency = match load.answered {
                Some(_) => load.latency * (1.0 - LATEST_SHARE) + seconds * LATEST_SHARE,
                None => seconds,
            };
            load.answered = Some(now);
        }
        load.limit.note(self.answer, took, self.in_flight, now);
        drop(load);
        self.coordinators.has_room.notify_waiters();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
