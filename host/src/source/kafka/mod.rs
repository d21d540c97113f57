//! The Kafka source: one consumer in a group, polled on a thread of its own.
//!
//! [`poll`] is that thread; [`rebalance`] answers assignments and revocations on it, [`begin`] says where a new group begins;
//! [`place`] and [`rest`] notice what a log has no more, [`identity`] and [`remade`] that another topic has its name; [`client`]
//! makes the consumer and asks about topics, [`native`] is what librdkafka's Rust side lacks; [`metadata`] is what a commit
//! carries.

mod begin;
pub mod client;
pub mod config;
pub mod fetch;
mod identity;
pub mod latest;
mod metadata;
mod native;
mod place;
mod poll;
mod poller;
mod reading;
mod rebalance;
pub mod record;
mod remade;
mod rest;

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use futures::future::BoxFuture;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::sync::{mpsc, oneshot};

use super::{Commit, Control, Event, LogEnds, Naming, Running, SourceError, Until};
use crate::connection::KafkaConnection;
use crate::record::position::{CommitPoint, Partition};
use config::Config;
use rebalance::Context;

/// The question for a log end.
const LOG_END_TIMEOUT: Duration = Duration::from_secs(5);

/// The question for all log ends, which is asked again a second later.
const LOG_ENDS_TIMEOUT: Duration = Duration::from_secs(2);

/// The thread that polls; what panics there is caught and told as an error.
pub const POLL_THREAD: &str = "kafka-poll";

/// A consumer that knows the brokers, the topic and soon the group's coordinator, and is in no group yet.
pub struct Connected {
    consumer: Arc<BaseConsumer<Context>>,
    events: mpsc::UnboundedReceiver<Event>,
    poller: poller::Poller,
}

/// Connects, and checks that the brokers answer and have the topic. Blocks.
///
/// # Errors
/// A setting that librdkafka does not take; brokers or topic that are not there.
pub fn connect(
    connection: &KafkaConnection,
    topic: &str,
    config: &Config,
    until: Until,
) -> Result<Connected, SourceError> {
    let (events_in, events) = mpsc::unbounded_channel();
    let flags = Arc::new(Flags::default());
    // No topic's name has a zero byte: the brokers would say that there is no such topic.
    let name = CString::new(topic.replace('\0', "")).unwrap_or_default();
    let context = Context::new(events_in.clone(), Arc::clone(&flags), name, config, until);
    let mut consumer = client::consumer(connection, config, context)?;
    let woken = Arc::clone(&flags);
    consumer.set_nonempty_callback(move || woken.wake());
    let consumer = Arc::new(consumer);
    consumer.context().belongs_to(&consumer);
    client::partitions(&consumer, connection, topic)?;
    let poller = poller::Poller {
        consumer: Arc::clone(&consumer),
        events: events_in,
        flags,
        until,
        brokers: connection.brokers.clone(),
        topic: topic.to_owned(),
        chunk_records: config.chunk_records,
        topic_refresh: config.topic_refresh,
    };
    Ok(Connected {
        consumer,
        events,
        poller,
    })
}

impl Connected {
    /// Joins the group and starts to read. That brokers and topic are there was seen; from here on both are waited for.
    ///
    /// # Errors
    /// The client does not subscribe, or there is no thread to be had.
    pub fn start(self) -> Result<Running, SourceError> {
        let Self {
            consumer,
            events,
            poller,
        } = self;
        let flags = Arc::clone(&poller.flags);
        // Of the time in which nobody looked; what still holds is said again.
        consumer.context().take_error();
        consumer.subscribe(&[&poller.topic]).map_err(SourceError::Setting)?;
        let (ended, has_ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name(POLL_THREAD.into()).spawn(move || {
            let events = poller.events.clone();
            poller.flags.poller.get_or_init(std::thread::current);
            // librdkafka's Rust side has asserts of its own.
            if catch_unwind(AssertUnwindSafe(|| poller.run())).is_err() {
                // The pipeline has gone: nobody wants to know.
                let _ = events.send(Event::Failed(SourceError::Panicked));
            }
            // Nobody waits any more: fine.
            let _ = ended.send(());
        });
        let thread = thread.map_err(|cause| SourceError::Thread { cause })?;
        let control = KafkaControl {
            consumer: std::sync::Mutex::new(Some(consumer)),
            flags,
            ended: std::sync::Mutex::new(Some((thread, has_ended))),
        };
        Ok(Running {
            events,
            control: Arc::new(control),
        })
    }
}

/// What the pipeline has asked for.
#[derive(Debug, Default)]
pub struct Flags {
    is_quiet: AtomicBool,
    is_closing: AtomicBool,
    /// The polling thread, once it runs.
    poller: OnceLock<Thread>,
}

impl Flags {
    /// Something may have come for the polling thread.
    fn wake(&self) {
        if let Some(poller) = self.poller.get() {
            poller.unpark();
        }
    }
}

struct KafkaControl {
    consumer: std::sync::Mutex<Option<Arc<BaseConsumer<Context>>>>,
    flags: Arc<Flags>,
    ended: std::sync::Mutex<Option<(JoinHandle<()>, oneshot::Receiver<()>)>>,
}

impl KafkaControl {
    fn consumer(&self) -> Option<Arc<BaseConsumer<Context>>> {
        self.consumer
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
}

impl Control for KafkaControl {
    fn quiet(&self) {
        self.flags.is_quiet.store(true, Ordering::Relaxed);
    }

