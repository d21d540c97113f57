//! What is wrong with the settings: every problem with its place and its remedy, all in one error.

use std::fmt;

/// One thing wrong: where it was said, what is wrong, what to do about it. Holds no secret values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `--start`, `HOST_START`, `host.toml:3: source.start`; empty where no one place is to blame.
    pub place: String,
    pub message: String,
}

/// Everything wrong with the settings, in the order in which it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problem {
    pub fn new(place: impl fmt::Display, message: impl Into<String>) -> Self {
        Self {
            place: place.to_string(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.place, self.message)
        }
    }
}

/// One problem on the line itself, several on a line each.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => only.fmt(f),
            several => {
                write!(f, "{} settings are wrong:", several.len())?;
                several.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for Problems {}
