//! What each of SQLite's errors means for rows: the only place that says so.

use std::sync::Arc;

use rusqlite::{Error, ErrorCode};

use crate::sink::{SinkError, SinkFault};

/// Whether the row breaks a rule of the table (which somebody else made): no other row is to blame.
pub fn is_refusal(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
    )
}

/// The meaning of an error that no row is to blame for, so that none of them was written.
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
        // The disk is full, or the file cannot be reached. Every other code, and an error without one, is about the file
        // too, since the rows to blame were found one by one.
        _ => file(SinkFault::Away),
    }
}
