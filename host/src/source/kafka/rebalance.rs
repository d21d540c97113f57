//! Assignments and revocations, answered on the polling thread inside librdkafka's call-back.
//!
//! A revocation is the moment of truth: the call-back waits until the pipeline has drained the partitions and said
//! what to commit, commits that, and only then lets librdkafka give them away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Flags;
use super::config::Config;
use crate::kafka::error::{Cause, ClientError};
use crate::kafka::identity::Identity;
use crate::kafka::member::{Group, Listener};
use crate::record::commit::Commit;
use crate::record::position::{CommitPoint, Partition};
use crate::record::topic_id::TopicId;
use crate::record::trail::Trail;
use crate::source::gauge::Gauge;
use crate::source::{Assignment, Event, Until};

/// How long one question for the committed offsets may take, and the pause before it is asked again.
pub const COMMITTED_TIMEOUT: Duration = Duration::from_secs(5);
const COMMITTED_PAUSE: Duration = Duration::from_millis(500);

/// What the polling thread and its call-backs share.
pub struct Context {
    events: mpsc::UnboundedSender<Event>,
    pub(super) flags: Arc<Flags>,
    /// The topic, and which topics have had its name.
    pub identity: Identity,
    pub(super) config: Config,
    until: Until,
    assigned: Mutex<HashMap<i32, Assigned>>,
    /// What was last committed for each partition, as far as this process knows: brokers forget the commits of a topic that
    /// is deleted.
    remembered: Mutex<HashMap<i32, Commit>>,
    /// How often that has changed.
    generation: AtomicU64,
    /// Partitions assigned since the polling thread last asked.
    fresh: Mutex<Vec<i32>>,
    /// Whether the group is known to have committed something of the topic.
    pub(super) has_begun: AtomicBool,
}

/// A partition of the topic that this member reads.
#[derive(Debug, Clone)]
pub struct Assigned {
    pub partition: Arc<Partition>,
    pub gauge: Arc<Gauge>,
    /// The topic that is read, where the brokers tell.
    pub topic: Option<TopicId>,
    /// Where reading goes on; `None` where nothing was committed.
    pub from: Option<CommitPoint>,
    /// The log end, where that is asked for and could be had.
    pub end: Option<i64>,
}

impl Context {
    pub fn new(
        events: mpsc::UnboundedSender<Event>,
        flags: Arc<Flags>,
        topic: &str,
        config: &Config,
        until: Until,
    ) -> Self {
        Self {
            events,
            flags,
            identity: Identity::of(topic),
            config: config.clone(),
            until,
            assigned: Mutex::default(),
            remembered: Mutex::default(),
            generation: AtomicU64::new(0),
            fresh: Mutex::default(),
            has_begun: AtomicBool::new(false),
        }
    }

