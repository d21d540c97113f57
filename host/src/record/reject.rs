//! The refusal of one record: the stage, a code, and a message.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A refusal for good. The record becomes a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub stage: Stage,
    /// A short and stable code for counting and filtering: `bad-uuid`, `missing-field`, `trap`.
    pub code: Cow<'static, str>,
    /// One sentence for people. It lacks the position, which is added wherever the message is shown.
    pub message: String,
}

/// The stage that refused the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Decode,
    Transform,
    Write,
}

/// Codes that mean that the guest failed, rather than that it refused the record.
const GUEST_FAULTS: [&str; 5] = ["trap", "deadline", "memory", "contract", "unaccounted"];

impl Reject {
    /// Whether the guest failed at this record.
    pub fn is_guest_fault(&self) -> bool {
        GUEST_FAULTS.contains(&&*self.code)
    }

    /// Makes a reject.
    pub fn new(stage: Stage, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            stage,
            code: code.into(),
            message: message.into(),
        }
    }
}

/// The text is not the name of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of decode, transform, write")]
pub struct UnknownStage;

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        let stages = [Self::Decode, Self::Transform, Self::Write];
        stages
            .into_iter()
            .find(|stage| stage.to_string() == text)
            .ok_or(UnknownStage)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decode => "decode",
            Self::Transform => "transform",
            Self::Write => "write",
        })
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
