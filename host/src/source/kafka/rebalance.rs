//! Assignments and revocations, answered on the polling thread inside librdkafka's call-back.
//!
//! An assignment waits for the pipeline's answer where reading begins. In a revocation the call-back waits until the
//! pipeline has drained the partitions and kept their progress, and only then lets librdkafka give them away.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::Flags;
use super::config::Config;
use crate::kafka::error::ClientError;
use crate::kafka::identity::Identity;
use crate::kafka::member::{Group, Listener};
use crate::record::position::{CommitPoint, Partition};
use crate::record::topic_id::TopicId;
use crate::source::gauge::Gauge;
use crate::source::{Assignment, Event, Until};

/// How long the brokers may take to say where the logs end.
const LOG_ENDS_TIMEOUT: Duration = Duration::from_secs(5);

/// A revocation waits this much longer than the pipeline's own bound for draining, so that the progress can be kept.
const KEEPING: Duration = Duration::from_secs(15);

/// The state that the polling thread and its call-backs share.
pub struct Context {
    events: mpsc::UnboundedSender<Event>,
    pub(super) flags: Arc<Flags>,
    /// The topic's name, and the ids of the topics that have had it.
    pub identity: Identity,
    pub(super) config: Config,
    until: Until,
    assigned: Mutex<HashMap<i32, Assigned>>,
    /// How often `assigned` has changed.
    generation: AtomicU64,
    /// Partitions assigned since the polling thread last asked.
    fresh: Mutex<Vec<i32>>,
}

/// A partition of the topic that this member reads.
#[derive(Debug, Clone)]
pub struct Assigned {
    pub partition: Arc<Partition>,
    pub gauge: Arc<Gauge>,
    /// The id of the topic that is read, if the brokers give one.
    pub topic: Option<TopicId>,
    /// Where reading begins. `None` means that nothing was committed.
    pub from: Option<CommitPoint>,
    /// The log end, if it was asked for and the brokers have answered.
    pub end: Option<i64>,
}

impl Context {
    /// Begins without partitions; they come with the first rebalance.
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
            generation: AtomicU64::new(0),
            fresh: Mutex::default(),
        }
    }

    /// A number that changes whenever partitions come or go.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The partitions that this member has now, in any order.
    pub fn all_assigned(&self) -> Vec<Assigned> {
        self.assigned.lock().values().cloned().collect()
    }

    /// Takes the partitions that were assigned since the last call. Earlier readings of them belong to an earlier
    /// assignment.
    pub fn take_fresh(&self) -> Vec<i32> {
        std::mem::take(&mut *self.fresh.lock())
    }

    pub(super) fn gauge(&self) -> Arc<Gauge> {
        Arc::new(Gauge::new(
            self.config.bounds.queue_records,
            self.config.bounds.queue_bytes,
        ))
    }

    /// Assigns the partition again, with the topic that has the name now. `None` means that it is not assigned any
    /// more.
    pub fn assign_anew(&self, number: i32, topic: TopicId, gauge: Arc<Gauge>) -> Option<Assigned> {
        let mut assigned = self.assigned.lock();
        let one = assigned.get_mut(&number)?;
        one.gauge = gauge;
        one.topic = Some(topic);
        one.from = Some(CommitPoint(0));
        one.end = None;
        let one = one.clone();
        share_bytes(&assigned, self.config.bounds.queue_bytes);
        Some(one)
    }

    /// The offsets at which reading ends with [`Until::End`], by partition number. They are asked for before anything is
    /// fetched: a broker answers the questions of one connection one after another, and may take half a second for a fetch at
    /// the log's end. An end that does not come is asked for again when it is needed.
    fn ends(&self, group: &Group<'_, Self>, partitions: &[Arc<Partition>]) -> HashMap<i32, i64> {
        if self.until == Until::Stopped || partitions.is_empty() {
            return HashMap::new();
        }
        let answer = group.log_ends(partitions, LOG_ENDS_TIMEOUT);
        answer
            .inspect_err(|error| tracing::debug!(%error, "cannot read the log ends yet"))
            .map(|ends| {
                ends.into_iter()
                    .map(|(partition, end)| (partition.number, end.0))
                    .collect()
            })
            .unwrap_or_default()
    }

    pub(super) fn send(&self, event: Event) {
        // An error means that the pipeline has ended. This thread then ends soon.
        let _ = self.events.send(event);
    }
}

/// Gives every assigned partition an equal share of the bytes that may be in flight. The shares of partitions that stay
/// change too, so that the sum is always the same.
fn share_bytes(assigned: &HashMap<i32, Assigned>, bytes: usize) {
    let share = bytes / assigned.len().max(1);
    for one in assigned.values() {
        one.gauge.set_max_bytes(share);
    }
}

/// Waits for the answer within the bound. It polls, since this thread does not belong to the runtime.
fn wait(mut answered: oneshot::Receiver<()>, bound: Duration) {
    let end = std::time::Instant::now() + bound;
    while std::time::Instant::now() < end && answered.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl Listener for Context {
    /// Sends the assignment to the pipeline, and waits for its answer where to begin. Nothing is fetched until then.
    fn assigned(&self, group: &Group<'_, Self>, partitions: Vec<Arc<Partition>>) -> Vec<(i32, Option<CommitPoint>)> {
        let topic = group.topic_id(&self.identity, &self.flags.is_closing);
        let assignments: Vec<_> = partitions
            .iter()
            .map(|partition| Assignment {
                partition: Arc::clone(partition),
                topic,
                gauge: self.gauge(),
            })
            .collect();
        let gauges: Vec<_> = assignments.iter().map(|one| Arc::clone(&one.gauge)).collect();
        let (answer, starts) = oneshot::channel();
        self.send(Event::Assigned {
            assignments,
            starts: answer,
        });
        // No answer means that the pipeline has ended or cannot continue, so nothing is read.
        let Ok(starts) = starts.blocking_recv() else {
            return Vec::new();
        };
        let ends = self.ends(group, &partitions);
        let mut assigned = self.assigned.lock();
        for ((partition, gauge), start) in partitions.iter().zip(gauges).zip(&starts) {
            let one = Assigned {
                partition: Arc::clone(partition),
                gauge,
                topic: start.topic,
                from: start.point,
                end: ends.get(&partition.number).copied(),
            };
            let mut fresh = self.fresh.lock();
            fresh.push(partition.number);
            assigned.insert(partition.number, one);
        }
        share_bytes(&assigned, self.config.bounds.queue_bytes);
        drop(assigned);
        self.generation.fetch_add(1, Ordering::Release);
        let numbers = partitions.iter().map(|partition| partition.number);
        numbers.zip(starts.iter().map(|start| start.point)).collect()
    }

    fn revoked(&self, group: &Group<'_, Self>, numbers: Vec<i32>) {
        let partitions: Vec<_> = {
            let mut assigned = self.assigned.lock();
            let gone = numbers.iter().filter_map(|number| assigned.remove(number));
            let partitions = gone.map(|gone| gone.partition).collect();
            share_bytes(&assigned, self.config.bounds.queue_bytes);
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
        wait(answered, self.config.drain_timeout + KEEPING);
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

    /// Whether the gauge's bound is exactly this many bytes.
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
