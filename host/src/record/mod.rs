//! The types that all layers share: a record and its position, columns, a plugin's description, a reject.
//! They do no I/O. This is the lowest layer, and imports none of the others.

pub mod causes;
pub mod columns;
pub mod commit;
pub mod descriptor;
pub mod display;
pub mod letter;
pub mod position;
pub mod reject;
pub mod stage;
pub mod topic_id;
pub mod trace_parent;
pub mod trail;

use bytes::Bytes;

use position::{Offset, Position, WriteTime};

/// One Kafka record, or one row of a file that stands for one.
#[derive(Debug, Clone)]
pub struct Record {
    pub position: Position,
    /// Milliseconds since 1970-01-01T00:00Z, as in Kafka, or `None` if the source gives no time.
    pub timestamp_ms: Option<i64>,
    pub key: Option<Bytes>,
    /// `None` means a tombstone.
    pub value: Option<Bytes>,
    pub headers: Vec<Header>,
    /// Set for a record that is replayed from a dead letter.
    pub redriven: Option<Redriven>,
}

/// The write timestamp that a dead letter gives its record, and the letter's own position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redriven {
    /// The record's own base, as worked out when it was first read.
    pub base: WriteTime,
    /// 1 to 15, above all generations that the record was written with before.
    pub generation: u8,
    /// How often the record has been replayed, this time included.
    pub replays: u32,
    /// The letter's offset, which is what is committed.
    pub letter: Offset,
}

/// A header of a Kafka record. A key may come more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub key: String,
    pub value: Option<Bytes>,
}

impl Redriven {
    /// The write timestamp: base plus generation.
    pub fn write_time(&self) -> WriteTime {
        WriteTime(self.base.0.saturating_add(i64::from(self.generation)))
    }
}

impl Record {
    /// The offset at which the source read it: its own, or that of its dead letter.
    pub fn read_at(&self) -> Offset {
        self.redriven.map_or(self.position.offset, |redriven| redriven.letter)
    }

    /// Bytes that the record holds in memory, near enough for a bound.
    pub fn size(&self) -> usize {
        let bytes = |part: &Option<Bytes>| part.as_ref().map_or(0, Bytes::len);
        let headers: usize = self
            .headers
            .iter()
            .map(|header| header.key.len() + bytes(&header.value))
            .sum();
        size_of::<Self>() + bytes(&self.key) + bytes(&self.value) + headers
    }
}
