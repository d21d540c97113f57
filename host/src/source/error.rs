//! Why a source cannot go on: the same few kinds for every product.

use std::error::Error;
use std::fmt;

use crate::csv_file::InputError;
use crate::record::causes::BoxError;

/// Why a source cannot read. Its message is that of its cause.
#[derive(Debug)]
pub struct SourceError {
    pub fault: SourceFault,
    cause: BoxError,
}

/// What follows from the error. The set is closed: each product sorts its own errors into these kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFault {
    /// The service does not answer. A source that reads waits for it; at the start of a verb it is exit code 3.
    Away,
    /// The topic or file does not exist.
    Gone,
    /// The login is refused, or may not read this.
    Forbidden,
    /// A setting is wrong, so that another try would fail too.
    Setting,
    /// Another process has taken the place of this one.
    Replaced,
    /// Reading failed in a way that none of the other kinds describes.
    Broken,
}

/// The thread that asked the brokers has panicked or was cancelled.
#[derive(Debug, thiserror::Error)]
#[error("the question was aborted")]
struct Aborted {
    #[source]
    cause: tokio::task::JoinError,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot start the reading thread")]
struct NoThread {
    #[source]
    cause: std::io::Error,
}

impl SourceError {
    /// Makes an error of this kind from the product's own.
    pub fn new(fault: SourceFault, cause: impl Into<BoxError>) -> Self {
        let cause = cause.into();
        Self { fault, cause }
    }

    /// The error for a question whose thread has panicked or was cancelled.
    pub fn aborted(cause: tokio::task::JoinError) -> Self {
        Self::new(SourceFault::Broken, Aborted { cause })
    }

    /// The error for a thread that the system did not start.
    pub fn no_thread(cause: std::io::Error) -> Self {
        Self::new(SourceFault::Broken, NoThread { cause })
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

/// The source is the cause of the cause, since the message is already that of the cause.
impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

impl From<InputError> for SourceError {
    fn from(error: InputError) -> Self {
        let fault = match error {
            InputError::Missing { .. } => SourceFault::Gone,
            InputError::Directory { .. }
            | InputError::Unreadable { .. }
            | InputError::Empty { .. }
            | InputError::NotText { .. }
            | InputError::BadHeader { .. }
            | InputError::BadRow { .. } => SourceFault::Broken,
        };
        Self::new(fault, error)
    }
}
