//! The stages in which a batch spends its time, and how long it was in one.

use std::time::{Duration, Instant};

/// Where a batch's time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Decode,
    Guest,
    Write,
    DeadLetters,
}

impl Stage {
    pub const ALL: [Self; 4] = [Self::Decode, Self::Guest, Self::Write, Self::DeadLetters];

    pub fn label(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Guest => "guest",
            Self::Write => "write",
            Self::DeadLetters => "dead_letters",
        }
    }
}

/// When something was done.
#[derive(Debug, Clone, Copy)]
pub struct Lap {
    pub begun: Instant,
    pub took: Duration,
}

impl Lap {
    pub fn since(begun: Instant) -> Self {
        Self {
            begun,
            took: begun.elapsed(),
        }
    }
}