    /// Another number than before where partitions came or went.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn all_assigned(&self) -> Vec<Assigned> {
        self.assigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// Partitions assigned since the last call; what was known of them before belongs to an earlier assignment.
    pub fn take_fresh(&self) -> Vec<i32> {
        std::mem::take(&mut *self.fresh.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn remember(&self, commits: &[Commit]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.extend(commits.iter().map(|commit| (commit.partition.number, commit.clone())));
    }

    /// What was committed for the partition of another topic, which had the name before.
    fn of_deleted(&self, number: i32, now: Option<TopicId>) -> Option<Commit> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let commit = remembered.get(&number)?;
        (commit.topic? != now?).then(|| commit.clone())
    }

    fn gauge(&self) -> Arc<Gauge> {
        Arc::new(Gauge::new(self.config.queue_records, self.config.queue_bytes))
    }

    /// The partition begins anew, with the topic that has the name now. `None` where it is assigned no more.
    pub fn assign_anew(&self, number: i32, topic: TopicId) -> Option<Assigned> {
        let mut assigned = self.assigned.lock().unwrap_or_else(PoisonError::into_inner);
        let one = assigned.get_mut(&number)?;
        one.gauge = self.gauge();
        one.topic = Some(topic);
        one.from = Some(CommitPoint(0));
        one.end = None;
        let one = one.clone();
        share_bytes(&assigned, self.config.queue_bytes);
        Some(one)
    }

    /// The offsets at which reading ends with [`Until::End`], by partition number. They are asked for before anything is
    /// fetched: a broker answers the questions of one connection one after another, and may take half a second for a fetch at
    /// the log's end. An end that does not come is asked for again when it is needed.
    fn ends(&self, group: &Group<'_, Self>, partitions: &[Arc<Partition>]) -> HashMap<i32, i64> {
        if self.until == Until::Stopped || partitions.is_empty() {
            return HashMap::new();
        }
        let answer = group.log_ends(partitions, COMMITTED_TIMEOUT);
        answer
            .inspect_err(|error| tracing::debug!(%error, "cannot read the log ends yet"))
            .map(|ends| {
                ends.into_iter()
                    .map(|(partition, end)| (partition.number, end.0))
                    .collect()
            })
            .unwrap_or_default()
    }

    /// Asks until there is an answer: the coordinator may be moving, or all brokers be away.
    pub(super) fn until_answered<T>(&self, ask: impl Fn() -> Result<T, Cause>) -> Result<T, Cause> {
        let mut is_waiting = false;
        loop {
            let error = match ask() {
                Ok(answer) => {
                    if is_waiting {
                        self.send(Event::Recovered);
                    }
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if error.is_refusal() || self.flags.is_closing.load(Ordering::Relaxed) {
                return Err(error);
            }
            is_waiting = true;
            self.send(Event::Waiting(ClientError::Committed(error).into()));
            std::thread::sleep(COMMITTED_PAUSE);
        }
    }

    pub(super) fn send(&self, event: Event) {
        // The pipeline has gone: the thread ends soon.
        let _ = self.events.send(event);
    }
}

/// What is committed, for the topic that has the name now: of another one, only what its rows were written with counts.
fn of_topic(commit: Commit, now: Option<TopicId>) -> Commit {
    let (Some(was), Some(now)) = (commit.topic, now) else {
        return commit;
    };
    if was == now {
        return commit;
    }
    tracing::error!(partition = %commit.partition, %was, %now, committed = commit.point.0,
        "the topic was deleted and another one made under its name; what the deleted one had from the committed offset on is \
         gone, unless it was written already; the new one is read from its beginning");
    Commit {
        point: CommitPoint(0),
        topic: Some(now),
        // A fence says since which offset, and those are of the deleted topic.
        trail: Trail {
            fence: None,
            ..commit.trail
        },
        ..commit
    }
}

/// Gives every partition that is assigned an equal part of the bytes that may be in flight, those that stay too: what is
/// assigned anew must not come on top, and what has gone leaves its part to the others.
fn share_bytes(assigned: &HashMap<i32, Assigned>, bytes: usize) {
    let share = bytes / assigned.len().max(1);
    for one in assigned.values() {
        one.gauge.set_max_bytes(share);
    }
}

/// Polls the answer, since this thread is not the runtime's and must keep its bound.
fn wait(mut answered: oneshot::Receiver<Vec<Commit>>, bound: Duration) -> Vec<Commit> {
    let end = std::time::Instant::now() + bound;
    loop {
        match answered.try_recv() {
            Ok(commits) => return commits,
            Err(oneshot::error::TryRecvError::Empty) if std::time::Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(_) => return Vec::new(),
        }
    }
}

impl Listener for Context {
    /// Tells the pipeline what is assigned. The position and the base of the write timestamps come from one answer of the
    /// brokers, so that they belong together.
    fn assigned(&self, group: &Group<'_, Self>, partitions: Vec<Arc<Partition>>) -> Vec<(i32, Option<CommitPoint>)> {
        let id = group.topic_id(&self.identity, &self.flags.is_closing);
        let committed = match self.starts(group, partitions.clone(), id) {
            Ok(committed) => committed,
            Err(error) => {
                // Without the base of the write timestamps, rows could be written as older than they are.
                self.failed(ClientError::Committed(error));
                return Vec::new();
            }
        };
        let ends = self.ends(group, &partitions);
        let mut assignments = Vec::new();
        let mut starts = Vec::new();
        let mut assigned = self.assigned.lock().unwrap_or_else(PoisonError::into_inner);
        for (partition, committed) in committed {
            // What cannot be told is what was committed: then it is seen when it can be told again.
            let topic = id.or(committed.as_ref().and_then(|commit| commit.topic));
            let committed = committed.or_else(|| self.of_deleted(partition.number, topic));
            let committed = committed.map(|commit| of_topic(commit, topic));
            self.remember(committed.as_slice());
            let from = committed.as_ref().map(|commit| commit.point);
            starts.push((partition.number, from));
            let assigned_one = Assigned {
                partition: Arc::clone(&partition),
                gauge: self.gauge(),
                topic,
                from,
                end: ends.get(&partition.number).copied(),
            };
            self.fresh
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(partition.number);
            assignments.push(Assignment {
                partition: Arc::clone(&partition),
                committed,
                topic,
                gauge: Arc::clone(&assigned_one.gauge),
            });
            assigned.insert(partition.number, assigned_one);
        }
        share_bytes(&assigned, self.config.queue_bytes);
        drop(assigned);
        self.generation.fetch_add(1, Ordering::Release);
        self.send(Event::Assigned(assignments));
        starts
    }

    fn revoked(&self, group: &Group<'_, Self>, numbers: Vec<i32>) {
        let partitions: Vec<_> = {
            let mut assigned = self.assigned.lock().unwrap_or_else(PoisonError::into_inner);
            let gone = numbers.iter().filter_map(|number| assigned.remove(number));
            let partitions = gone.map(|gone| gone.partition).collect();
            share_bytes(&assigned, self.config.queue_bytes);
            partitions
        };
        self.generation.fetch_add(1, Ordering::Release);
        if partitions.is_empty() || self.flags.is_closing.load(Ordering::Relaxed) {
            return;
        }
        if group.is_lost() {
            self.send(Event::Lost { partitions });
            return;
        }
        let (answer, answered) = oneshot::channel();
        self.send(Event::Revoked { partitions, answer });
        // The pipeline keeps the bound; the margin is for its last steps.
        let commits = wait(answered, self.config.drain_timeout + Duration::from_secs(5));
        if let Err(error) = group.commit(&commits) {
            tracing::warn!(%error, "cannot commit before the revocation, the next member reads some records again");
        }
    }

    fn committed(&self, commits: &[Commit]) {
        self.remember(commits);
    }

    fn failed(&self, error: ClientError) {
        self.send(Event::Failed(error.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = 32 << 20;

    fn assigned(number: i32) -> Assigned {
        let partition = Partition {
            topic: "orders".into(),
            number,
        };
        Assigned {
            partition: Arc::new(partition),
            gauge: Arc::new(Gauge::new(usize::MAX, BYTES)),
            topic: None,
            from: None,
            end: None,
        }
    }

    /// Whether so many bytes in flight are the gauge's bound, to the byte.
    fn is_bound(gauge: &Gauge, bytes: usize) -> bool {
        gauge.add(0, bytes - 1);
        let is_full_before = gauge.is_full();
        gauge.add(0, 1);
        let is_full = gauge.is_full();
        gauge.subtract(0, bytes);
        is_full && !is_full_before
    }

    #[test]
    fn partitions_that_come_and_go_share_one_bound_with_those_that_stay() {
        let mut all: HashMap<i32, Assigned> = HashMap::new();
        for count in [3, 4, 6, 12, 50, 1] {
            all.retain(|number, _| *number < count);
            for number in 0..count {
                all.entry(number).or_insert_with(|| assigned(number));
            }
            share_bytes(&all, BYTES);
            let share = BYTES / all.len();
            assert!(
                all.values().all(|one| is_bound(&one.gauge, share)),
                "{count} partitions"
            );
        }
    }

    #[test]
    fn where_all_have_gone_there_is_nothing_to_share() {
        share_bytes(&HashMap::new(), BYTES);
    }
}
