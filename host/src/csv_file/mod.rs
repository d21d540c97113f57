//! Reads rows and lines from files: CSV by the header's names, NDJSON line by line, gzipped or not.
//!
//! Knows nothing of records or columns: `source` makes records of these rows, and `produce` and `verify` read the same
//! rows. A bad row is reported with its line, and reading goes on. A file that is not text is refused with what it
//! looks like.

mod csv;
mod error;
pub mod json;
pub mod names;
mod ndjson;
mod split;
mod text_file;

pub use self::csv::{CsvReader, CsvRow};
pub use self::error::InputError;
pub use self::ndjson::NdjsonReader;

/// Counts of what was read so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows handed out.
    pub rows: u64,
    /// Blank lines, and rows of only empty fields.
    pub blank: u64,
    /// Rows reported as [`InputError::BadRow`].
    pub bad: u64,
}
