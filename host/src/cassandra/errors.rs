//! Maps each of the driver's errors to its meaning. No other place does so, and no stage is named here:
//! `sink/cassandra/errors.rs` says what each meaning is for a row.

use scylla::errors::{BadQuery, DbError, ExecutionError, PrepareError, RequestAttemptError};

/// An error of the driver with all it has to say. The driver's errors repeat their causes in their own words, so this
/// one names none: a chain that it ends says each thing once.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Whole<E>(pub E);

/// Why a request was not answered as it should be, with all that the driver has to say.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct RequestError(Box<ExecutionError>);

/// The meaning of an error for the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server refuses what the request holds, and not the request.
    Refused,
    /// Too few replicas are alive for the consistency level.
    Unavailable,
    /// The coordinator has answered that replicas were late. The write may have happened.
    Late,
    /// No answer came in the time that a request may take. The write may have happened.
    Silent,
    /// The server, or the connection to it, has too much to do.
    Overloaded,
    /// The request did not reach a node, or its answer did not come back.
    Unreached,
    /// The node did not do it for a reason of its own: it is starting, or its answer cannot be read.
    Failed,
    /// The keyspace, the table or a column is not there any more.
    Gone,
    /// The server does not allow it, or not to this user.
    Forbidden,
    /// The driver or the server says something that this program does not know yet.
    Unknown,
}

impl Fault {
    /// Whether there is no answer for want of a server, rather than for what was asked.
    pub fn is_outage(self) -> bool {
        match self {
            Self::Refused | Self::Gone | Self::Forbidden => false,
            Self::Unavailable
            | Self::Late
            | Self::Silent
            | Self::Overloaded
            | Self::Unreached
            | Self::Failed
            | Self::Unknown => true,
        }
    }
}

impl RequestError {
    /// No node is left to ask.
    pub fn no_node() -> Self {
        ExecutionError::EmptyPlan.into()
    }

    /// What the error means for a row, in a word that does not depend on the driver.
    pub fn fault(&self) -> Fault {
        fault(&self.0)
    }
}

#[cfg(test)]
impl RequestError {
    /// An error with this fault.
    pub fn example(fault: Fault) -> Self {
        let timeout = std::time::Duration::from_secs(10);
        let said = |error| RequestAttemptError::DbError(error, String::new());
        let error = match fault {
            Fault::Silent => return ExecutionError::RequestTimeout(timeout).into(),
            Fault::Unreached => return ExecutionError::EmptyPlan.into(),
            Fault::Refused => said(DbError::Invalid),
            Fault::Unavailable => said(DbError::Unavailable {
                consistency: scylla::statement::Consistency::Quorum,
                required: 2,
                alive: 1,
            }),
            Fault::Late => said(DbError::ReadTimeout {
                consistency: scylla::statement::Consistency::Quorum,
                received: 1,
                required: 2,
                data_present: false,
            }),
            Fault::Overloaded => said(DbError::Overloaded),
            Fault::Failed => said(DbError::ServerError),
            Fault::Gone => said(DbError::SyntaxError),
            Fault::Forbidden => said(DbError::Unauthorized),
            Fault::Unknown => said(DbError::Other(77)),
        };
        ExecutionError::LastAttemptError(error).into()
    }
}

impl From<ExecutionError> for RequestError {
    fn from(error: ExecutionError) -> Self {
        Self(Box::new(error))
    }
}

/// The meaning of an error of a request.
#[expect(
    clippy::match_same_arms,
    reason = "each arm has its own reason, and the reasons are the point"
)]
pub fn fault(error: &ExecutionError) -> Fault {
    match error {
        // The values are too long for a frame or for a partition key: this row's own fault.
        ExecutionError::BadQuery(
            BadQuery::SerializationError(_) | BadQuery::ValuesTooLongForKey(..) | BadQuery::PartitionKeyExtraction,
        ) => Fault::Refused,
        // A CQL batch has 200 statements at most, so this is about no row.
        ExecutionError::BadQuery(BadQuery::TooManyQueriesInBatchStatement(_)) => Fault::Failed,
        ExecutionError::LastAttemptError(attempt) => of_attempt(attempt),
        ExecutionError::PrepareError(PrepareError::AllAttemptsFailed { first_attempt }) => of_attempt(first_attempt),
        // The nodes do not prepare one statement as the same one: they differ in version or in their tables.
        ExecutionError::PrepareError(PrepareError::PreparedStatementIdsMismatch) => Fault::Failed,
        // The client's own clock ran out: the write may have happened, and writing it again is harmless.
        ExecutionError::RequestTimeout(_) => Fault::Silent,
        // No node of the cluster has a usable connection.
        ExecutionError::EmptyPlan
        | ExecutionError::ConnectionPoolError(_)
        | ExecutionError::PrepareError(PrepareError::ConnectionPoolError(_)) => Fault::Unreached,
        // All of them are about the cluster, not about the row.
        ExecutionError::UseKeyspaceError(_)
        | ExecutionError::SchemaAgreementError(_)
        | ExecutionError::MetadataError(_) => Fault::Failed,
        // The driver's enums may grow: what it names later is not known to be the row's fault.
        _ => Fault::Unknown,
    }
}

