//! The errors that end a verb early, by exit code: 1 failed, 2 wrong usage, 3 a service cannot be reached.

use std::fmt;
use std::process::ExitCode;

/// An error that ends the program, by what has to be done about it.
#[derive(Debug)]
pub enum Failure {
    /// Exit code 1: the verb was carried out and did not succeed.
    Failed(anyhow::Error),
    /// Exit code 2: usage, configuration, plugin or input file is wrong, so another try would fail too.
    Usage(anyhow::Error),
    /// Exit code 3: a service could not be reached at start.
    Unreachable(anyhow::Error),
}

impl Failure {
    /// The exit code of the program: 1, 2 or 3.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
        })
    }

    /// The error itself, with its causes.
    pub fn error(&self) -> &anyhow::Error {
        match self {
            Self::Failed(error) | Self::Usage(error) | Self::Unreachable(error) => error,
        }
    }
}

/// Writes the error and all its causes on one line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error())
    }
}
