//! Why a replay of dead letters cannot begin or go on.

use crate::source::error::{SourceError, SourceFault};

/// Why a replay must not begin or go on, though the brokers answer.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    #[error(
        "{count} replays with different plugins or conditions have used every generation up to 15 of the dead letters in {topic}; \
         a further replay could not replace the rows that they wrote (host/docs/dead-letters.md)"
    )]
    GenerationsSpent { topic: String, count: u8 },
    #[error("another replay of {topic} has begun meanwhile; this one has stopped, and what it settled is committed")]
    Overtaken { topic: String },
}

impl From<LettersError> for SourceError {
    fn from(error: LettersError) -> Self {
        let fault = match error {
            LettersError::GenerationsSpent { .. } => SourceFault::Setting,
            LettersError::Overtaken { .. } => SourceFault::Replaced,
        };
        Self::new(fault, error)
    }
}
