//! What the meaning of an error of the driver is for a row: the only place that says so.

use crate::cassandra::binding::NoValue;
use crate::cassandra::errors::{Fault, RequestError};
use crate::cassandra::read::ReadError;
use crate::sink::{Cause, Misfit, SinkError, SinkFault};

/// The words for an answer that did not come.
const LATE: &str = "the replicas did not answer in time";

/// The words for a node that cannot be reached, or does not do what it should.
const NO_CONNECTION: &str = "no connection to the server";

/// Nothing was sent, since no node has answered for some time.
pub fn silent(cause: impl Into<Cause>) -> SinkError {
    SinkError::new(SinkFault::Busy, LATE, cause)
}

impl From<RequestError> for SinkError {
    fn from(error: RequestError) -> Self {
        let (fault, words) = match error.fault() {
            Fault::Refused => return Self::refused(error),
            Fault::Gone => return Self::table_gone(error),
            Fault::Unavailable => (
                SinkFault::Away,
                "not enough replicas are alive for the consistency level",
            ),
            Fault::Late | Fault::Silent => (SinkFault::Busy, LATE),
            Fault::Overloaded => (SinkFault::Busy, "the server is overloaded"),
            Fault::Unreached | Fault::Failed => (SinkFault::Away, NO_CONNECTION),
            // Whatever else the driver comes up with is not known to be about the row: it is tried again.
            Fault::Unknown => (SinkFault::Away, NO_CONNECTION),
            Fault::Forbidden => (SinkFault::Forbidden, "the server does not allow this write"),
        };
        Self::new(fault, words, error)
    }
}

impl From<NoValue> for SinkError {
    fn from(none: NoValue) -> Self {
        match none {
            NoValue::Misfit { column, reason } => Misfit { column, reason }.into(),
            NoValue::NullKey { column } => Self::null_key(&column),
        }
    }
}

impl From<ReadError> for SinkError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Key(none) => none.into(),
            ReadError::Request(error) => error.into(),
            // An answer that is no row is an answer of a broken server.
            ReadError::NoRow(cause) => Self::new(SinkFault::Away, NO_CONNECTION, cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_cause() {
        let error = SinkError::from(RequestError::no_node());
        assert_eq!(error.fault, SinkFault::Away);
        assert!(std::error::Error::source(&error).is_some());
    }
}
