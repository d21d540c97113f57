//! What every layer speaks of: a record and where it stands, columns, what a plugin takes and gives, a refusal.
//! Types without I/O; the lowest layer, which imports none of the others.

pub mod columns;
pub mod descriptor;
pub mod display;
pub mod position;
pub mod reject;

use bytes::Bytes;

use position::Position;

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
}

/// A Kafka record header; a key may come more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub key: String,
    pub value: Option<Bytes>,
}

impl Record {
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
