//! The polling thread's state of each partition that it reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;

use super::Flags;
use super::place::PartitionPlace;
use super::rebalance::{Assigned, Context};
use crate::kafka::member::{Member, Queue};
use crate::kafka::record::Message;
use crate::record::Record;
use crate::record::topic_id::TopicId;
use crate::source::gauge::Gauge;

/// Keys and values lie in buffers of this size, one after the other: one allocation for a hundred orders instead of two
/// for each. A buffer is given back when the last of its records is settled; larger ones would hold more memory for a few
/// records that are kept as examples.
const BUFFER_BYTES: usize = 32 << 10;

/// A value larger than this has memory of its own, so that little of a buffer stays unused.
const LARGE_BYTES: usize = BUFFER_BYTES / 8;

/// All partitions, by number.
#[derive(Default)]
pub struct Readings {
    by_number: BTreeMap<i32, Reading>,
    /// The assignment generation that these readings belong to.
    generation: u64,
}

/// One partition.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them go together"
)]
pub struct Reading {
    pub assigned: Assigned,
    /// The records that librdkafka has fetched.
    pub queue: Arc<Queue<Context>>,
    pub gathered: Vec<Record>,
    /// How many records were handed out the last time.
    usual: usize,
    /// Whether the gauge was full and is not half empty yet.
    pub is_full: bool,
    /// Whether the partition was read to the end that was asked for.
    pub has_ended: bool,
    /// Whether librdkafka's queue was found empty since the last look.
    pub is_drained: bool,
    /// Where the log started at that look.
    pub log_start: Option<i64>,
    pub place: PartitionPlace,
    /// Whether the topic may have been recreated, which has to be checked.
    pub is_doubtful: bool,
    /// Set if the topic was recreated. The new one is read once everything of this one is settled.
    pub remade: Option<Remade>,
    /// The log end seen when it was assigned, with `Until::End`.
    pub end: Option<i64>,
    buffer: BytesMut,
}

/// What a partition waits for before the new topic is read.
pub struct Remade {
    pub topic: TopicId,
    /// The gauge of the new topic's records.
    pub gauge: Arc<Gauge>,
    pub settled: oneshot::Receiver<()>,
    /// Whether the answer has come.
    pub is_settled: bool,
}

impl Readings {
    /// Takes over assignments that came while polling, and returns whether there were any. Records gathered for an
    /// earlier assignment are dropped: they come again with the new one, or to another member.
    pub fn follow(&mut self, member: &Member<Context>, flags: &Arc<Flags>) -> bool {
        let context = member.listener();
        let generation = context.generation();
        if generation == self.generation {
            return false;
        }
        self.generation = generation;
        let fresh = context.take_fresh();
        let mut before = std::mem::take(&mut self.by_number);
        for assigned in context.all_assigned() {
            let number = assigned.partition.number;
            let known = before.remove(&number).filter(|_| !fresh.contains(&number));
            if let Some(reading) = known.or_else(|| Reading::new(assigned, member, flags)) {
                self.by_number.insert(number, reading);
            }
        }
        true
    }

    /// The reading of the partition with this number; `None` if it is not assigned.
    pub fn get(&mut self, number: i32) -> Option<&mut Reading> {
        self.by_number.get_mut(&number)
    }

    /// All readings, by the numbers of their partitions.
    pub fn all(&mut self) -> impl Iterator<Item = &mut Reading> {
        self.by_number.values_mut()
    }
}

impl Reading {
    fn new(assigned: Assigned, member: &Member<Context>, flags: &Arc<Flags>) -> Option<Self> {
        let flags = Arc::clone(flags);
        // The queue was split off when the partition was assigned. If that failed, the assignment has reported it.
        let queue = member.queue(&assigned.partition, move || flags.wake())?;
        Some(Self {
            queue: Arc::new(queue),
            gathered: Vec::new(),
            usual: 0,
            is_full: false,
            has_ended: false,
            is_drained: false,
            log_start: None,
            place: PartitionPlace::at(assigned.from),
            is_doubtful: false,
            remade: None,
            end: assigned.end,
            buffer: BytesMut::new(),
            assigned,
        })
    }

    /// Whether more records may be taken. Once the gauge was full, half of it has to be settled first, so that batches
    /// do not become small.
    pub fn wants_more(&mut self) -> bool {
        let gauge = &self.assigned.gauge;
        self.is_full = gauge.is_full() || (self.is_full && !gauge.has_room());
        !self.is_full && !self.has_ended && self.remade.is_none()
    }

    /// Begins again with another assignment. Everything that was gathered has been handed out.
    pub fn restart(&mut self, assigned: Assigned) {
        self.gathered.clear();
        self.is_full = false;
        self.has_ended = false;
        self.is_drained = false;
        self.log_start = None;
        self.place = PartitionPlace::at(assigned.from);
        self.remade = None;
        self.end = assigned.end;
        self.assigned = assigned;
    }

    /// Whether there is nothing to read up to the end that is wanted. A committed offset beyond it says that the topic was
    /// made anew, and is left to the brokers.
    pub fn is_empty(&self) -> bool {
        let from = self.assigned.from.map_or(0, |from| from.0);
        self.end == Some(from)
    }

    /// Adds a message to the gathered records, and to the partition's gauge.
    pub fn gather(&mut self, message: &Message<'_>) {
        let buffer = &mut self.buffer;
        let record = message.to_record(&self.assigned.partition, |part| keep(buffer, part));
        self.assigned.gauge.add(1, record.size());
        if self.gathered.is_empty() {
            // The next chunk is likely as large as the last one, so its memory is reserved at once.
            self.gathered.reserve(self.usual);
        }
        self.gathered.push(record);
    }

    /// Takes the gathered records, to hand them out.
    pub fn take_gathered(&mut self) -> Vec<Record> {
        self.usual = self.gathered.len();
        std::mem::take(&mut self.gathered)
    }

    /// Whether this was the last record before the end that was asked for.
    pub fn is_at_end(&self, message: &Message<'_>) -> bool {
        self.end.is_some_and(|end| message.offset() + 1 >= end)
    }
}

fn keep(buffer: &mut BytesMut, part: &[u8]) -> Bytes {
    if part.len() > LARGE_BYTES {
        return Bytes::copy_from_slice(part);
    }
    if buffer.capacity() < part.len() {
        *buffer = BytesMut::with_capacity(BUFFER_BYTES);
    }
    buffer.extend_from_slice(part);
    buffer.split().freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_parts_share_a_buffer_and_large_ones_have_their_own() {
        let mut buffer = BytesMut::new();
        let one = keep(&mut buffer, b"one");
        let two = keep(&mut buffer, b"two");
        assert_eq!((&one[..], &two[..]), (&b"one"[..], &b"two"[..]));
        assert_eq!(one.as_ptr().wrapping_add(3), two.as_ptr());
        let large = keep(&mut buffer, &vec![7; LARGE_BYTES + 1]);
        let three = keep(&mut buffer, b"three");
        assert_eq!(two.as_ptr().wrapping_add(3), three.as_ptr());
        assert_eq!(large.len(), LARGE_BYTES + 1);
        let full: Vec<_> = (0..20).map(|_| keep(&mut buffer, &[1; LARGE_BYTES])).collect();
        assert!(full.iter().all(|part| part[..] == [1; LARGE_BYTES]));
        assert_eq!(&keep(&mut buffer, b"")[..], b"");
    }
}
