//! A consumer that is told which offsets of one topic to read. It is in no group; of one, it may ask what is committed, and
//! commit where that has no members.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::client::{Purpose, client_config};
use super::error::{Cause, ClientError};
use super::offsets;
use super::record::{Polled, polled};
use crate::connection::KafkaConnection;
use crate::record::commit::Commit;
use crate::record::position::Partition;

/// One question to the brokers.
const ANSWER: Duration = Duration::from_secs(10);

/// Brokers that send nothing for so long are away.
const PATIENCE: Duration = Duration::from_secs(15);

const POLL: Duration = Duration::from_millis(100);

/// A consumer without assignments by a group: it reads one topic's partitions from the offsets that it is given.
pub struct Reader {
    consumer: BaseConsumer<LastError>,
    brokers: String,
    topic: String,
}

/// What is committed for a partition, with the text that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    pub point: i64,
    pub metadata: String,
}

/// Keeps what librdkafka reports outside of a call.
#[derive(Debug, Default)]
struct LastError(Mutex<Option<KafkaError>>);

impl Reader {
    /// Makes the client. No broker is asked yet.
    ///
    /// # Errors
    /// A setting that librdkafka does not take.
    pub fn open(connection: &KafkaConnection, topic: &str, purpose: Purpose<'_>) -> Result<Self, ClientError> {
        let consumer = client_config(connection, purpose)
            .create_with_context(LastError::default())
            .map_err(ClientError::setting)?;
        Ok(Self {
            consumer,
            brokers: connection.brokers.clone(),
            topic: topic.to_owned(),
        })
    }

    /// The partition of this number.
    pub fn partition(&self, number: i32) -> Arc<Partition> {
        Arc::new(Partition {
            topic: self.topic.as_str().into(),
            number,
        })
    }

    /// The offsets that are there now. Blocks.
    pub fn range(&self, number: i32) -> Result<Range<i64>, ClientError> {
        let watermarks = self.consumer.fetch_watermarks(&self.topic, number, ANSWER);
        let (low, high) = watermarks.map_err(|error| self.classify(error.into()))?;
        Ok(low..high)
    }

    /// Reads these partitions from these offsets on, and no others any more.
    pub fn assign(&self, starts: impl IntoIterator<Item = (i32, i64)>) -> Result<(), ClientError> {
        let mut list = TopicPartitionList::new();
        let mut starts = starts.into_iter();
        starts
            .try_for_each(|(number, start)| list.add_partition_offset(&self.topic, number, Offset::Offset(start)))
            .and_then(|()| self.consumer.assign(&list))
            .map_err(|error| ClientError::Read(error.into()))
    }

    /// Waits at most this long for what comes next.
    pub fn poll(&self, wait: Duration) -> Option<Polled<'_>> {
        polled(self.consumer.poll(wait))
    }

    /// Waits a moment for the next message or the end of a partition; `None` where nothing has come yet. `heard` is when
    /// something last came.
    ///
    /// # Errors
    /// The brokers have sent nothing for long.
    pub fn poll_patiently(&self, heard: &mut Instant) -> Result<Option<Polled<'_>>, ClientError> {
        match self.poll(POLL) {
            Some(Polled::Failed(cause)) if heard.elapsed() > PATIENCE => Err(self.classify(cause)),
            None if heard.elapsed() > PATIENCE => Err(ClientError::Unreachable {
                brokers: self.brokers.clone(),
                cause: None,
            }),
            Some(Polled::Failed(error)) => {
                tracing::debug!(%error, "librdkafka goes on");
                Ok(None)
            }
            None => Ok(None),
            Some(polled) => {
                *heard = Instant::now();
                Ok(Some(polled))
            }
        }
    }

    /// The last error outside of a call, taken.
    pub fn take_error(&self) -> Option<Cause> {
        let last = &self.consumer.context().0;
        let error = last.lock().take();
        error.map(Cause::from)
    }

    /// What an error of this client means.
    pub fn classify(&self, cause: Cause) -> ClientError {
        cause.classify(&self.brokers, &self.topic)
    }

    /// What the group has committed for a partition, as hosts do it; `None` where that is nothing.
    pub fn commit_of(&self, partition: &Arc<Partition>) -> Result<Option<Commit>, Cause> {
        let mut commits = offsets::commits_of(&self.consumer, std::slice::from_ref(partition), ANSWER)?;
        Ok(commits.pop().flatten())
    }

    /// What the group has committed for each of these partitions, where that is anything.
    pub fn committed(&self, numbers: impl IntoIterator<Item = i32>) -> Result<BTreeMap<i32, Marked>, ClientError> {
        let mut wanted = TopicPartitionList::new();
        for number in numbers {
            wanted.add_partition(&self.topic, number);
        }
        let answer = offsets::committed(&self.consumer, wanted, ANSWER);
        let list = answer.map_err(|error| ClientError::Committed(error.into()))?;
        let elements = list.elements();
        let commits = elements.iter().filter_map(|element| match element.offset() {
            Offset::Offset(point) => {
                let metadata = element.metadata().to_owned();
                Some((element.partition(), Marked { point, metadata }))
            }
            _ => None,
        });
        Ok(commits.collect())
    }

    /// Commits these offsets, each with the same text; the brokers have them when this returns.
    pub fn commit(&self, points: &BTreeMap<i32, i64>, metadata: &str) -> Result<(), ClientError> {
        let mut list = TopicPartitionList::with_capacity(points.len());
        let set = points.iter().try_for_each(|(number, point)| {
            let mut element = list.add_partition(&self.topic, *number);
            element.set_offset(Offset::Offset(*point))?;
            element.set_metadata(metadata);
            Ok(())
        });
        set.and_then(|()| self.consumer.commit(&list, CommitMode::Sync))
            .map_err(|error: KafkaError| ClientError::Commit(error.into()))
    }
}

impl ClientContext for LastError {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, _reason: &str) {
        *self.0.lock() = Some(error);
    }
}

impl ConsumerContext for LastError {}
