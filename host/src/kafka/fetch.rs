//! One record, fetched by its position, with what came before it: nothing is joined, nothing committed.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::client::Purpose;
use super::error::{ClientError, guarded};
use super::reader::Reader;
use super::record::Polled;
use super::topic::check_topic;
use crate::connection::KafkaConnection;
use crate::record::Record;
use crate::record::commit::Commit;
use crate::record::position::Partition;

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
    pub known: KnownBefore,
}

/// What is known of the records before [`Fetched::before`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownBefore {
    /// There are none: the log begins there.
    Beginning,
    /// The group has committed there.
    Committed(Commit),
    Nothing,
}

/// Why one record could not be fetched by its offset.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Client(#[from] ClientError),
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
    let purpose = Purpose::Read { group: &wanted.group };
    let reader = Reader::open(connection, &wanted.topic, purpose)?;
    let partition = reader.partition(wanted.partition);
    let fetching = Fetching {
        reader,
        wanted,
        partition,
    };
    guarded(|| fetching.run())
}

struct Fetching<'a> {
    reader: Reader,
    wanted: &'a Wanted,
    partition: Arc<Partition>,
}

impl Fetching<'_> {
    fn run(&self) -> Result<Fetched, FetchError> {
        let (number, offset) = (self.wanted.partition, self.wanted.offset);
        let range = self.reader.range(number)?;
        let partition = Partition::clone(&self.partition);
        if offset < range.start {
            let low = range.start;
            return Err(FetchError::Deleted { partition, offset, low });
        }
        if offset >= range.end {
            return Err(FetchError::NotYet {
                partition,
                offset,
                low: range.start,
                high: range.end,
            });
        }
        let (start, known) = self.start(range.start);
        self.reader.assign([(number, start)])?;
        let (record, before) = self.read()?;
        Ok(Fetched { record, before, known })
    }

    /// Where to begin, so that as much as possible is known of what came before.
    fn start(&self, low: i64) -> (i64, KnownBefore) {
        let offset = self.wanted.offset;
        let start = offset.saturating_sub(self.wanted.behind.into()).max(low);
        match self.committed() {
            Some(commit) if commit.base.is_some() && (start..=offset).contains(&commit.point.0) => {
                (commit.point.0, KnownBefore::Committed(commit))
            }
            // A log that begins at 0 has lost nothing.
            _ if start == 0 => (start, KnownBefore::Beginning),
            _ => (start, KnownBefore::Nothing),
        }
    }

    /// What cannot be had is left: it would only make the answer more exact.
    fn committed(&self) -> Option<Commit> {
        let committed = self.reader.commit_of(&self.partition);
        committed
            .inspect_err(|error| tracing::debug!(%error, "cannot read the committed offset"))
            .ok()?
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
            match self.reader.poll_patiently(&mut heard)? {
                Some(Polled::Message(message)) if message.offset() < self.wanted.offset => {
                    before.push(message.timestamp_ms());
                }
                Some(Polled::Message(message)) if message.offset() == self.wanted.offset => {
                    return Ok((message.to_record(&self.partition, Bytes::copy_from_slice), before));
                }
                Some(Polled::Message(message)) => return Err(gap(Some(message.offset()))),
                Some(Polled::End(_)) => return Err(gap(None)),
                Some(Polled::Failed(_)) | None => {}
            }
        }
    }
}

fn last_of(low: i64, high: i64) -> String {
    if low == high {
        "the partition has no record".to_owned()
    } else {
        format!("the last one is at {}", high - 1)
    }
}
