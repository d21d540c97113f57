//! Assignments and revocations, answered on the polling thread inside librdkafka's call-back.
//!
//! A revocation is the moment of truth: the call-back waits until the pipeline has drained the partitions and said
//! what to commit, commits that, and only then lets librdkafka give them away.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientContext, TopicPartitionList, config::RDKafkaLogLevel};
use tokio::sync::{mpsc, oneshot};

use super::Flags;
use super::config::Config;
use super::metadata;
use crate::record::position::Partition;
use crate::source::gauge::Gauge;
use crate::source::{Assignment, Commit, Event, SourceError};

/// How long one question for the committed offsets may take, and how often it is asked: the coordinator may be moving.
const COMMITTED_TIMEOUT: Duration = Duration::from_secs(10);
const COMMITTED_TRIES: u32 = 6;

/// What the polling thread and its call-backs share.
pub struct Context {
    events: mpsc::UnboundedSender<Event>,
    flags: Arc<Flags>,
    config: Config,
    assigned: Mutex<HashMap<i32, Assigned>>,
    last_error: Mutex<Option<KafkaError>>,
}

/// A partition of the topic that this member reads.
#[derive(Debug, Clone)]
pub struct Assigned {
    pub partition: Arc<Partition>,
    pub gauge: Arc<Gauge>,
}

impl Context {
    pub fn new(events: mpsc::UnboundedSender<Event>, flags: Arc<Flags>, config: &Config) -> Self {
        Self {
            events,
            flags,
            config: config.clone(),
            assigned: Mutex::default(),
            last_error: Mutex::default(),
        }
    }

    pub fn assigned(&self, number: i32) -> Option<Assigned> {
        self.assigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&number)
            .cloned()
    }

    pub fn all_assigned(&self) -> Vec<Assigned> {
        self.assigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// The last error that librdkafka reported outside of a call, taken.
    pub fn take_error(&self) -> Option<KafkaError> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let committed = match committed(consumer, list) {
            Ok(committed) => committed,
            Err(error) => {
                // Without the base of the write timestamps, rows could be written as older than they are.
                self.send(Event::Failed(SourceError::Committed(error)));
                return;
            }
        };
        let mut assignments = Vec::new();
        let mut assigned = self.assigned.lock().unwrap_or_else(PoisonError::into_inner);
        let count = (assigned.len() + list.count()).max(1);
        for element in committed.elements() {
            let partition = Arc::new(Partition {
                topic: element.topic().into(),
                number: element.partition(),
            });
            let gauge = Arc::new(Gauge::new(self.config.queue_records, self.config.queue_bytes / count));
            let assigned_one = Assigned {
                partition: Arc::clone(&partition),
                gauge: Arc::clone(&gauge),
            };
            assigned.insert(partition.number, assigned_one);
            assignments.push(Assignment {
                committed: metadata::from_element(&partition, &element),
                partition,
                gauge,
            });
        }
        drop(assigned);
        self.send(Event::Assigned(assignments));
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let partitions: Vec<_> = {
            let mut assigned = self.assigned.lock().unwrap_or_else(PoisonError::into_inner);
            let numbers = list.elements().into_iter().map(|element| element.partition());
            numbers
                .filter_map(|number| assigned.remove(&number))
                .map(|gone| gone.partition)
                .collect()
        };
        if partitions.is_empty() || self.flags.is_closing.load(Ordering::Relaxed) {
            return;
        }
        if consumer.assignment_lost() {
            self.send(Event::Lost { partitions });
            return;
        }
        let (answer, answered) = oneshot::channel();
        self.send(Event::Revoked { partitions, answer });
        // The pipeline keeps the bound; the margin is for its last steps.
        let commits = wait(answered, self.config.drain_timeout + Duration::from_secs(5));
        if let Err(error) = commit(consumer, &commits) {
            tracing::warn!(%error, "cannot commit before the revocation, the next member reads some records again");
        }
    }

    fn send(&self, event: Event) {
        // The pipeline has gone: the thread ends soon.
        let _ = self.events.send(event);
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

fn commit(consumer: &BaseConsumer<Context>, commits: &[Commit]) -> KafkaResult<()> {
    if commits.is_empty() {
        return Ok(());
    }
    consumer.commit(&metadata::to_list(commits)?, CommitMode::Sync)
}

fn committed(consumer: &BaseConsumer<Context>, list: &TopicPartitionList) -> KafkaResult<TopicPartitionList> {
    let mut tries = 0;
    loop {
        tries += 1;
        let wanted = list
            .elements()
            .iter()
            .fold(TopicPartitionList::new(), |mut wanted, element| {
                wanted.add_partition(element.topic(), element.partition());
                wanted
            });
        let answer = consumer.committed_offsets(wanted, COMMITTED_TIMEOUT).and_then(|list| {
            // An error is no "nothing committed".
            list.elements().iter().try_for_each(TopicPartitionListElem::error)?;
            Ok(list)
        });
        match answer {
            Err(error) if tries < COMMITTED_TRIES => {
                tracing::warn!(%error, tries, "cannot read the committed offsets, trying again");
                std::thread::sleep(Duration::from_millis(500));
            }
            result => return result,
        }
    }
}

impl ClientContext for Context {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, _reason: &str) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

impl ConsumerContext for Context {
    /// librdkafka remembers that a partition was paused even when it was away meanwhile, and its new gauge is empty.
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance
            && list.count() > 0
            && let Err(error) = consumer.resume(list)
        {
            tracing::debug!(%error, "cannot resume what was assigned");
        }
    }

    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => self.assign(consumer, list),
            Rebalance::Revoke(list) => self.revoke(consumer, list),
            Rebalance::Error(error) => tracing::warn!(%error, "rebalance failed"),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        match result {
            Ok(()) | Err(KafkaError::ConsumerCommit(rdkafka::error::RDKafkaErrorCode::NoOffset)) => {}
            Err(error) => tracing::debug!(%error, "commit refused"),
        }
    }
}
