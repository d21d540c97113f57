//! Splits lines into the fields of one row, with `csv-core`, which knows quotes and line ends (RFC 4180).
//!
//! The crate accepts every text: it closes a quote at the end of the file, and keeps text that follows a closing quote.
//! So this file also finds out which line opened a quote, and whether text follows a closing one.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

const QUOTE: u8 = b'"';

/// Collects one row, line by line.
#[derive(Debug)]
pub struct Splitter {
    reader: Reader,
    /// The first `size` bytes are the fields without quotes, one after the other. `ends` says where each one ends.
    bytes: Vec<u8>,
    size: usize,
    ends: Vec<usize>,
    /// The number of bytes that the current field has on earlier lines, with its quotes.
    bytes_above: usize,
    is_quoted: bool,
    is_misquoted: bool,
    quote_line: u64,
}

/// Whether the row ends with the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Complete,
    /// A quote is open, so the next line belongs to the row.
    Open,
}

impl Splitter {
    /// Starts with an empty row.
    pub fn new(delimiter: u8) -> Self {
        let mut splitter = Self {
            reader: ReaderBuilder::new().delimiter(delimiter).quote(QUOTE).build(),
            bytes: Vec::new(),
            size: 0,
            ends: Vec::new(),
            bytes_above: 0,
            is_quoted: false,
            is_misquoted: false,
            quote_line: 0,
        };
        splitter.clear();
        splitter
    }

    /// Drops the row, to begin the next one.
    pub fn clear(&mut self) {
        self.reader.reset();
        // The reader drops a byte order mark from the first bytes that it gets after a reset. The file's own mark is gone
        // by now, and a mark at the beginning of a later row belongs to a cell. So this call gives it no bytes first.
        self.reader.read_field(&[], &mut []);
        self.size = 0;
        self.ends.clear();
        self.bytes_above = 0;
        self.is_misquoted = false;
    }

    /// Takes one line with its line end. The first line of a row must not be blank, because the reader skips such lines.
    pub fn push_line(&mut self, line: &[u8], number: u64) -> Progress {
        debug_assert!(line.ends_with(b"\n") || line.ends_with(b"\r"), "a line has an end");
        // A field is never longer than the bytes that it is read from.
        let room = self.size + line.len();
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        let mut rest = line;
        loop {
            let begins_here = self.bytes_above == 0;
            if begins_here {
                self.is_quoted = rest.first() == Some(&QUOTE);
            }
            if begins_here && self.is_quoted {
                self.quote_line = number;
            }
            let (result, read, written) = self.reader.read_field(rest, &mut self.bytes[self.size..]);
            self.size += written;
            let ReadFieldResult::Field { record_end } = result else {
                self.bytes_above += read;
                return Progress::Open;
            };
            // The last byte is the delimiter, or begins the line end.
            self.end_field(&rest[..read - 1]);
            if record_end {
                return Progress::Complete;
            }
            rest = &rest[read..];
        }
    }

    /// Ends the field. `written` is what the file has of it on this line, with its quotes.
    fn end_field(&mut self, written: &[u8]) {
        let begin = self.ends.last().copied().unwrap_or(0);
        if self.is_quoted {
            let field = &self.bytes[begin..self.size];
            #[expect(
                clippy::naive_bytecount,
                reason = "fields are short, and a crate for it would be one more"
            )]
            let doubled = field.iter().filter(|byte| **byte == QUOTE).count();
            // If nothing follows the closing quote, the file has the field between two quotes, and each quote inside it
            // twice. Text behind that quote either ends in another byte, or has quotes that the file has only once.
            let expected = field.len() + doubled + 2;
            self.is_misquoted |= written.last() != Some(&QUOTE) || self.bytes_above + written.len() != expected;
        }
        self.ends.push(self.size);
        self.bytes_above = 0;
    }

    /// The fields of the row so far.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.ends.iter().enumerate().map(|(index, &end)| {
            let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.bytes[start..end]
        })
    }

    /// Bytes that the row holds so far.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether text follows a closing quote. Usually a quote was left open above, and has swallowed rows since.
    pub fn is_misquoted(&self) -> bool {
        self.is_misquoted
    }

    /// The line on which the last quote was opened.
    pub fn quote_line(&self) -> u64 {
        self.quote_line
    }
}

/// The delimiter of a header line: whichever of `,` `;` and tab it has most of outside quotes.
pub fn detect_delimiter(header: &[u8]) -> u8 {
    let count = |delimiter: u8| {
        let mut splitter = Splitter::new(delimiter);
        splitter.push_line(header, 1);
        splitter.fields().len()
    };
    // `max_by_key` takes the last of equals, so the comma comes last.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|&delimiter| count(delimiter))
        .unwrap_or(b',')
}

#[cfg(test)]
mod tests;
