//! A dead letter read back: the record as it was, why it was refused, and what it would have been written with.
//!
//! [`headers`] reads a letter from a topic, [`line`] one from a file; [`filter`] picks letters, [`replay`] says with
//! which write timestamp a letter may go through the pipeline again, [`reference`] of letters that do not hold their
//! record.

pub mod filter;
pub mod headers;
pub mod line;
pub mod reference;
pub mod replay;

use super::Record;
use super::position::{Position, WriteTime};
use super::reject::Reject;
use reference::Held;

/// One dead letter of ours.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The refused record with its own position, key, value, headers and timestamp.
    pub record: Record,
    pub reject: Reject,
    pub plugin: PluginName,
    /// How often its publishing was tried, counted from 1.
    pub attempt: u32,
    /// What its rows would have been written with.
    pub write_time: WriteTime,
    /// The generation within `write_time`.
    pub generation: u8,
    /// How often the record had been replayed when it was refused.
    pub replays: u32,
    /// When it was refused, in milliseconds since 1970; `None` where the letter does not say.
    pub rejected_at_ms: Option<i64>,
    /// Where the record's value, headers and key are.
    pub held: Held,
}

/// The plugin that a letter names, in its own words: the plugin itself may be long gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginName {
    pub name: String,
    pub version: String,
    pub digest: String,
}

/// What stands in a place of dead letters.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where the letter itself stands: in the dead-letter topic, or on a line of a file.
    pub at: Position,
    /// As it was read; of a file, the line as its value.
    pub message: Record,
    pub letter: Result<Letter, NotALetter>,
}

/// Somebody else's: it is listed as such, and never replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotALetter {
    #[error("there is no `{0}` in it")]
    Missing(&'static str),
    #[error("its `{name}` is {text:?}, which cannot be read")]
    Unreadable { name: &'static str, text: String },
    #[error("the line is not a dead letter: {0}")]
    Line(String),
}

impl Letter {
    /// The base that the record's write timestamps count from, whatever the generation.
    pub fn base(&self) -> WriteTime {
        WriteTime(self.write_time.0.saturating_sub(i64::from(self.generation)))
    }

    /// When it was refused; of letters that do not say, when the record was made.
    pub fn time_ms(&self) -> Option<i64> {
        self.rejected_at_ms.or(self.record.timestamp_ms)
    }
}
