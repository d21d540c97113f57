//! What the polling thread knows of each partition that it reads, between two polls.

use bytes::{Bytes, BytesMut};
use rdkafka::message::{BorrowedMessage, Message};

use super::poll::to_record;
use super::rebalance::{Assigned, Context};
use crate::record::Record;

/// Keys and values lie in buffers of this size, one after the other: one allocation for a hundred orders instead of two
/// for each. A buffer is given back when the last of its records is settled; larger ones would hold more memory for a few
/// records that are kept as examples.
const BUFFER_BYTES: usize = 32 << 10;

/// A larger value has memory of its own, so that little of a buffer stays unused.
const LARGE_BYTES: usize = BUFFER_BYTES / 8;

/// All partitions, by number.
#[derive(Default)]
pub struct Readings {
    by_number: Vec<Option<Reading>>,
    /// Of the assignments that these are.
    generation: u64,
}

/// One partition.
pub struct Reading {
    pub assigned: Assigned,
    pub gathered: Vec<Record>,
    pub is_paused: bool,
    /// Read to the end that was wanted.
    pub has_ended: bool,
    /// Whether a record has come since it was assigned.
    pub has_begun: bool,
    /// The log end seen when it was assigned, with `Until::End`.
    pub end: Option<i64>,
    buffer: BytesMut,
}

impl Readings {
    /// Assignments come while polling. Records gathered for an earlier assignment come once more with the new one, and those
    /// of a partition that was revoked come to another member.
    /// Says whether anything came or went.
    pub fn follow(&mut self, context: &Context) -> bool {
        let generation = context.generation();
        if generation == self.generation {
            return false;
        }
        self.generation = generation;
        let fresh = context.take_fresh();
        let mut before = std::mem::take(&mut self.by_number);
        for assigned in context.all_assigned() {
            let number = assigned.partition.number;
            let Ok(index) = usize::try_from(number) else { continue };
            let known = before.get_mut(index).and_then(Option::take);
            let reading = known
                .filter(|_| !fresh.contains(&number))
                .unwrap_or_else(|| Reading::new(assigned));
            if self.by_number.len() <= index {
                self.by_number.resize_with(index + 1, || None);
            }
            self.by_number[index] = Some(reading);
        }
        true
    }

    pub fn get(&mut self, number: i32) -> Option<&mut Reading> {
        self.by_number.get_mut(usize::try_from(number).ok()?)?.as_mut()
    }

    pub fn all(&mut self) -> impl Iterator<Item = &mut Reading> {
        self.by_number.iter_mut().flatten()
    }
}

impl Reading {
    fn new(assigned: Assigned) -> Self {
        Self {
            gathered: Vec::new(),
            is_paused: false,
            has_ended: false,
            has_begun: false,
            end: assigned.end,
            buffer: BytesMut::new(),
            assigned,
        }
    }

    pub fn number(&self) -> i32 {
        self.assigned.partition.number
    }

    /// Whether there is nothing to read up to the end that is wanted. A committed offset beyond it says that the topic was
    /// made anew, and is left to the brokers.
    pub fn is_empty(&self) -> bool {
        let from = self.assigned.from.map_or(0, |from| from.0);
        self.end == Some(from)
    }

    pub fn gather(&mut self, message: &BorrowedMessage<'_>) {
        let buffer = &mut self.buffer;
        let record = to_record(&self.assigned.partition, message, |part| keep(buffer, part));
        self.assigned.gauge.add(1, record.size());
        self.gathered.push(record);
    }

    /// Whether this was the last record that is wanted.
    pub fn is_at_end(&self, message: &BorrowedMessage<'_>) -> bool {
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
