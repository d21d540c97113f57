//! A dead-letter topic, read outside of any group's rebalancing, and what replays have committed in it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::LettersTopic;
use super::session::{Committed, Mark};
use crate::kafka::client::Purpose;
use crate::kafka::error::ClientError;
use crate::kafka::reader::Reader;
use crate::kafka::record::Message;
use crate::kafka::topic::check_topic;
use crate::record::letter::{Found, headers};
use crate::record::position::Partition;

/// An open dead-letter topic.
pub struct Letters {
    pub reader: Reader,
    pub topic: LettersTopic,
    /// The offsets that were there when it was opened.
    pub ranges: BTreeMap<i32, Range<i64>>,
}

impl Letters {
    /// Connects, and finds out which offsets there are. Fails if brokers or topic are not there.
    pub fn open(topic: &LettersTopic) -> Result<Self, ClientError> {
        let partitions = check_topic(&topic.connection, &topic.name)?;
        let purpose = Purpose::Replay { group: &topic.group };
        let reader = Reader::open(&topic.connection, &topic.name, purpose)?;
        let ranges = (0..).take(partitions).map(|number| Ok((number, reader.range(number)?)));
        let ranges = ranges.collect::<Result<_, ClientError>>()?;
        Ok(Self {
            reader,
            topic: topic.clone(),
            ranges,
        })
    }

    /// Reads from the beginning of these ranges on.
    pub fn assign(&self, ranges: &BTreeMap<i32, Range<i64>>) -> Result<(), ClientError> {
        let starts = ranges.iter().map(|(number, range)| (*number, range.start));
        self.reader.assign(starts)
    }

    /// The commits of earlier replays, by partition.
    pub fn committed(&self) -> Result<BTreeMap<i32, Committed>, ClientError> {
        let commits = self.reader.committed(self.ranges.keys().copied())?.into_iter();
        let read = commits.map(|(number, commit)| {
            let (point, mark) = (commit.point, Mark::parse(&commit.metadata));
            (number, Committed { point, mark })
        });
        Ok(read.collect())
    }

    /// Commits how far a replay has come in each partition, with the mark of its session.
    pub fn commit(&self, points: &BTreeMap<i32, i64>, mark: &Mark) -> Result<(), ClientError> {
        self.reader.commit(points, &mark.format())
    }
}

/// Reads a message as a letter.
pub fn found(partition: &Arc<Partition>, message: &Message<'_>) -> Found {
    let record = message.to_record(partition, Bytes::copy_from_slice);
    Found {
        at: record.position.clone(),
        letter: headers::read(&record),
        message: record,
    }
}
