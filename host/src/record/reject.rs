//! The refusal of one record: where on its way, with which code, and why in words.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A record is refused for good; it becomes a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub stage: Stage,
    /// Short and stable, for counting and filtering: `bad-uuid`, `missing-field`, `trap`.
    pub code: Cow<'static, str>,
    /// One sentence for people, without the position (that is added where it is shown).
    pub message: String,
}

/// The stage of a record's way that refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Decode,
    Transform,
    Write,
}

/// Codes of rejects that say that the guest broke, not that it refused.
const GUEST_FAULTS: [&str; 5] = ["trap", "deadline", "memory", "contract", "unaccounted"];

impl Reject {
    /// Whether the record broke the guest.
    pub fn is_guest_fault(&self) -> bool {
        GUEST_FAULTS.contains(&&*self.code)
    }

    pub fn new(stage: Stage, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            stage,
            code: code.into(),
            message: message.into(),
        }
    }
}

/// No stage has this name.
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
