//! What each of the driver's errors means for a row: the only place that says so. `pipeline/trouble/fault.rs` decides from the
//! answer whether the record is rejected, tried again or its partition halted.

use scylla::errors::{BadQuery, DbError, ExecutionError, PrepareError, RequestAttemptError};

use crate::sink::{SinkError, SinkFault};

/// An error of the driver with all it has to say. The driver's errors repeat their causes in their own words, so this
/// one names none: a chain that it ends says each thing once.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Whole<E>(pub E);

/// The meaning of an error of one write.
pub fn sink_error(error: ExecutionError) -> SinkError {
    let (fault, words) = match meaning(&error) {
        Meaning::Refused => return SinkError::refused(Whole(error)),
        Meaning::TableGone => return SinkError::table_gone(Whole(error)),
        Meaning::Unavailable => (
            SinkFault::Away,
            "not enough replicas are alive for the consistency level",
        ),
        Meaning::Timeout => (SinkFault::Busy, LATE),
        Meaning::Overloaded => (SinkFault::Busy, "the server is overloaded"),
        Meaning::Connection => (SinkFault::Away, "no connection to the server"),
        Meaning::Unauthorized => (SinkFault::Forbidden, "the server does not allow this write"),
    };
    SinkError::new(fault, words, Whole(error))
}

/// The words for an answer that did not come.
pub const LATE: &str = "the replicas did not answer in time";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Refused,
    Unavailable,
    Timeout,
    Overloaded,
    Connection,
    TableGone,
    Unauthorized,
}

/// Whether the error says that there is more to do than can be done in time.
pub fn is_overload(error: &ExecutionError) -> bool {
    matches!(meaning(error), Meaning::Overloaded | Meaning::Timeout)
}

/// Whether the server refuses what the request holds, and not the request.
pub fn is_refusal(error: &ExecutionError) -> bool {
    meaning(error) == Meaning::Refused
}

/// Whether there is no answer for want of a server, rather than for what was asked.
pub fn is_outage(error: &ExecutionError) -> bool {
    let meaning = meaning(error);
    !matches!(meaning, Meaning::Refused | Meaning::TableGone | Meaning::Unauthorized)
}

pub fn is_unauthorized(error: &ExecutionError) -> bool {
    meaning(error) == Meaning::Unauthorized
}

pub fn is_table_gone(error: &ExecutionError) -> bool {
    meaning(error) == Meaning::TableGone
}

#[expect(
    clippy::match_same_arms,
    reason = "each arm has its own reason, and the reasons are the point"
)]
fn meaning(error: &ExecutionError) -> Meaning {
    match error {
        // The values are too long for a frame or for a partition key: this row's own fault.
        ExecutionError::BadQuery(
            BadQuery::SerializationError(_) | BadQuery::ValuesTooLongForKey(..) | BadQuery::PartitionKeyExtraction,
        ) => Meaning::Refused,
        ExecutionError::LastAttemptError(attempt) => of_attempt(attempt),
        ExecutionError::PrepareError(PrepareError::AllAttemptsFailed { first_attempt }) => of_attempt(first_attempt),
        // The client's own clock ran out: the write may have happened, and writing it again is harmless.
        ExecutionError::RequestTimeout(_) => Meaning::Timeout,
        // No node of the cluster has a usable connection.
        ExecutionError::EmptyPlan | ExecutionError::ConnectionPoolError(_) => Meaning::Connection,
        // Whatever else the driver comes up with is about the cluster, not about the row: it is tried again.
        _ => Meaning::Connection,
    }
}

fn of_attempt(error: &RequestAttemptError) -> Meaning {
    match error {
        RequestAttemptError::DbError(error, message) => of_server(error, message),
        // The row does not fit into a frame.
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => {
            Meaning::Refused
        }
        // 32768 requests wait on the one connection already.
        RequestAttemptError::UnableToAllocStreamId => Meaning::Overloaded,
        // The table was changed into another one under the same statement.
        RequestAttemptError::RepreparedIdChanged { .. } | RequestAttemptError::RepreparedIdMissingInBatch => {
            Meaning::TableGone
        }
        // A broken connection, or an answer that is none.
        _ => Meaning::Connection,
    }
}

