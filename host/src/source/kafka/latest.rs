//! The latest records of each partition of a topic, up to the log ends seen at the start: nothing is joined, nothing
//! committed.

use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{check_topic, classify, reader};
use super::record::to_record;
use crate::connection::KafkaConnection;
use crate::record::Record;
use crate::record::position::Partition;
use crate::source::SourceError;

/// One question to the brokers.
const ANSWER: Duration = Duration::from_secs(10);

/// Brokers that send nothing for so long are away.
const PATIENCE: Duration = Duration::from_secs(15);

const POLL: Duration = Duration::from_millis(100);

/// What is read.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub topic: String,
    /// Offsets of each partition, at most. Fewer records come where some were compacted away.
    pub per_partition: u64,
    /// Records handed out at one time, at most.
    pub batch_records: usize,
    /// A name for the client; the group is not joined.
    pub group: String,
}

/// Hands out the records of one partition after the other, in the order of their offsets, until all are read or `hand_out`
/// breaks. Blocks.
pub fn read(
    connection: &KafkaConnection,
    wanted: &Wanted,
    hand_out: impl FnMut(Vec<Record>) -> ControlFlow<()>,
) -> Result<(), SourceError> {
    let partitions = check_topic(connection, &wanted.topic)?;
    let mut reading = Reading {
        consumer: reader(connection, &wanted.group)?,
        connection,
        wanted,
        hand_out,
    };
    // librdkafka's Rust side has asserts of its own.
    catch_unwind(AssertUnwindSafe(|| {
        for number in (0..).take(partitions) {
            if reading.partition(number)?.is_break() {
                break;
            }
        }
        Ok(())
    }))
    .unwrap_or(Err(SourceError::Panicked))
}

struct Reading<'a, F> {
    consumer: BaseConsumer,
    connection: &'a KafkaConnection,
    wanted: &'a Wanted,
    hand_out: F,
}

impl<F: FnMut(Vec<Record>) -> ControlFlow<()>> Reading<'_, F> {
    fn partition(&mut self, number: i32) -> Result<ControlFlow<()>, SourceError> {
        let topic = &self.wanted.topic;
        let (low, high) = self
            .consumer
            .fetch_watermarks(topic, number, ANSWER)
            .map_err(|error| self.classify(error))?;
        let start = high.saturating_sub_unsigned(self.wanted.per_partition).max(low);
        if start >= high {
            return Ok(ControlFlow::Continue(()));
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, number, Offset::Offset(start))
            .and_then(|()| self.consumer.assign(&list))
            .map_err(SourceError::Read)?;
        let partition = Arc::new(Partition {
            topic: topic.as_str().into(),
            number,
        });
        self.range(&partition, start..high)
    }

    /// Reads these offsets of the partition that is assigned.
    fn range(&mut self, partition: &Arc<Partition>, offsets: Range<i64>) -> Result<ControlFlow<()>, SourceError> {
        let mut heard = Instant::now();
        let mut batch = Vec::new();
        loop {
            let is_last = match self.consumer.poll(POLL) {
                // Left over of the partition before.
                Some(Ok(message)) if message.partition() != partition.number => continue,
                Some(Ok(message)) => {
                    heard = Instant::now();
                    if message.offset() < offsets.end {
                        batch.push(to_record(partition, &message, Bytes::copy_from_slice));
                    }
                    message.offset() + 1 >= offsets.end
                }
                Some(Err(KafkaError::PartitionEOF(ended))) => ended == partition.number,
                Some(Err(error)) if heard.elapsed() > PATIENCE => return Err(self.classify(error)),
                None if heard.elapsed() > PATIENCE => {
                    return Err(SourceError::Unreachable {
                        brokers: self.connection.brokers.clone(),
                        cause: None,
                    });
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, "librdkafka goes on");
                    continue;
                }
                None => continue,
            };
            let is_full = batch.len() >= self.wanted.batch_records;
            if (is_last || is_full) && !batch.is_empty() {
                let flow = (self.hand_out)(std::mem::take(&mut batch));
                // However long that took, the brokers were not asked meanwhile.
                heard = Instant::now();
                if flow.is_break() {
                    return Ok(flow);
                }
            }
            if is_last {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    fn classify(&self, error: KafkaError) -> SourceError {
        classify(error, self.connection, &self.wanted.topic)
    }
}
