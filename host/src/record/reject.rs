//! The refusal of one record: the stage, a code, and a message.

use std::borrow::Cow;
use std::fmt;

use super::stage::Stage;

/// A refusal for good. The record becomes a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The stage that refused it.
    pub stage: Stage,
    /// A short and stable code for counting and filtering: `bad-uuid`, `missing-field`, `trap`.
    pub code: Cow<'static, str>,
    /// One sentence for people. It lacks the position, which is added wherever the message is shown.
    pub message: String,
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

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
