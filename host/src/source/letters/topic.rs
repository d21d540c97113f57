//! A consumer of a dead-letter topic outside of any group's rebalancing, and what it asks the brokers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::LettersTopic;
use super::session::{Committed, Mark};
use crate::kafka_producer::without_value;
use crate::record::letter::{Found, headers};
use crate::record::position::Partition;
use crate::source::SourceError;
use crate::source::kafka::client::{check_topic, classify, client_config};
use crate::source::kafka::record::to_record;

/// One question to the brokers.
const ANSWER: Duration = Duration::from_secs(10);

/// Keeps what librdkafka reports outside of a call.
#[derive(Debug, Default)]
pub struct Listener {
    last_error: Mutex<Option<KafkaError>>,
}

pub struct Letters {
    pub consumer: BaseConsumer<Listener>,
    pub topic: LettersTopic,
    /// The offsets that were there when it was opened.
    pub ranges: BTreeMap<i32, Range<i64>>,
}

impl Letters {
    pub fn open(topic: &LettersTopic) -> Result<Self, SourceError> {
        let partitions = check_topic(&topic.connection, &topic.name)?;
        let mut config = client_config(&topic.connection);
        config
            .set("group.id", &topic.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("queued.max.messages.kbytes", "4096")
            .set("allow.auto.create.topics", "false");
        let consumer: BaseConsumer<Listener> = config
            .create_with_context(Listener::default())
            .map_err(|error| SourceError::Setting(without_value(error)))?;
        let ranges = (0..).take(partitions).map(|number| {
            let (low, high) = consumer.fetch_watermarks(&topic.name, number, ANSWER)?;
            Ok((number, low..high))
        });
        let ranges = ranges.collect::<KafkaResult<_>>();
        let ranges = ranges.map_err(|error| classify(error, &topic.connection, &topic.name))?;
        Ok(Self {
            consumer,
            topic: topic.clone(),
            ranges,
        })
    }

    /// Reads from the beginning of these ranges on.
    pub fn assign(&self, ranges: &BTreeMap<i32, Range<i64>>) -> Result<(), SourceError> {
        let mut list = TopicPartitionList::with_capacity(ranges.len());
        let added = ranges.iter().try_for_each(|(number, range)| {
            list.add_partition_offset(&self.topic.name, *number, Offset::Offset(range.start))
        });
        added
            .and_then(|()| self.consumer.assign(&list))
            .map_err(SourceError::Read)
    }

    /// The last error outside of a call, taken.
    pub fn take_error(&self) -> Option<KafkaError> {
        let last = &self.consumer.context().last_error;
        last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub fn partition(&self, number: i32) -> Arc<Partition> {
        Arc::new(Partition {
            topic: self.topic.name.as_str().into(),
            number,
        })
    }

    pub fn classify(&self, error: KafkaError) -> SourceError {
        classify(error, &self.topic.connection, &self.topic.name)
    }

    /// What earlier replays committed.
    pub fn committed(&self) -> Result<BTreeMap<i32, Committed>, SourceError> {
        let mut list = TopicPartitionList::new();
        for number in self.ranges.keys() {
            list.add_partition(&self.topic.name, *number);
        }
        let answer = self.consumer.committed_offsets(list, ANSWER).and_then(|list| {
            // An error is no "nothing committed".
            list.elements().iter().try_for_each(TopicPartitionListElem::error)?;
            Ok(list)
        });
        let list = answer.map_err(SourceError::Committed)?;
        let elements = list.elements();
        let commits = elements.iter().filter_map(|element| match element.offset() {
            Offset::Offset(point) => {
                let mark = Mark::parse(element.metadata());
                Some((element.partition(), Committed { point, mark }))
            }
            _ => None,
        });
        Ok(commits.collect())
    }

    pub fn commit(&self, points: &BTreeMap<i32, i64>, mark: &Mark) -> Result<(), SourceError> {
        let mut list = TopicPartitionList::with_capacity(points.len());
        for (number, point) in points {
            let mut element = list.add_partition(&self.topic.name, *number);
            element
                .set_offset(Offset::Offset(*point))
                .map_err(SourceError::Commit)?;
            element.set_metadata(mark.format());
        }
        self.consumer
            .commit(&list, CommitMode::Sync)
            .map_err(SourceError::Commit)
    }
}

/// The letter that a message is.
pub fn found(partition: &Arc<Partition>, message: &BorrowedMessage<'_>) -> Found {
    let record = to_record(partition, message, Bytes::copy_from_slice);
    Found {
        at: record.position.clone(),
        letter: headers::read(&record),
        message: record,
    }
}

impl ClientContext for Listener {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, _reason: &str) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

impl ConsumerContext for Listener {}
