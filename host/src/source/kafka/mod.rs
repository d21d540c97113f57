//! The Kafka source: one consumer in a group, polled on a thread of its own.
//!
//! [`poll`] is that thread, and [`rebalance`] answers assignments and revocations on it. [`place`] and [`rest`] notice
//! offsets without a record, and [`remade`] notices a topic that was recreated. The client is [`crate::kafka::member`].
//! [`crate::progress::kafka`] commits.

pub mod config;
mod place;
mod poll;
mod poller;
mod reading;
mod rebalance;
mod remade;
mod rest;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::error::{SourceError, SourceFault};
use super::{Control, Event, LogEnds, Running, Until};
use crate::connection::KafkaConnection;
use crate::kafka::client::Purpose;
use crate::kafka::error::{ClientError, guarded};
use crate::kafka::member::Member;
use crate::progress::kafka::{KafkaProgress, Start};
use crate::record::position::{CommitPoint, Partition};
use config::Config;
use rebalance::Context;

/// How long the brokers may take to say where one log ends.
const LOG_END_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the brokers may take to say where all logs end. They are asked again a second later.
const LOG_ENDS_TIMEOUT: Duration = Duration::from_secs(2);

/// The name of the polling thread. A panic there is caught and becomes an error of the source.
pub const POLL_THREAD: &str = "kafka-poll";

/// A consumer that has reached the brokers and found the topic, and has not joined its group yet.
pub struct Connected {
    events: mpsc::UnboundedReceiver<Event>,
    poller: poller::Poller,
    /// Where a group without a commit begins.
    start: Start,
}

/// Connects, and checks that the brokers answer and have the topic. Blocks.
///
/// # Errors
/// librdkafka refuses a setting, the brokers do not answer, or there is no such topic.
pub fn connect(
    connection: &KafkaConnection,
    topic: &str,
    config: &Config,
    until: Until,
) -> Result<Connected, SourceError> {
    let (events_in, events) = mpsc::unbounded_channel();
    let flags = Arc::new(Flags::default());
    let context = Context::new(events_in.clone(), Arc::clone(&flags), topic, config, until);
    let purpose = Purpose::Join {
        group: &config.group,
        instance: config.group_instance.as_deref(),
        topic_refresh: config.topic_refresh,
    };
    let woken = Arc::clone(&flags);
    let member = Member::new(connection, purpose, context, move || woken.wake())?;
    member.check_topic(connection, topic)?;
    let poller = poller::Poller {
        member,
        events: events_in,
        flags,
        until,
        brokers: connection.brokers.clone(),
        topic: topic.to_owned(),
        chunk_records: config.bounds.chunk_records,
        topic_refresh: config.topic_refresh,
    };
    Ok(Connected {
        events,
        poller,
        start: config.start,
    })
}

impl Connected {
    /// Joins the group and starts to read. From here on, brokers and topic are waited for if they are away.
    ///
    /// # Errors
    /// The client cannot subscribe, or the system starts no thread.
    pub fn start(self) -> Result<Running, SourceError> {
        let Self { events, poller, start } = self;
        let (member, flags) = (poller.member.clone(), Arc::clone(&poller.flags));
        // Drops errors from before the first poll. librdkafka repeats those that persist.
        member.take_error();
        member.subscribe(&poller.topic)?;
        let (ended, has_ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name(POLL_THREAD.into()).spawn(move || {
            let events = poller.events.clone();
            poller.flags.poller.get_or_init(std::thread::current);
            let ran: Result<(), SourceError> = guarded(|| {
                poller.run();
                Ok(())
            });
            if let Err(error) = ran {
                // An error means that the pipeline has ended.
                let _ = events.send(Event::Failed(error));
            }
            // The caller may have stopped waiting.
            let _ = ended.send(());
        });
        let thread = thread.map_err(SourceError::no_thread)?;
        let progress = KafkaProgress::new(&member, start);
        let control = KafkaControl {
            member: Mutex::new(Some(member)),
            flags,
            ended: Mutex::new(Some((thread, has_ended))),
        };
        Ok(Running {
            events,
            control: Arc::new(control),
            progress: Arc::new(progress),
        })
    }
}

impl From<ClientError> for SourceError {
    fn from(error: ClientError) -> Self {
        let fault = match error {
            ClientError::Unreachable { .. } => SourceFault::Away,
            ClientError::TopicMissing { .. } => SourceFault::Gone,
            ClientError::Unauthorized { .. } => SourceFault::Forbidden,
            ClientError::Setting(_) => SourceFault::Setting,
            ClientError::Fenced => SourceFault::Replaced,
            ClientError::Committed(_)
            | ClientError::LogEnd { .. }
            | ClientError::LogEnds(_)
            | ClientError::Commit(_)
            | ClientError::Panicked
            | ClientError::Read(_) => SourceFault::Broken,
        };
        Self::new(fault, error)
    }
}

/// The pipeline's requests to the polling thread.
#[derive(Debug, Default)]
pub struct Flags {
    is_quiet: AtomicBool,
    is_closing: AtomicBool,
    /// The polling thread, once it runs.
    poller: OnceLock<Thread>,
}

impl Flags {
    /// Wakes the polling thread, since something may have come for it.
    fn wake(&self) {
        if let Some(poller) = self.poller.get() {
            poller.unpark();
        }
    }
}

struct KafkaControl {
    member: Mutex<Option<Member<Context>>>,
    flags: Arc<Flags>,
    ended: Mutex<Option<(JoinHandle<()>, oneshot::Receiver<()>)>>,
}

impl KafkaControl {
    fn member(&self) -> Option<Member<Context>> {
        self.member.lock().clone()
    }

    /// Asks the brokers on a thread that may block. A source that is closed answers `closed`.
    fn ask<T: Send + 'static>(
        &self,
        closed: T,
        question: impl FnOnce(&Member<Context>) -> Result<T, ClientError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, SourceError>> {
        let member = self.member();
        Box::pin(async move {
            let Some(member) = member else { return Ok(closed) };
            let asking = tokio::task::spawn_blocking(move || question(&member));
            Ok(asking.await.map_err(SourceError::aborted)??)
        })
    }
}

impl Control for KafkaControl {
    fn quiet(&self) {
        self.flags.is_quiet.store(true, Ordering::Relaxed);
    }

    fn log_end(&self, partition: Arc<Partition>) -> BoxFuture<'static, Result<CommitPoint, SourceError>> {
        self.ask(CommitPoint(i64::MAX), move |member| {
            let end = member
                .group()
                .log_end(&partition.topic, partition.number, LOG_END_TIMEOUT);
            end.map_err(|cause| ClientError::LogEnd {
                partition: Partition::clone(&partition),
                cause,
            })
        })
    }

    fn log_ends(&self, partitions: Vec<Arc<Partition>>) -> BoxFuture<'static, Result<LogEnds, SourceError>> {
        self.ask(Vec::new(), move |member| {
            let ends = member.group().log_ends(&partitions, LOG_ENDS_TIMEOUT);
            ends.map_err(ClientError::LogEnds)
        })
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        self.flags.is_closing.store(true, Ordering::Relaxed);
        self.flags.wake();
        self.member.lock().take();
        let ended = self.ended.lock().take();
        Box::pin(async move {
            if let Some((_thread, has_ended)) = ended {
                // A dropped sender means that the thread has ended, too.
                let _ = has_ended.await;
            }
        })
    }
}
