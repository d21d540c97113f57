//! The cause of an error, whatever library it comes from, and an error with all its causes on one line.

use std::error::Error;

/// What a library, a product or a file said about an error: the source of an error of ours.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The error, then its cause, and so on, separated by colons.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
