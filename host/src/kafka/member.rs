//! A member of a consumer group: it reads the partitions that the group assigns to it, each from a queue of its own.
//!
//! A [`Listener`] hears of assignments and revocations inside librdkafka's call-back, on the thread that polls. Nothing of a
//! partition is fetched before its assignment is answered. No partition is given away before its revocation is answered.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::client::{Purpose, client_config};
use super::error::{Cause, ClientError};
use super::identity::{self, Identity};
use super::record::{Polled, polled};
use super::{begin, native, offsets, topic};
use crate::connection::KafkaConnection;
use crate::record::commit::Commit;
use crate::record::position::{CommitPoint, Partition};
use crate::record::topic_id::TopicId;

/// Hears of what a group does with a member.
pub trait Listener: Send + Sync + Sized + 'static {
    /// These partitions are assigned. The answer is where each begins to be read, by number: at an offset, or at its
    /// beginning. One that is left out begins where librdkafka chooses.
    fn assigned(&self, group: &Group<'_, Self>, partitions: Vec<Arc<Partition>>) -> Vec<(i32, Option<CommitPoint>)>;
    /// These partitions are given away when this returns.
    fn revoked(&self, group: &Group<'_, Self>, numbers: Vec<i32>);
    /// The partitions that are assigned cannot be read.
    fn failed(&self, error: ClientError);
}

/// A member, or soon to be one.
pub struct Member<L: Listener> {
    consumer: Arc<BaseConsumer<Callbacks<L>>>,
}

/// A member that may have been closed.
pub struct WeakMember<L: Listener>(Weak<BaseConsumer<Callbacks<L>>>);

/// What one can ask of the group from inside a call-back as well.
pub struct Group<'a, L: Listener>(&'a BaseConsumer<Callbacks<L>>);

/// What librdkafka has fetched of one partition.
pub struct Queue<L: Listener>(PartitionQueue<Callbacks<L>>);

/// Looks every so often whether the topic is still the same.
pub type Watch<'a, L> = identity::Watch<'a, Callbacks<L>>;

/// What librdkafka calls.
pub struct Callbacks<L: Listener> {
    listener: L,
    /// Whose call-backs these are.
    consumer: OnceLock<Weak<BaseConsumer<Self>>>,
    last_error: Mutex<Option<KafkaError>>,
}

impl<L: Listener> Member<L> {
    /// Connects, and joins no group yet. `wake` is called when there may be something to poll.
    ///
    /// # Errors
    /// A setting that librdkafka does not take.
    pub fn new(
        connection: &KafkaConnection,
        purpose: Purpose<'_>,
        listener: L,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, ClientError> {
        let callbacks = Callbacks {
            listener,
            consumer: OnceLock::new(),
            last_error: Mutex::default(),
        };
        let mut consumer: BaseConsumer<Callbacks<L>> = client_config(connection, purpose)
            .create_with_context(callbacks)
            .map_err(ClientError::setting)?;
        consumer.set_nonempty_callback(wake);
        let consumer = Arc::new(consumer);
        let own = Arc::downgrade(&consumer);
        consumer.context().consumer.get_or_init(|| own);
        Ok(Self { consumer })
    }

    /// Checks that the brokers answer and the topic is there. Blocks.
    pub fn check_topic(&self, connection: &KafkaConnection, topic: &str) -> Result<usize, ClientError> {
        topic::partitions(self.consumer.client(), connection, topic)
    }

    /// Joins the group, to read this topic.
    pub fn subscribe(&self, topic: &str) -> Result<(), ClientError> {
        let subscribed = self.consumer.subscribe(&[topic]);
        subscribed.map_err(|error| ClientError::Setting(error.into()))
    }

    /// The listener that this member was made with.
    pub fn listener(&self) -> &L {
        &self.consumer.context().listener
    }

    /// The group that this member belongs to, for its commits and log ends.
    pub fn group(&self) -> Group<'_, L> {
        Group(&self.consumer)
    }

    /// Another handle on this member, which does not keep it in its group.
    pub fn downgrade(&self) -> WeakMember<L> {
        WeakMember(Arc::downgrade(&self.consumer))
    }

    /// Serves call-backs, and takes messages of partitions without a queue. `None` is not "idle": a call-back was served.
    pub fn poll(&self) -> Option<Polled<'_>> {
        polled(self.consumer.poll(Duration::ZERO))
    }

    /// The partition's queue, which wakes the polling thread; `None` where there is none.
    pub fn queue(&self, partition: &Partition, wake: impl Fn() + Send + Sync + 'static) -> Option<Queue<L>> {
        let mut queue = self
            .consumer
            .split_partition_queue(&partition.topic, partition.number)?;
        queue.set_nonempty_callback(wake);
        Some(Queue(queue))
    }

    /// The last error that librdkafka reported outside of a call, taken.
    pub fn take_error(&self) -> Option<Cause> {
        let last = &self.consumer.context().last_error;
        let error = last.lock().take();
        error.map(Cause::from)
    }

    /// An error after which librdkafka reads nothing more, though it answers every poll.
    pub fn fatal(&self, error: &Cause) -> Option<ClientError> {
        let fatal = self.consumer.client().fatal_error().map(|(code, _)| code);
        error.fatal_code().or(fatal).map(|code| match code {
            RDKafkaErrorCode::FencedInstanceId => ClientError::Fenced,
            code => ClientError::Read(KafkaError::MessageConsumptionFatal(code).into()),
        })
    }

    /// Whether a broker answers within this time.
    pub fn is_answered(&self, topic: &str, wait: Duration) -> bool {
        self.consumer.fetch_metadata(Some(topic), wait).is_ok()
    }

    /// Where the partition's log started when a broker last answered a fetch of it. No broker is asked.
    pub fn log_start(&self, identity: &Identity, number: i32) -> Option<i64> {
        native::log_start(&self.consumer, identity.topic(), number)
    }

    /// By number, where the client stands: behind the last record that was taken and the marks of transactions after it.
    pub fn positions(&self) -> Result<HashMap<i32, i64>, Cause> {
        let list = self.consumer.position()?;
        let elements = list.elements();
        let positions = elements.iter().filter_map(|element| match element.offset() {
            Offset::Offset(offset) => Some((element.partition(), offset)),
            _ => None,
        });
        Ok(positions.collect())
    }

    /// Sets the client's own position; no broker is asked.
    pub fn seek(&self, partition: &Partition, to: CommitPoint, timeout: Duration) -> Result<(), Cause> {
        let sought = self
            .consumer
            .seek(&partition.topic, partition.number, Offset::Offset(to.0), timeout);
        Ok(sought?)
    }

    /// Asks for the topic's id at most once in every `every`, on this member's connection.
    pub fn watch<'a>(&'a self, identity: &'a Identity, every: Duration) -> Watch<'a, L> {
        identity::Watch::new(&self.consumer, identity, every)
    }
}

