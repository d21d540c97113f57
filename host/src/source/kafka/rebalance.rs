//! Assignments and revocations, answered on the polling thread inside librdkafka's call-back.
//!
//! A revocation is the moment of truth: the call-back waits until the pipeline has drained the partitions and said
//! what to commit, commits that, and only then lets librdkafka give them away.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError, Weak};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList, config::RDKafkaLogLevel};
use tokio::sync::{mpsc, oneshot};

use super::Flags;
use super::config::Config;
use super::identity::{Asking, Met, of_topic, topic_id};
use super::metadata;
use crate::record::position::{CommitPoint, Partition};
use crate::record::topic_id::TopicId;
use crate::source::gauge::Gauge;
use crate::source::{Assignment, Commit, Event, SourceError, Until};

/// How long one question for the committed offsets may take, and the pause before it is asked again.
pub const COMMITTED_TIMEOUT: Duration = Duration::from_secs(5);
pub const COMMITTED_PAUSE: Duration = Duration::from_millis(500);

/// What the polling thread and its call-backs share.
pub struct Context {
    events: mpsc::UnboundedSender<Event>,
    pub(super) flags: Arc<Flags>,
    pub(super) topic: CString,
    pub(super) config: Config,
    /// Whose context this is.
    consumer: OnceLock<Weak<BaseConsumer<Context>>>,
    until: Until,
    assigned: Mutex<HashMap<i32, Assigned>>,
    /// What was last committed for each partition, as far as this process knows: brokers forget the commits of a topic that
    /// is deleted.
    remembered: Mutex<HashMap<i32, Commit>>,
    /// How often that has changed.
    generation: AtomicU64,
    /// Partitions assigned since the polling thread last asked.
    fresh: Mutex<Vec<i32>>,
    last_error: Mutex<Option<KafkaError>>,
    /// Topics of the name.
    pub met: Met,
    /// Whether the group is known to have committed something of the topic.
    pub(super) has_begun: AtomicBool,
    /// Said once: that nobody tells whether the topic is still the same.
    pub(super) is_untold: Once,
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
        topic: CString,
        config: &Config,
        until: Until,
    ) -> Self {
        Self {
            events,
            flags,
            topic,
            config: config.clone(),
            consumer: OnceLock::new(),
            until,
            assigned: Mutex::default(),
            remembered: Mutex::default(),
            generation: AtomicU64::new(0),
            fresh: Mutex::default(),
            last_error: Mutex::default(),
            met: Met::default(),
            has_begun: AtomicBool::new(false),
            is_untold: Once::new(),
        }
    }

    /// Before the first poll.
    pub fn belongs_to(&self, consumer: &Arc<BaseConsumer<Self>>) {
        self.consumer.get_or_init(|| Arc::downgrade(consumer));
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

    /// The last error that librdkafka reported outside of a call, taken.
    pub fn take_error(&self) -> Option<KafkaError> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tells the pipeline what is assigned, and sets in `list` where reading begins. The position and the base of the write
    /// timestamps come from one answer of the brokers, so that they belong together.
    fn assign(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) {
        let id = topic_id(&Asking {
            consumer,
            topic: &self.topic,
            met: &self.met,
            is_untold: &self.is_untold,
            is_closing: &self.flags.is_closing,
        });
        let committed = match self.starts(consumer, list, id) {
            Ok(committed) => committed,
            Err(error) => {
                // Without the base of the write timestamps, rows could be written as older than they are.
                self.send(Event::Failed(SourceError::Committed(error)));
                return;
            }
        };
        let ends = self.ends(consumer, list);
        let mut assignments = Vec::new();
        let mut assigned = self.assigned.lock().unwrap_or_else(PoisonError::into_inner);
        for (partition, committed) in committed {
            // What cannot be told is what was committed: then it is seen when it can be told again.
            let topic = id.or(committed.as_ref().and_then(|commit| commit.topic));
            let committed = committed.or_else(|| self.of_deleted(partition.number, topic));
            let committed = committed.map(|commit| of_topic(commit, topic));
            self.remember(committed.as_slice());
            let position = committed.as_ref().map_or(rdkafka::Offset::Beginning, |committed| {
                rdkafka::Offset::Offset(committed.point.0)
            });
            if let Err(error) = list.set_partition_offset(&partition.topic, partition.number, position) {
                tracing::warn!(%partition, %error, "cannot set where to read");
            }
            let assigned_one = Assigned {
                partition: Arc::clone(&partition),
                gauge: self.gauge(),
                topic,
                from: committed.as_ref().map(|commit| commit.point),
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

    /// Has the records of these partitions come in queues of their own. Before they are fetched, so that none comes elsewhere.
    fn split_queues(&self, list: &TopicPartitionList) -> KafkaResult<()> {
        let Some(consumer) = self.consumer.get().and_then(Weak::upgrade) else {
            return Ok(()); // It is being closed.
        };
        for element in list.elements() {
            let (topic, number) = (element.topic(), element.partition());
            let none = || KafkaError::Subscription(format!("{topic}/{number} has no queue"));
            consumer.split_partition_queue(topic, number).ok_or_else(none)?;
        }
        Ok(())
    }

    /// Where reading ends, with [`Until::End`]. Asked before anything is fetched: a broker answers the questions of one
    /// connection one after another, and has half a second for a fetch at the log's end. What cannot be had is asked
    /// for again when it is needed.
    fn ends(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> HashMap<i32, i64> {
        if self.until == Until::Stopped || list.count() == 0 {
            return HashMap::new();
        }
        let mut wanted = list.clone();
        let answer = wanted
            .set_all_offsets(rdkafka::Offset::End)
            .and_then(|()| consumer.offsets_for_times(wanted, COMMITTED_TIMEOUT));
        let end_of = |element: &TopicPartitionListElem<'_>| {
            element.error().ok()?;
            let end = element.offset().to_raw().filter(|end| *end >= 0)?;
            Some((element.partition(), end))
        };
        answer
            .inspect_err(|error| tracing::debug!(%error, "cannot read the log ends yet"))
            .map(|answer| answer.elements().iter().filter_map(end_of).collect())
            .unwrap_or_default()
    }

    pub(super) fn committed(
        &self,
        consumer: &BaseConsumer<Self>,
        list: &TopicPartitionList,
    ) -> KafkaResult<TopicPartitionList> {
        self.until_answered(|| committed_once(consumer, list))
    }

    /// Asks until there is an answer: the coordinator may be moving, or all brokers be away.
    pub(super) fn until_answered<T>(&self, ask: impl Fn() -> KafkaResult<T>) -> KafkaResult<T> {
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
            if is_refusal(&error) || self.flags.is_closing.load(Ordering::Relaxed) {
                return Err(error);
            }
            is_waiting = true;
            self.send(Event::Waiting(SourceError::Committed(error)));
            std::thread::sleep(COMMITTED_PAUSE);
        }
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let partitions: Vec<_> = {
            let mut assigned = self.assigned.lock().unwrap_or_else(PoisonError::into_inner);
            let numbers = list.elements().into_iter().map(|element| element.partition());
            let gone = numbers.filter_map(|number| assigned.remove(&number));
            let partitions = gone.map(|gone| gone.partition).collect();
            share_bytes(&assigned, self.config.queue_bytes);
            partitions
        };
        self.generation.fetch_add(1, Ordering::Release);
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

    pub(super) fn send(&self, event: Event) {
        // The pipeline has gone: the thread ends soon.
        let _ = self.events.send(event);
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

pub fn commit(consumer: &BaseConsumer<Context>, commits: &[Commit]) -> KafkaResult<()> {
    if commits.is_empty() {
        return Ok(());
    }
    consumer.commit(&metadata::to_list(commits)?, CommitMode::Sync)?;
    consumer.context().remember(commits);
    Ok(())
}

pub fn committed_once(consumer: &BaseConsumer<Context>, list: &TopicPartitionList) -> KafkaResult<TopicPartitionList> {
    let mut wanted = TopicPartitionList::new();
    for element in list.elements() {
        wanted.add_partition(element.topic(), element.partition());
    }
    let answer = consumer.committed_offsets(wanted, COMMITTED_TIMEOUT)?;
    // An error is no "nothing committed".
    answer.elements().iter().try_for_each(TopicPartitionListElem::error)?;
    Ok(answer)
}

/// No later answer will be another one.
fn is_refusal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::Authentication
        )
    )
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
    /// As librdkafka's Rust side does it by default, but that the assignment says where reading begins.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let is_cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let done = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            if let Err(error) = self.split_queues(list) {
                self.send(Event::Failed(SourceError::Read(error)));
            }
            self.assign(consumer, list);
            if is_cooperative {
                consumer.incremental_assign(list)
            } else {
                consumer.assign(list)
            }
        } else {
            if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
                self.revoke(consumer, list);
            } else {
                tracing::warn!(error = %RDKafkaErrorCode::from(what), "rebalance failed");
            }
            if is_cooperative {
                consumer.incremental_unassign(list)
            } else {
                consumer.unassign()
            }
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the client did not take the assignment");
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        match result {
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            Err(error) => tracing::debug!(%error, "commit refused"),
        }
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
