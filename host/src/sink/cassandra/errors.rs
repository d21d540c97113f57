//! Maps errors of the driver to what they mean for a row. No other place does so.

use crate::cassandra::binding::NoValue;
use crate::cassandra::errors::{Fault, RequestError};
use crate::cassandra::read::ReadError;
use crate::record::causes::BoxError;
use crate::sink::{Misfit, SinkError, SinkFault};

/// The words for an answer that did not come.
const LATE: &str = "the replicas did not answer in time";

/// The words for a node that cannot be reached, or does not do what it should.
const NO_CONNECTION: &str = "no connection to the server";

/// The error of a row that was not sent, since no node has answered for some time.
pub fn silent(cause: impl Into<BoxError>) -> SinkError {
    SinkError::new(SinkFault::Busy, LATE, cause)
}

impl From<RequestError> for SinkError {
    #[expect(
        clippy::match_same_arms,
        reason = "each arm has its own reason, and the reasons are the point"
    )]
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
            // An answer that is not a row comes from a broken server.
            ReadError::NoRow(cause) => Self::new(SinkFault::Away, NO_CONNECTION, cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn every_fault_of_the_driver_has_its_meaning_for_a_row_and_its_words() {
        for (fault, expected, words) in [
            (
                Fault::Refused,
                SinkFault::Refused,
                "the server refuses the row as invalid",
            ),
            (
                Fault::Unavailable,
                SinkFault::Away,
                "not enough replicas are alive for the consistency level",
            ),
            (Fault::Late, SinkFault::Busy, LATE),
            (Fault::Silent, SinkFault::Busy, LATE),
            (Fault::Overloaded, SinkFault::Busy, "the server is overloaded"),
            (Fault::Unreached, SinkFault::Away, NO_CONNECTION),
            (Fault::Failed, SinkFault::Away, NO_CONNECTION),
            (Fault::Unknown, SinkFault::Away, NO_CONNECTION),
            (
                Fault::Gone,
                SinkFault::Gone,
                "the table or a column is not there any more",
            ),
            (
                Fault::Forbidden,
                SinkFault::Forbidden,
                "the server does not allow this write",
            ),
        ] {
            let driver = RequestError::example(fault);
            assert_eq!(driver.fault(), fault);
            let said = driver.to_string();
            let error = SinkError::from(driver);
            assert_eq!(
                (error.fault, error.to_string()),
                (expected, words.to_owned()),
                "{fault:?}"
            );
            assert_eq!(error.source().map(ToString::to_string), Some(said), "{fault:?}");
        }
    }
}
