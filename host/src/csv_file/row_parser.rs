//! Splits lines into the fields of one row, with quotes and line ends inside quotes (RFC 4180).
//!
//! The `csv` crate reads the same rows (a test compares this parser with it). But it does not tell the right line after
//! blank lines, nor that a quote is never closed, and it cannot go on after such a quote.

/// Collects one row, line by line.
#[derive(Debug)]
pub struct RowParser {
    delimiter: u8,
    state: State,
    /// The fields without quotes, one after the other. `ends` says where each one ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    is_misquoted: bool,
    /// The line on which the last quote was opened.
    quote_line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside a quoted field, which is the field's end or the first half of a doubled quote.
    QuoteInQuoted,
}

/// Whether the row ends with the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Complete,
    /// A quote is open, so the next line belongs to the row.
    Open,
}

impl RowParser {
    /// Starts with an empty row.
    pub fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            state: State::FieldStart,
            bytes: Vec::new(),
            ends: Vec::new(),
            is_misquoted: false,
            quote_line: 0,
        }
    }

    /// Drops the row, to begin the next one.
    pub fn clear(&mut self) {
        self.state = State::FieldStart;
        self.bytes.clear();
        self.ends.clear();
        self.is_misquoted = false;
    }

    /// Takes one line, with its line end if it has one.
    pub fn push_line(&mut self, line: &[u8], number: u64) -> Progress {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        for &byte in content {
            self.push_byte(byte, number);
        }
        if self.state == State::Quoted {
            self.bytes.extend_from_slice(&line[content.len()..]);
            return Progress::Open;
        }
        self.end_field();
        Progress::Complete
    }

    fn push_byte(&mut self, byte: u8, line: u64) {
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::QuoteInQuoted,
            (State::Quoted, _) => self.bytes.push(byte),
            (State::FieldStart, b'"') => {
                self.state = State::Quoted;
                self.quote_line = line;
            }
            (State::QuoteInQuoted, b'"') => {
                self.bytes.push(b'"');
                self.state = State::Quoted;
            }
            (_, _) if byte == self.delimiter => self.end_field(),
            (State::QuoteInQuoted, _) => {
                self.is_misquoted = true;
                self.bytes.push(byte);
                self.state = State::Plain;
            }
            (State::FieldStart | State::Plain, _) => {
                self.bytes.push(byte);
                self.state = State::Plain;
            }
        }
    }

    fn end_field(&mut self) {
        self.ends.push(self.bytes.len());
        self.state = State::FieldStart;
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
        self.bytes.len()
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
        let mut parser = RowParser::new(delimiter);
        parser.push_line(header, 1);
        parser.fields().len()
    };
    // `max_by_key` takes the last of equals, so the comma comes last.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|&delimiter| count(delimiter))
        .unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
        let mut parser = RowParser::new(delimiter);
        let mut rows = Vec::new();
        for (index, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            if parser.push_line(line, index as u64 + 1) == Progress::Complete {
                rows.push(parser.fields().map(<[u8]>::to_vec).collect());
                parser.clear();
            }
        }
        rows
    }

    #[test]
    fn detects_the_delimiter_outside_quotes() {
        assert_eq!(detect_delimiter(b"a,b,c\n"), b',');
        assert_eq!(detect_delimiter(b"a;b;c\r\n"), b';');
        assert_eq!(detect_delimiter(b"a\tb\n"), b'\t');
        assert_eq!(detect_delimiter(b"\"a,b,c\";d\n"), b';');
        assert_eq!(detect_delimiter(b"alone\n"), b',');
    }

    proptest! {
        #[test]
        fn reads_what_the_csv_crate_writes(
            rows in prop::collection::vec(prop::collection::vec("[a-z,;\"\t\r\n é]{0,8}", 2..5), 1..5)
        ) {
            for delimiter in *b",;\t" {
                let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
                for row in &rows {
                    writer.write_record(row).expect("a vector takes every row");
                }
                let text = writer.into_inner().expect("a vector takes every row");
                let expected: Vec<Vec<Vec<u8>>> =
                    rows.iter().map(|row| row.iter().map(|field| field.clone().into_bytes()).collect()).collect();
                prop_assert_eq!(split(&text, delimiter), expected);
            }
        }

        #[test]
        fn any_bytes_are_split_without_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
            split(&text, b',');
        }
    }
}
