//! A dead letter that was read back: the record as it was, why it was rejected, and the write timestamp it
//! would have had.
//!
//! [`headers`] reads a letter from a topic, [`line`] from a file. [`filter`] selects letters. [`replay`] says with
//! which write timestamp a letter may go through the pipeline again. [`reference`] is about letters that do not hold
//! their whole record.

pub mod filter;
pub mod headers;
pub mod line;
pub mod reference;
pub mod replay;

use super::Record;
use super::position::{Position, WriteTime};
use super::reject::Reject;
use reference::Held;

/// One dead letter that this program wrote.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The rejected record with its own position, key, value, headers and timestamp.
    pub record: Record,
    pub reject: Reject,
    pub plugin: PluginName,
    /// How often publishing the letter was tried, counted from 1.
    pub attempt: u32,
    /// The write timestamp that its rows would have had.
    pub write_time: WriteTime,
    /// The generation within `write_time`.
    pub generation: u8,
    /// How often the record had been replayed when it was rejected.
    pub replays: u32,
    /// When it was rejected, in milliseconds since 1970, or `None` if the letter does not say.
    pub rejected_at_ms: Option<i64>,
    /// Where to find the record's value, headers and key.
    pub held: Held,
}

/// The plugin that a letter names. The plugin itself may be long gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginName {
    pub name: String,
    pub version: String,
    pub digest: String,
}

/// One entry in a place of dead letters.
#[derive(Debug, Clone)]
pub struct Found {
    /// The position of the letter itself, in the dead-letter topic or in a file.
    pub at: Position,
    /// The entry as it was read. From a file, the line is the value.
    pub message: Record,
    pub letter: Result<Letter, NotALetter>,
}

/// Why an entry is not a dead letter of this program. It is listed as such and never replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotALetter {
    #[error("it has no `{0}`")]
    Missing(&'static str),
    #[error("its `{name}` is {text:?}, which cannot be read")]
    Unreadable { name: &'static str, text: String },
    #[error("the line is not a dead letter: {0}")]
    Line(String),
}

impl Letter {
    /// The record's write timestamp without the generation.
    pub fn base(&self) -> WriteTime {
        WriteTime(self.write_time.0.saturating_sub(i64::from(self.generation)))
    }

    /// When the record was rejected, or if the letter does not say, the record's own timestamp.
    pub fn time_ms(&self) -> Option<i64> {
        self.rejected_at_ms.or(self.record.timestamp_ms)
    }
}