impl<L: Listener> Clone for Member<L> {
    fn clone(&self) -> Self {
        Self {
            consumer: Arc::clone(&self.consumer),
        }
    }
}

impl<L: Listener> WeakMember<L> {
    /// The member, unless it was closed.
    pub fn upgrade(&self) -> Option<Member<L>> {
        self.0.upgrade().map(|consumer| Member { consumer })
    }
}

impl<L: Listener> Queue<L> {
    /// What there is. Does not wait.
    pub fn poll(&self) -> Option<Polled<'_>> {
        polled(self.0.poll(Duration::ZERO))
    }
}

impl<L: Listener> Group<'_, L> {
    /// What the group has committed for each of these partitions.
    pub fn committed(&self, partitions: &[Arc<Partition>], timeout: Duration) -> Result<Vec<Option<Commit>>, Cause> {
        Ok(offsets::commits_of(self.0, partitions, timeout)?)
    }

    /// What the group has committed of the whole topic; where that is nothing, it is the log ends from now on.
    pub fn begin_at_ends(&self, topic: &str, id: Option<TopicId>, timeout: Duration) -> Result<Vec<Commit>, Cause> {
        let begun = begin::begin_at_ends(self.0, topic, id, timeout, |commits| self.commit_them(commits));
        Ok(begun?)
    }

    /// Commits; the brokers have it when this returns.
    pub fn commit(&self, commits: &[Commit]) -> Result<(), Cause> {
        Ok(self.commit_them(commits)?)
    }

    fn commit_them(&self, commits: &[Commit]) -> KafkaResult<()> {
        if commits.is_empty() {
            return Ok(());
        }
        offsets::commit(self.0, commits)
    }

    /// Where these partitions' logs end now, in one question to each of their leaders. One that did not answer is left out.
    pub fn log_ends(
        &self,
        partitions: &[Arc<Partition>],
        timeout: Duration,
    ) -> Result<Vec<(Arc<Partition>, CommitPoint)>, Cause> {
        Ok(offsets::log_ends(self.0, partitions, timeout)?)
    }

    /// Where the partition's log ends now.
    pub fn log_end(&self, topic: &str, number: i32, timeout: Duration) -> Result<CommitPoint, Cause> {
        let (_, end) = self.0.fetch_watermarks(topic, number, timeout)?;
        Ok(CommitPoint(end))
    }

    /// The id of the topic that has the name now; asks until there is an answer or it `is_closing`. `None` where it cannot be
    /// known.
    pub fn topic_id(&self, identity: &Identity, is_closing: &AtomicBool) -> Option<TopicId> {
        identity::topic_id(self.0, identity, is_closing)
    }

    /// Whether the partitions that are revoked went to another member already.
    pub fn is_lost(&self) -> bool {
        self.0.assignment_lost()
    }
}

impl<L: Listener> Callbacks<L> {
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

    /// Sets in `list` where reading begins.
    fn assign(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) {
        if let Err(error) = self.split_queues(list) {
            self.listener.failed(ClientError::Read(error.into()));
        }
        let partitions: Vec<_> = list
            .elements()
            .iter()
            .map(|element| {
                Arc::new(Partition {
                    topic: element.topic().into(),
                    number: element.partition(),
                })
            })
            .collect();
        let topic = partitions.first().map(|first| Arc::clone(&first.topic));
        for (number, from) in self.listener.assigned(&Group(consumer), partitions) {
            let position = from.map_or(Offset::Beginning, |from| Offset::Offset(from.0));
            let topic = topic.as_deref().unwrap_or_default();
            if let Err(error) = list.set_partition_offset(topic, number, position) {
                tracing::warn!(partition = %format_args!("{topic}/{number}"), %error, "cannot set where to read");
            }
        }
    }
}

impl<L: Listener> ClientContext for Callbacks<L> {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, _reason: &str) {
        *self.last_error.lock() = Some(error);
    }
}

impl<L: Listener> ConsumerContext for Callbacks<L> {
    /// As librdkafka's Rust side does it by default, but that the assignment says where reading begins.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let is_cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let done = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.assign(consumer, list);
            if is_cooperative {
                consumer.incremental_assign(list)
            } else {
                consumer.assign(list)
            }
        } else {
            if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
                let numbers = list.elements().iter().map(TopicPartitionListElem::partition).collect();
                self.listener.revoked(&Group(consumer), numbers);
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
