//! Rows and lines out of files: CSV by the header's names, NDJSON line by line, gzipped or not.
//!
//! Knows nothing of records or columns: `source` makes records of what comes from here, `produce` and `verify` read the
//! same rows. A row that is no row is reported with its line and reading goes on; a file that is no text file is
//! refused with what it looks like.

mod csv;
mod error;
pub mod json;
pub mod names;
mod ndjson;
mod row_parser;
mod text_file;

pub use self::csv::{CsvReader, CsvRow};
pub use self::error::InputError;
pub use self::ndjson::NdjsonReader;

/// What was read so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows handed out.
    pub rows: u64,
    /// Blank lines, and rows of only empty fields.
    pub blank: u64,
    /// Rows reported as [`InputError::BadRow`].
    pub bad: u64,
}
