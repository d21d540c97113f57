//! The latest records of each partition of a topic, up to the log ends seen at the start: nothing is joined, nothing
//! committed.

use std::ops::{ControlFlow, Range};
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
use crate::record::position::Partition;

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
) -> Result<(), ClientError> {
    let partitions = check_topic(connection, &wanted.topic)?;
    let purpose = Purpose::Read { group: &wanted.group };
    let mut reading = TailReading {
        reader: Reader::open(connection, &wanted.topic, purpose)?,
        wanted,
        hand_out,
    };
    guarded(|| {
        for number in (0..).take(partitions) {
            if reading.partition(number)?.is_break() {
                break;
            }
        }
        Ok(())
    })
}

struct TailReading<'a, F> {
    reader: Reader,
    wanted: &'a Wanted,
    hand_out: F,
}

impl<F: FnMut(Vec<Record>) -> ControlFlow<()>> TailReading<'_, F> {
    fn partition(&mut self, number: i32) -> Result<ControlFlow<()>, ClientError> {
        let Range { start: low, end: high } = self.reader.range(number)?;
        let start = high.saturating_sub_unsigned(self.wanted.per_partition).max(low);
        if start >= high {
            return Ok(ControlFlow::Continue(()));
        }
        self.reader.assign([(number, start)])?;
        let partition = self.reader.partition(number);
        self.range(&partition, start..high)
    }

    /// Reads these offsets of the partition that is assigned.
    fn range(&mut self, partition: &Arc<Partition>, offsets: Range<i64>) -> Result<ControlFlow<()>, ClientError> {
        let mut heard = Instant::now();
        let mut batch = Vec::new();
        loop {
            let is_last = match self.reader.poll_patiently(&mut heard)? {
                // Left over of the partition before.
                Some(Polled::Message(message)) if message.partition() != partition.number => continue,
                Some(Polled::Message(message)) => {
                    if message.offset() < offsets.end {
                        batch.push(message.to_record(partition, Bytes::copy_from_slice));
                    }
                    message.offset() + 1 >= offsets.end
                }
                Some(Polled::End(ended)) => ended == partition.number,
                Some(Polled::Failed(_)) | None => continue,
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
}
