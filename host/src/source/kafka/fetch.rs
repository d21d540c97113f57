//! One record, fetched by its position, with what came before it: nothing is joined, nothing committed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{check_topic, classify, reader};
use super::metadata;
use super::record::to_record;
use crate::connection::KafkaConnection;
use crate::record::Record;
use crate::record::position::Partition;
use crate::source::{Commit, SourceError};

/// One question to the brokers.
const ANSWER: Duration = Duration::from_secs(10);

/// Brokers that send nothing for so long are away.
const PATIENCE: Duration = Duration::from_secs(15);

const POLL: Duration = Duration::from_millis(100);

/// What is fetched.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// Records before it that are read too, at most.
    pub behind: u32,
    /// Whose commit point may say more of what came before.
    pub group: String,
}

/// A record, and what its write timestamp is counted from.
#[derive(Debug)]
pub struct Fetched {
    pub record: Record,
    /// Timestamps of records before it, in their order, in milliseconds.
    pub before: Vec<Option<i64>>,
    pub known: Known,
}

/// What is known of the records before those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// There are none: the log begins there.
    Beginning,
    /// The group has committed there.
    Committed(Commit),
    Nothing,
}

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("topic {topic} has no partition {partition}; its partitions are 0 to {last}")]
    NoPartition { topic: String, partition: i32, last: usize },
    #[error("{partition}@{offset} was deleted by the topic's retention; the first record there now is at {low}")]
    Deleted {
        partition: Partition,
        offset: i64,
        low: i64,
    },
    #[error("{partition}@{offset} is not there yet; {}", last_of(*.low, *.high))]
    NotYet {
        partition: Partition,
        offset: i64,
        low: i64,
        high: i64,
    },
    #[error(
        "there is no record at {partition}@{offset} (compacted away, or a transaction's mark){}",
        .next.map(|next| format!("; the next one is at {next}")).unwrap_or_default()
    )]
    Gap {
        partition: Partition,
        offset: i64,
        next: Option<i64>,
    },
}

/// Fetches the record, as `host run` would read it. Blocks.
pub fn fetch(connection: &KafkaConnection, wanted: &Wanted) -> Result<Fetched, FetchError> {
    let count = check_topic(connection, &wanted.topic)?;
    if usize::try_from(wanted.partition).map_or(true, |number| number >= count) {
        return Err(FetchError::NoPartition {
            topic: wanted.topic.clone(),
            partition: wanted.partition,
            last: count.saturating_sub(1),
        });
    }
    let consumer = reader(connection, &wanted.group)?;
    let fetching = Fetching {
        consumer,
        connection,
        wanted,
        partition: Arc::new(Partition {
            topic: wanted.topic.as_str().into(),
            number: wanted.partition,
        }),
    };
    // librdkafka's Rust side has asserts of its own.
    catch_unwind(AssertUnwindSafe(|| fetching.run())).unwrap_or(Err(SourceError::Panicked.into()))
}

struct Fetching<'a> {
    consumer: BaseConsumer,
    connection: &'a KafkaConnection,
    wanted: &'a Wanted,
    partition: Arc<Partition>,
}

impl Fetching<'_> {
    fn run(&self) -> Result<Fetched, FetchError> {
        let (topic, number, offset) = (&self.wanted.topic, self.wanted.partition, self.wanted.offset);
        let (low, high) = self
            .consumer
            .fetch_watermarks(topic, number, ANSWER)
            .map_err(|error| self.classify(error))?;
        let partition = Partition::clone(&self.partition);
        if offset < low {
            return Err(FetchError::Deleted { partition, offset, low });
        }
        if offset >= high {
            return Err(FetchError::NotYet {
                partition,
                offset,
                low,
                high,
            });
        }
        let (start, known) = self.start(low);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, number, Offset::Offset(start))
            .and_then(|()| self.consumer.assign(&list))
            .map_err(SourceError::Read)?;
        let (record, before) = self.read()?;
        Ok(Fetched { record, before, known })
    }

    /// Where to begin, so that as much as possible is known of what came before.
    fn start(&self, low: i64) -> (i64, Known) {
        let offset = self.wanted.offset;
        let start = offset.saturating_sub(self.wanted.behind.into()).max(low);
        match self.committed() {
            Some(commit) if commit.base.is_some() && (start..=offset).contains(&commit.point.0) => {
                (commit.point.0, Known::Committed(commit))
            }
            // A log that begins at 0 has lost nothing.
            _ if start == 0 => (start, Known::Beginning),
            _ => (start, Known::Nothing),
        }
    }

    /// What cannot be had is left: it would only make the answer more exact.
    fn committed(&self) -> Option<Commit> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.wanted.topic, self.wanted.partition);
        let committed = self.consumer.committed_offsets(list, ANSWER);
        let committed = committed
            .inspect_err(|error| tracing::debug!(%error, "cannot read the committed offset"))
            .ok()?;
        let elements = committed.elements();
        metadata::from_element(&self.partition, elements.first()?)
    }

    fn read(&self) -> Result<(Record, Vec<Option<i64>>), FetchError> {
        let mut before = Vec::new();
        let mut heard = Instant::now();
        let gap = |next| FetchError::Gap {
            partition: Partition::clone(&self.partition),
            offset: self.wanted.offset,
            next,
        };
        loop {
            match self.consumer.poll(POLL) {
                Some(Ok(message)) if message.offset() < self.wanted.offset => {
                    heard = Instant::now();
                    before.push(message.timestamp().to_millis());
                }
                Some(Ok(message)) if message.offset() == self.wanted.offset => {
                    return Ok((to_record(&self.partition, &message, Bytes::copy_from_slice), before));
                }
                Some(Ok(message)) => return Err(gap(Some(message.offset()))),
                Some(Err(KafkaError::PartitionEOF(_))) => return Err(gap(None)),
                Some(Err(error)) if heard.elapsed() > PATIENCE => return Err(self.classify(error).into()),
                None if heard.elapsed() > PATIENCE => {
                    return Err(SourceError::Unreachable {
                        brokers: self.connection.brokers.clone(),
                        cause: None,
                    }
                    .into());
                }
                Some(Err(error)) => tracing::debug!(%error, "librdkafka goes on"),
                None => {}
            }
        }
    }

    fn classify(&self, error: KafkaError) -> SourceError {
        classify(error, self.connection, &self.wanted.topic)
    }
}

fn last_of(low: i64, high: i64) -> String {
    if low == high {
        "the partition has no record".to_owned()
    } else {
        format!("the last one is at {}", high - 1)
    }
}