#[expect(
    clippy::match_same_arms,
    reason = "each arm has its own reason, and the reasons are the point"
)]
fn of_server(error: &DbError, message: &str) -> Meaning {
    match error {
        DbError::Unavailable { .. } => Meaning::Unavailable,
        // A replica failed while it wrote (disk, or a tombstone limit on the way): others may answer later.
        DbError::WriteFailure { .. } | DbError::ReadFailure { .. } => Meaning::Unavailable,
        DbError::WriteTimeout { .. } | DbError::ReadTimeout { .. } => Meaning::Timeout,
        DbError::Overloaded | DbError::RateLimitReached { .. } => Meaning::Overloaded,
        // The coordinator starts, or fails in itself: another attempt meets it or another one in better shape.
        DbError::IsBootstrapping | DbError::ServerError | DbError::TruncateError => Meaning::Connection,
        // The login was good at connect and is no longer.
        DbError::Unauthorized | DbError::AuthenticationError => Meaning::Unauthorized,
        // Cassandra says `Invalid` both of a statement whose table or column was dropped and of a value that it does
        // not take (an empty partition key, a key above 64 KiB). Only the words tell them apart.
        DbError::Invalid if names_missing_table(message) => Meaning::TableGone,
        DbError::Invalid => Meaning::Refused,
        // The statement itself is refused, which was prepared once: the table is not what it was.
        DbError::SyntaxError | DbError::ConfigError | DbError::AlreadyExists { .. } | DbError::Unprepared { .. } => {
            Meaning::TableGone
        }
        // The frame is too large for the server, or a function in the table's way failed on the row.
        DbError::ProtocolError | DbError::FunctionFailure { .. } => Meaning::Refused,
        // Unknown to the protocol's specification: not known to be the row's fault, so not a reason to give it up.
        _ => Meaning::Connection,
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

    fn of(error: DbError, message: &str) -> Meaning {
        meaning(&ExecutionError::LastAttemptError(RequestAttemptError::DbError(
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
            Meaning::Unavailable
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
        assert_eq!(of(write_timeout, ""), Meaning::Timeout);
        let client_side = ExecutionError::RequestTimeout(std::time::Duration::from_secs(1));
        assert_eq!(meaning(&client_side), Meaning::Timeout);
    }

    #[test]
    fn an_invalid_value_is_refused_but_a_dropped_table_is_gone() {
        assert_eq!(of(DbError::Invalid, "Key may not be empty"), Meaning::Refused);
        assert_eq!(
            of(DbError::Invalid, "Key length of 70000 is longer than maximum of 65535"),
            Meaning::Refused
        );
        for message in [
            "table orders does not exist",
            "unconfigured table orders",
            "Undefined column name orderhour in table ecommerce.orders",
            "Unknown identifier orderhour",
            "Keyspace 'ecommerce' does not exist",
        ] {
            assert_eq!(of(DbError::Invalid, message), Meaning::TableGone, "{message}");
        }
    }

    #[test]
    fn an_overloaded_coordinator_and_a_lost_right_keep_their_names() {
        assert_eq!(of(DbError::Overloaded, ""), Meaning::Overloaded);
        assert_eq!(of(DbError::Unauthorized, ""), Meaning::Unauthorized);
        assert_eq!(
            meaning(&ExecutionError::LastAttemptError(
                RequestAttemptError::UnableToAllocStreamId
            )),
            Meaning::Overloaded
        );
    }

    #[test]
    fn a_cluster_without_connections_is_a_lost_connection() {
        assert_eq!(meaning(&ExecutionError::EmptyPlan), Meaning::Connection);
        assert_eq!(of(DbError::IsBootstrapping, ""), Meaning::Connection);
        assert_eq!(of(DbError::Other(77), ""), Meaning::Connection);
    }

    #[test]
    fn an_error_keeps_its_cause() {
        let error = sink_error(ExecutionError::EmptyPlan);
        assert_eq!(error.fault, SinkFault::Away);
        assert!(std::error::Error::source(&error).is_some());
    }
}
