//! Why progress cannot be read or kept: the same few kinds wherever it is kept.

use std::error::Error;
use std::fmt;

use crate::record::causes::BoxError;

/// Progress cannot be read or kept. It says what its cause says.
#[derive(Debug)]
pub struct ProgressError {
    /// Decides what happens: the table is in `pipeline/trouble/fault.rs`.
    pub fault: ProgressFault,
    cause: BoxError,
}

/// What follows from the error. The set is closed: each place sorts its own errors into these kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressFault {
    /// A later try may succeed: the service does not answer, or is busy with something else.
    Away,
    /// The login is refused, or may not do this: no later answer will be another one.
    Forbidden,
}

/// The answer to a commit did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the brokers did not answer the commit in time")]
struct CommitTimedOut;

/// The question or the commit ran on a thread that did not end well.
#[derive(Debug, thiserror::Error)]
#[error("the commit was aborted")]
struct CommitAborted {
    #[source]
    cause: tokio::task::JoinError,
}

impl ProgressError {
    /// An error of this kind, for the reason that the place said in which progress is kept.
    pub fn new(fault: ProgressFault, cause: impl Into<BoxError>) -> Self {
        let cause = cause.into();
        Self { fault, cause }
    }

    /// The answer to a commit did not come in time.
    pub fn timed_out() -> Self {
        Self::new(ProgressFault::Away, CommitTimedOut)
    }

    /// The thread that asked or committed has panicked or was cancelled.
    pub fn aborted(cause: tokio::task::JoinError) -> Self {
        Self::new(ProgressFault::Away, CommitAborted { cause })
    }
}

impl fmt::Display for ProgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

/// The chain goes on with the cause of the cause: the cause itself was displayed.
impl Error for ProgressError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}
