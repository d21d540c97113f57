//! The errors of reading a file, or one row of it.

use std::io;
use std::path::PathBuf;

/// Why a file, or one row of it, cannot be read. Every variant except `BadRow` ends the reading.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("{} does not exist", file.display())]
    Missing { file: PathBuf },
    #[error("{} is a directory, not a file", file.display())]
    Directory { file: PathBuf },
    #[error("{} cannot be read", file.display())]
    Unreadable {
        file: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{} is empty", file.display())]
    Empty { file: PathBuf },
    #[error("{} is not a text file in UTF-8: it looks like {looks_like}", file.display())]
    NotText { file: PathBuf, looks_like: &'static str },
    #[error("{}: no CSV header on line {line}: {why}", file.display())]
    BadHeader { file: PathBuf, line: u64, why: String },
    /// This row is skipped, and the next one can be read.
    #[error("{}:{line}: {why}", file.display())]
    BadRow { file: PathBuf, line: u64, why: String },
}
