//! A file as a source: each row of a CSV, or each line of an NDJSON file, is one record with a JSON value.
//!
//! A file is one partition; a record's offset is its number, counted from 0 over the rows that are records. All records
//! carry the file's modification time as their timestamp, so that reading the file again writes the same write
//! timestamps, and a newer file wins over an older one. Nothing is committed: a run starts at the beginning.

use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::Running;
use super::bounds::Bounds;
use super::error::SourceError;
use super::lines::{self, Lines};
use super::nature::Nature;
use crate::csv_file::{CsvReader, InputError, NdjsonReader, json};
use crate::record::Record;
use crate::record::position::{Offset, Position};

/// A file is read from its beginning to its end.
pub const NATURE: Nature = Nature {
    is_endless: false,
    resumes: false,
};

/// Bad rows that are shown one by one.
const SHOWN_ROWS: u64 = 20;

/// How a file holds its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Ndjson,
}

/// Checks that the file can be opened and that its beginning is of the format.
pub fn check(format: Format, path: &Path) -> Result<(), SourceError> {
    Ok(Rows::open(format, path).map(drop)?)
}

/// Opens the file and starts to read it.
///
/// # Errors
/// The file does not exist, cannot be read, or is not of the format.
pub fn start(format: Format, path: &Path, bounds: &Bounds) -> Result<Running, SourceError> {
    let rows = Rows::open(format, path)?;
    let timestamp_ms = modified_ms(path);
    let read = move |lines| {
        let reader = Reader {
            rows,
            lines,
            timestamp_ms,
        };
        reader.run();
    };
    lines::start("file", lines::partition(path), bounds, read)
}

fn modified_ms(path: &Path) -> Option<i64> {
    let modified = path.metadata().and_then(|metadata| metadata.modified()).ok()?;
    i64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

enum Rows {
    Csv(Box<CsvReader>),
    Ndjson(NdjsonReader),
}

impl Rows {
    fn open(format: Format, path: &Path) -> Result<Self, InputError> {
        Ok(match format {
            Format::Csv => Self::Csv(Box::new(CsvReader::open(path)?)),
            Format::Ndjson => Self::Ndjson(NdjsonReader::open(path)?),
        })
    }

    /// The line and value of the next record.
    fn next(&mut self) -> Option<Result<(u64, Bytes), InputError>> {
        match self {
            Self::Csv(reader) => match reader.next()? {
                Ok(row) => Some(Ok((row.line, json::object(reader.header(), &row.fields).into()))),
                Err(error) => Some(Err(error)),
            },
            Self::Ndjson(reader) => Some(reader.next()?.map(|(line, text)| (line, Bytes::from(text)))),
        }
    }
}

struct Reader {
    rows: Rows,
    lines: Lines,
    timestamp_ms: Option<i64>,
}

impl Reader {
    fn run(mut self) {
        let mut offset = 0;
        let mut skipped = 0u64;
        while !self.lines.is_stopped() {
            match self.rows.next() {
                None => break,
                Some(Ok((line, value))) => {
                    self.lines.push(self.record(offset, line, value));
                    offset += 1;
                }
                Some(Err(error @ InputError::BadRow { .. })) => {
                    skipped += 1;
                    match skipped {
                        n if n <= SHOWN_ROWS => tracing::warn!("skipped: {error}"),
                        n if n == SHOWN_ROWS + 1 => tracing::warn!("further rows that are skipped are only counted"),
                        _ => {}
                    }
                }
                Some(Err(error)) => return self.lines.fail(error.into()),
            }
        }
        self.lines.end(skipped);
    }

    fn record(&self, offset: i64, line: u64, value: Bytes) -> Record {
        Record {
            position: Position {
                partition: Arc::clone(self.lines.partition()),
                offset: Offset(offset),
                line: Some(line),
            },
            timestamp_ms: self.timestamp_ms,
            key: None,
            value: Some(value),
            headers: Vec::new(),
            redriven: None,
        }
    }
}
