//! Maps SQLite's errors to what they mean for rows. No other place does so.

use std::sync::Arc;

use rusqlite::{Error, ErrorCode};

use crate::sink::{SinkError, SinkFault};

/// Whether the row breaks a rule of the table, which may have been made by hand. No other row is to blame.
pub fn is_refusal(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
    )
}

/// The meaning of an error that no row is to blame for, so that none of them was written.
#[expect(
    clippy::match_same_arms,
    clippy::unnested_or_patterns,
    reason = "each arm has its own reason, and the reasons are the point"
)]
pub fn of_all(error: &Arc<Error>) -> SinkError {
    let file = |fault| SinkError {
        fault,
        ..SinkError::file(Arc::clone(error))
    };
    match error.sqlite_error_code() {
        // SQLite says so of a statement whose table or column is not there.
        Some(ErrorCode::Unknown) => SinkError::table_gone(Arc::clone(error)),
        // Another program writes to the file.
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            file(SinkFault::Busy)
        }
        // The disk is full, or the file cannot be reached or used: it may pass.
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::AuthorizationForStatementDenied
            | ErrorCode::NotADatabase
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::OutOfMemory,
        )
        // A rule of the table that shows at the commit alone: no row is known to break it.
        | Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
        // SQLite, or this program, went wrong.
        | Some(
            ErrorCode::InternalMalfunction
            | ErrorCode::OperationAborted
            | ErrorCode::OperationInterrupted
            | ErrorCode::NotFound
            | ErrorCode::SchemaChanged
            | ErrorCode::ApiMisuse
            | ErrorCode::ParameterOutOfRange,
        )
        // The error is not SQLite's own, but the library's around it.
        | None => file(SinkFault::Away),
        // SQLite's codes may grow: what it names later is not known to be the rows' fault.
        Some(_) => file(SinkFault::Away),
    }
}
