//! The stages of a record's way, each with one name in metrics, spans, dead letters and the page.

use std::fmt;
use std::str::FromStr;

/// Where a record is refused, and where a batch spends its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Decode,
    Transform,
    Write,
    /// The refused records of a batch are kept here, so a reject never has this stage.
    DeadLetters,
}

impl Stage {
    /// In the order in which a batch passes them.
    pub const ALL: [Self; 4] = [Self::Decode, Self::Transform, Self::Write, Self::DeadLetters];

    /// The word for the stage in metrics, status, spans and headers of dead letters.
    pub fn label(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Transform => "transform",
            Self::Write => "write",
            Self::DeadLetters => "dead_letters",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// The text is not the name of a stage that refuses records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of decode, transform, write")]
pub struct UnknownStage;

/// Reads the stage of a reject.
impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        let stages = [Self::Decode, Self::Transform, Self::Write];
        stages
            .into_iter()
            .find(|stage| stage.label() == text)
            .ok_or(UnknownStage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reject_has_every_stage_but_that_of_the_dead_letters() {
        for stage in Stage::ALL {
            let expected = (stage != Stage::DeadLetters).then_some(stage);
            assert_eq!(stage.to_string().parse().ok(), expected);
        }
        assert_eq!("guest".parse::<Stage>(), Err(UnknownStage));
    }
}