    fn commit(&self, commits: Vec<Commit>) -> BoxFuture<'static, Result<(), SourceError>> {
        let consumer = self.consumer();
        Box::pin(async move {
            let Some(consumer) = consumer else { return Ok(()) };
            let committing = tokio::task::spawn_blocking(move || {
                rebalance::commit(&consumer, &commits).map_err(SourceError::Commit)
            });
            committing
                .await
                .unwrap_or_else(|cause| Err(SourceError::CommitAborted { cause }))
        })
    }

    fn naming(&self) -> Naming {
        Naming::Needed
    }

    fn log_end(&self, partition: Arc<Partition>) -> BoxFuture<'static, Result<CommitPoint, SourceError>> {
        let consumer = self.consumer();
        Box::pin(async move {
            let Some(consumer) = consumer else {
                return Ok(CommitPoint(i64::MAX));
            };
            let asking = tokio::task::spawn_blocking(move || {
                let (_, end) = consumer
                    .fetch_watermarks(&partition.topic, partition.number, LOG_END_TIMEOUT)
                    .map_err(|cause| SourceError::LogEnd {
                        partition: Partition::clone(&partition),
                        cause,
                    })?;
                Ok(CommitPoint(end))
            });
            asking
                .await
                .unwrap_or_else(|cause| Err(SourceError::CommitAborted { cause }))
        })
    }

    fn log_ends(&self, partitions: Vec<Arc<Partition>>) -> BoxFuture<'static, Result<LogEnds, SourceError>> {
        let consumer = self.consumer();
        Box::pin(async move {
            let Some(consumer) = consumer else {
                return Ok(Vec::new());
            };
            let asking = tokio::task::spawn_blocking(move || log_ends(&consumer, partitions));
            asking
                .await
                .unwrap_or_else(|cause| Err(SourceError::CommitAborted { cause }))
        })
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        self.flags.is_closing.store(true, Ordering::Relaxed);
        self.flags.wake();
        self.consumer
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        let ended = self
            .ended
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        Box::pin(async move {
            if let Some((_thread, has_ended)) = ended {
                // A dropped sender means the thread has gone, too.
                let _ = has_ended.await;
            }
        })
    }
}

/// The log ends that a reader of committed records sees. Asked of the brokers, since what librdkafka knows by itself (its
/// cached watermarks, its statistics) comes with fetched records and stands still while a partition is full.
fn log_ends(consumer: &BaseConsumer<Context>, partitions: Vec<Arc<Partition>>) -> Result<LogEnds, SourceError> {
    let mut wanted = TopicPartitionList::new();
    for partition in &partitions {
        // In this question the end stands where another timestamp could.
        wanted
            .add_partition_offset(&partition.topic, partition.number, rdkafka::Offset::End)
            .map_err(SourceError::LogEnds)?;
    }
    let answer = consumer
        .offsets_for_times(wanted, LOG_ENDS_TIMEOUT)
        .map_err(SourceError::LogEnds)?;
    let end_of = |partition: &Arc<Partition>| {
        let element = answer.find_partition(&partition.topic, partition.number)?;
        element.error().ok()?;
        element.offset().to_raw().filter(|end| *end >= 0).map(CommitPoint)
    };
    Ok(partitions
        .into_iter()
        .filter_map(|partition| Some((Arc::clone(&partition), end_of(&partition)?)))
        .collect())
}
