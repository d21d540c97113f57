//! Opens a text file, unpacks it where it is gzipped, skips the byte order mark, and hands out lines of bounded length.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::InputError;

/// The longest line, and the longest row of several lines: far above any real row, and small enough that a file
/// without line ends, or with a quote that is never closed, does not fill the memory.
pub const MAX_ROW_BYTES: usize = 16 * 1024 * 1024;

/// How much of the file is looked at to tell what it is. A text file shows a line or more of itself here.
const SNIFF_BYTES: usize = 8 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const GZIP: &[u8] = b"\x1F\x8B";

/// First bytes of what people take for a CSV file.
const KNOWN: [(&[u8], &str); 7] = [
    (b"\xFF\xFE", "UTF-16 (save it as UTF-8)"),
    (b"\xFE\xFF", "UTF-16 (save it as UTF-8)"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook (save it as CSV)"),
    (b"\xD0\xCF\x11\xE0", "an old Excel workbook (save it as CSV)"),
    (b"PAR1", "a Parquet file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// The lines of one file.
pub struct TextFile {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    /// Lines read so far, which is the number of the last one.
    line: u64,
}

/// What [`TextFile::read_line`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// The line is in the buffer, with its line end.
    Read,
    /// The line is longer than [`MAX_ROW_BYTES`] and was skipped.
    TooLong,
    End,
}

impl TextFile {
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let unreadable = |cause: io::Error| match cause.kind() {
            io::ErrorKind::NotFound => InputError::Missing { file: path.to_owned() },
            io::ErrorKind::IsADirectory => InputError::Directory { file: path.to_owned() },
            _ => InputError::Unreadable {
                file: path.to_owned(),
                cause,
            },
        };
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            return Err(InputError::Directory { file: path.to_owned() });
        }
        let mut packed = BufReader::with_capacity(SNIFF_BYTES, file);
        let is_gzip = packed.fill_buf().map_err(unreadable)?.starts_with(GZIP);
        let mut unpacked: Box<dyn Read + Send> = if is_gzip {
            Box::new(MultiGzDecoder::new(packed))
        } else {
            Box::new(packed)
        };
        let mut start = Vec::with_capacity(SNIFF_BYTES);
        (&mut unpacked)
            .take(SNIFF_BYTES as u64)
            .read_to_end(&mut start)
            .map_err(unreadable)?;
        if let Some(looks_like) = sniff(&start) {
            return Err(InputError::NotText {
                file: path.to_owned(),
                looks_like,
            });
        }
        if start.starts_with(BYTE_ORDER_MARK) {
            start.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(Self {
            path: path.to_owned(),
            reader: Box::new(BufReader::new(io::Cursor::new(start).chain(unpacked))),
            line: 0,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the line read last, counted from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next line into `buffer`, in place of what it held.
    pub fn read_line(&mut self, buffer: &mut Vec<u8>) -> Result<Line, InputError> {
        buffer.clear();
        let mut bounded = (&mut self.reader).take(MAX_ROW_BYTES as u64);
        let read = bounded.read_until(b'\n', buffer);
        let outcome = match read {
            Ok(0) => return Ok(Line::End),
            Ok(MAX_ROW_BYTES) if buffer.last() != Some(&b'\n') => {
                buffer.clear();
                self.reader.skip_until(b'\n').map(|_| Line::TooLong)
            }
            Ok(_) => Ok(Line::Read),
            Err(cause) => Err(cause),
        };
        self.line += 1;
        outcome.map_err(|cause| InputError::Unreadable {
            file: self.path.clone(),
            cause,
        })
    }

    pub fn bad_row(&self, line: u64, why: impl Into<String>) -> InputError {
        InputError::BadRow {
            file: self.path.clone(),
            line,
            why: why.into(),
        }
    }
}

/// Says what the start of a file looks like if that is no text.
fn sniff(start: &[u8]) -> Option<&'static str> {
    if let Some((_, looks_like)) = KNOWN.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(looks_like);
    }
    let nul = |(_, byte): &(usize, &u8)| **byte == 0;
    let nuls = start.iter().enumerate().filter(nul).count();
    // Latin text in UTF-16 has a zero in every second byte, byte order mark or not.
    if nuls * 3 > start.len() {
        return Some("UTF-16 (save it as UTF-8)");
    }
    (nuls > 0).then_some("a binary file")
}