fn of_attempt(error: &RequestAttemptError) -> Fault {
    match error {
        RequestAttemptError::DbError(error, message) => of_server(error, message),
        // The row does not fit into a frame.
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => Fault::Refused,
        // 32768 requests wait on the one connection already.
        RequestAttemptError::UnableToAllocStreamId => Fault::Overloaded,
        // The table was changed into another one under the same statement.
        RequestAttemptError::RepreparedIdChanged { .. } | RequestAttemptError::RepreparedIdMissingInBatch => {
            Fault::Gone
        }
        RequestAttemptError::BrokenConnectionError(_) => Fault::Unreached,
        // An answer that is none.
        RequestAttemptError::BodyExtensionsParseError(_)
        | RequestAttemptError::CqlResultParseError(_)
        | RequestAttemptError::CqlErrorParseError(_)
        | RequestAttemptError::UnexpectedResponse(_)
        | RequestAttemptError::NonfinishedPagingState => Fault::Failed,
        // The driver's enums may grow: what it names later is not known to be the row's fault.
        _ => Fault::Unknown,
    }
}

#[expect(
    clippy::match_same_arms,
    reason = "each arm has its own reason, and the reasons are the point"
)]
fn of_server(error: &DbError, message: &str) -> Fault {
    match error {
        DbError::Unavailable { .. } => Fault::Unavailable,
        // A replica failed while it wrote (disk, or a tombstone limit on the way): others may answer later.
        DbError::WriteFailure { .. } | DbError::ReadFailure { .. } => Fault::Unavailable,
        DbError::WriteTimeout { .. } | DbError::ReadTimeout { .. } => Fault::Late,
        DbError::Overloaded | DbError::RateLimitReached { .. } => Fault::Overloaded,
        // The coordinator starts, or fails in itself: another attempt meets it or another one in better shape.
        DbError::IsBootstrapping | DbError::ServerError | DbError::TruncateError => Fault::Failed,
        // The login was good at connect and is no longer.
        DbError::Unauthorized | DbError::AuthenticationError => Fault::Forbidden,
        // Cassandra says `Invalid` both of a statement whose table or column was dropped and of a value that it does
        // not take (an empty partition key, a key above 64 KiB). Only the words tell them apart.
        DbError::Invalid if names_missing_table(message) => Fault::Gone,
        DbError::Invalid => Fault::Refused,
        // The statement itself is refused, which was prepared once: the table is not what it was.
        DbError::SyntaxError | DbError::ConfigError | DbError::AlreadyExists { .. } | DbError::Unprepared { .. } => {
            Fault::Gone
        }
        // The frame is too large for the server, or a function in the table's way failed on the row.
        DbError::ProtocolError | DbError::FunctionFailure { .. } => Fault::Refused,
        // Unknown to the protocol's specification: not known to be the row's fault, so not a reason to give it up.
        DbError::Other(_) => Fault::Unknown,
        // The driver's enums may grow, too.
        _ => Fault::Unknown,
    }
}

/// The words of Cassandra 3.11 to 5.0 for a keyspace, table or column that is not there.
fn names_missing_table(message: &str) -> bool {
    const WORDS: [&str; 6] = [
        "unconfigured table",
        "does not exist",
        "undefined column name",
        "unknown identifier",
        "undefined name",
        "unknown keyspace",
    ];
    let message = message.to_ascii_lowercase();
    WORDS.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use scylla::errors::WriteType;
    use scylla::statement::Consistency;

    fn of(error: DbError, message: &str) -> Fault {
        fault(&ExecutionError::LastAttemptError(RequestAttemptError::DbError(
            error,
            message.to_owned(),
        )))
    }

    #[test]
    fn too_few_replicas_is_unavailable() {
        let unavailable = DbError::Unavailable {
            consistency: Consistency::Quorum,
            required: 2,
            alive: 1,
        };
        assert_eq!(
            of(unavailable, "Cannot achieve consistency level QUORUM"),
            Fault::Unavailable
        );
    }

    #[test]
    fn silence_of_replicas_or_server_is_a_timeout() {
        let write_timeout = DbError::WriteTimeout {
            consistency: Consistency::Quorum,
            received: 1,
            required: 2,
            write_type: WriteType::Simple,
        };
        assert_eq!(of(write_timeout, ""), Fault::Late);
        let client_side = ExecutionError::RequestTimeout(std::time::Duration::from_secs(1));
        assert_eq!(fault(&client_side), Fault::Silent);
    }

    #[test]
    fn an_invalid_value_is_refused_but_a_dropped_table_is_gone() {
        assert_eq!(of(DbError::Invalid, "Key may not be empty"), Fault::Refused);
        assert_eq!(
            of(DbError::Invalid, "Key length of 70000 is longer than maximum of 65535"),
            Fault::Refused
        );
        for message in [
            "table orders does not exist",
            "unconfigured table orders",
            "Undefined column name orderhour in table ecommerce.orders",
            "Unknown identifier orderhour",
            "Keyspace 'ecommerce' does not exist",
        ] {
            assert_eq!(of(DbError::Invalid, message), Fault::Gone, "{message}");
        }
    }

    #[test]
    fn an_overloaded_coordinator_and_a_lost_right_keep_their_names() {
        assert_eq!(of(DbError::Overloaded, ""), Fault::Overloaded);
        assert_eq!(of(DbError::Unauthorized, ""), Fault::Forbidden);
        assert_eq!(
            fault(&ExecutionError::LastAttemptError(
                RequestAttemptError::UnableToAllocStreamId
            )),
            Fault::Overloaded
        );
    }

    #[test]
    fn a_request_that_reaches_no_node_is_told_from_a_node_that_fails() {
        assert_eq!(fault(&ExecutionError::EmptyPlan), Fault::Unreached);
        assert_eq!(of(DbError::IsBootstrapping, ""), Fault::Failed);
        assert_eq!(of(DbError::Other(77), ""), Fault::Unknown);
    }
}
