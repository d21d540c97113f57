//! Opens a text file, unpacks it if it is gzipped, skips the byte order mark, and hands out lines of bounded length.
//! A line ends in LF, CRLF, or CR alone, as Excel for Mac still writes it. One file may have all three.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::InputError;

/// The most bytes of a line, and of a row of several lines. It is far above any real row, and small enough that a file
/// without line ends, or with a quote that is never closed, does not fill the memory.
pub const MAX_ROW_BYTES: usize = 16 * 1024 * 1024;

/// How many bytes of the file are read to tell its kind. A text file has a line or more in them.
const SNIFF_BYTES: usize = 8 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const GZIP: &[u8] = b"\x1F\x8B";

/// The first bytes of files that people take for CSV files.
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
    /// The number of lines read so far, which is also the number of the last line.
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
    /// Opens the file, and refuses it if it is not text in UTF-8.
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

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the line read last, counted from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next line into `buffer`, and replaces what it held.
    pub fn read_line(&mut self, buffer: &mut Vec<u8>) -> Result<Line, InputError> {
        let outcome = take_line(&mut self.reader, buffer);
        if !matches!(outcome, Ok(Line::End)) {
            self.line += 1;
        }
        outcome.map_err(|cause| InputError::Unreadable {
            file: self.path.clone(),
            cause,
        })
    }

    /// The error about a bad row on this line.
    pub fn bad_row(&self, line: u64, why: impl Into<String>) -> InputError {
        InputError::BadRow {
            file: self.path.clone(),
            line,
            why: why.into(),
        }
    }
}

/// Puts the next line into `buffer`, with its end if it has one.
fn take_line(reader: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<Line> {
    buffer.clear();
    let mut is_too_long = false;
    loop {
        let (bytes, end) = {
            let ahead = read_ahead(reader)?;
            let end = ahead.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let bytes = end.map_or(ahead, |end| &ahead[..=end]);
            is_too_long |= buffer.len() + bytes.len() > MAX_ROW_BYTES;
            if is_too_long {
                buffer.clear();
            } else {
                buffer.extend_from_slice(bytes);
            }
            (bytes.len(), end.map(|end| ahead[end]))
        };
        reader.consume(bytes);
        if bytes > 0 && end.is_none() {
            continue;
        }
        // The other half of a CRLF may come after the bytes that were read ahead.
        if end == Some(b'\r') && read_ahead(reader)?.first() == Some(&b'\n') {
            reader.consume(1);
            buffer.push(b'\n');
        }
        return Ok(if is_too_long {
            Line::TooLong
        } else if buffer.is_empty() {
            Line::End
        } else {
            Line::Read
        });
    }
}

fn read_ahead(reader: &mut impl BufRead) -> io::Result<&[u8]> {
    // Interrupted reads are tried again, as in the standard library's own line readers.
    while let Err(error) = reader.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    reader.fill_buf()
}

/// Says what kind of file begins like this, if it is not text.
fn sniff(start: &[u8]) -> Option<&'static str> {
    if let Some((_, looks_like)) = KNOWN.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(looks_like);
    }
    let nul = |(_, byte): &(usize, &u8)| **byte == 0;
    let nuls = start.iter().enumerate().filter(nul).count();
    // Latin text in UTF-16 has a zero in every second byte, with or without a byte order mark.
    if nuls * 3 > start.len() {
        return Some("UTF-16 (save it as UTF-8)");
    }
    (nuls > 0).then_some("a binary file")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads at most `ahead` bytes at a time, so that each line end is cut in two at some point.
    fn lines(text: &[u8], ahead: usize) -> Vec<Vec<u8>> {
        let mut reader = BufReader::with_capacity(ahead, text);
        let mut lines = Vec::new();
        let mut line = Vec::new();
        while take_line(&mut reader, &mut line).expect("a slice can be read") == Line::Read {
            lines.push(line.clone());
        }
        lines
    }

    #[test]
    fn a_line_ends_in_lf_crlf_or_cr() {
        let text = b"a\rb\r\nc\nd\r\r\n\n\re";
        let expected: [&[u8]; 8] = [b"a\r", b"b\r\n", b"c\n", b"d\r", b"\r\n", b"\n", b"\r", b"e"];
        for ahead in 1..text.len() {
            assert_eq!(lines(text, ahead), expected, "{ahead}");
        }
    }

    #[test]
    fn a_line_is_too_long_whatever_it_ends_in() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["x".repeat(MAX_ROW_BYTES + 1).as_str(), end, "y", end].concat();
            let mut reader = BufReader::new(text.as_bytes());
            let mut line = Vec::new();
            let mut read = || {
                (
                    take_line(&mut reader, &mut line).expect("a slice can be read"),
                    line.clone(),
                )
            };
            assert_eq!(read().0, Line::TooLong);
            assert_eq!(read(), (Line::Read, format!("y{end}").into_bytes()));
            assert_eq!(read().0, Line::End);
        }
    }

    proptest! {
        #[test]
        fn lines_are_the_text_and_only_their_ends_are_line_ends(text in "[ab\r\n]{0,40}", ahead in 1_usize..5) {
            let lines = lines(text.as_bytes(), ahead);
            prop_assert_eq!(lines.concat(), text.as_bytes());
            for line in &lines {
                let content = line.strip_suffix(b"\n").unwrap_or(line);
                let content = content.strip_suffix(b"\r").unwrap_or(content);
                prop_assert!(!content.iter().any(|byte| matches!(byte, b'\r' | b'\n')), "{:?}", line);
            }
        }
    }
}
