//! What every layer speaks of: a record and where it stands, columns, what a plugin takes and gives, a refusal.
//! Types without I/O; the lowest layer, which imports none of the others.

pub mod causes;
pub mod columns;
pub mod descriptor;
pub mod display;
pub mod letter;
pub mod position;
pub mod reject;
pub mod topic_id;
pub mod trace_parent;
pub mod trail;

use bytes::Bytes;

use position::{Offset, Position, WriteTime};

/// One Kafka message, or one row of a file that stands for one.
#[derive(Debug, Clone)]
pub struct Record {
    pub position: Position,
    /// Milliseconds since 1970-01-01T00:00Z, as Kafka keeps them; `None` where the source gives no time.
    pub timestamp_ms: Option<i64>,
    pub key: Option<Bytes>,
    /// `None` is a tombstone.
    pub value: Option<Bytes>,
    pub headers: Vec<Header>,
    /// For a record that comes back from the dead letters.
    pub redriven: Option<Redriven>,
}

/// What a dead letter says of its record's write timestamp, and where the letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redriven {
    /// The record's own: what it counted from when it was read first.
    pub base: WriteTime,
    /// 1..=15, above what the record was written with before.
    pub generation: u8,
    /// How often the record has been replayed, this time included.
    pub replays: u32,
    /// The letter's offset, which is what is committed.
    pub letter: Offset,
}

/// A Kafka record header; a key may come more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub key: String,
    pub value: Option<Bytes>,
}

impl Redriven {
    pub fn write_time(&self) -> WriteTime {
        WriteTime(self.base.0.saturating_add(i64::from(self.generation)))
    }
}

impl Record {
    /// Where the source read it: its own offset, or that of its dead letter.
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
