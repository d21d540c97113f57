//! Keeps each rejected record with its reason where an operator can look at it and replay it.

pub mod file;
pub mod form;
mod headers;
pub mod topic;

use std::error::Error;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::record::Record;
use crate::record::descriptor::PluginIdentity;
use crate::record::position::WriteTime;
use crate::record::reject::Reject;

/// A rejected record: its key, value, headers and timestamp byte for byte, and why it was rejected.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    pub record: Record,
    pub reject: Reject,
    pub plugin: PluginIdentity,
    /// How often the record was tried, counted from 1.
    pub attempt: u32,
    /// The write timestamp that its rows would have had.
    pub write_time: WriteTime,
    /// The generation within `write_time`.
    pub generation: u8,
    /// How often the record has been replayed.
    pub replays: u32,
    /// When it was rejected, in milliseconds since 1970.
    pub rejected_at_ms: i64,
}

/// Where dead letters go.
pub trait DeadLetters: Send + Sync {
    /// Publishes the letters. Gives one result for each, in order, once it is acknowledged (Kafka) or on disk (file).
    fn publish<'a>(&'a self, letters: &'a [DeadLetter]) -> BoxFuture<'a, Vec<Result<(), DeadLetterError>>>;
}

/// Why a dead letter was not acknowledged. It is tried again for ever, since a record must not be lost.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{words}")]
pub struct DeadLetterError {
    /// Decides what happens to the letter: the table is in `pipeline/trouble/fault.rs`.
    pub fault: LetterFault,
    /// The topic or the file.
    pub at: String,
    words: String,
    #[source]
    pub cause: SharedCause,
}

/// The kinds of trouble that a dead letter can meet, whatever it is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterFault {
    /// Brokers or disk cannot be reached, or cannot write at the moment.
    Away,
    /// The topic does not take the letter as it is: it is too large, or has no key and the topic is compacted.
    Refused,
    /// The topic is not there any more.
    Gone,
    /// The brokers do not allow the write.
    Forbidden,
    /// The topic does not take this host's time.
    Clock,
}

impl DeadLetterError {
    /// `words` is what the error says, `cause` what is behind it.
    pub fn new(fault: LetterFault, at: &str, words: String, cause: impl Error + Send + Sync + 'static) -> Self {
        Self {
            fault,
            at: at.to_owned(),
            words,
            cause: Arc::new(cause),
        }
    }
}

/// The cause of a [`DeadLetterError`], which several letters may share.
pub type SharedCause = Arc<dyn Error + Send + Sync>;
