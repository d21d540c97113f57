//! Reads the rows of a CSV file with a header line. Cells are handed out as they are, since cleaning them is the
//! plugin's work.

use std::collections::HashSet;
use std::path::Path;

use super::split::{Progress, Splitter, detect_delimiter};
use super::text_file::{Line, MAX_ROW_BYTES, TextFile};
use super::{Counts, InputError};

/// Reads a CSV file row by row: UTF-8 with or without byte order mark, any line ends, `,` `;` or tab, gzipped or not.
///
/// As an iterator it ends at the end of the file, or after an error other than [`InputError::BadRow`].
pub struct CsvReader {
    file: TextFile,
    header: Vec<String>,
    row: Splitter,
    line: Vec<u8>,
    counts: Counts,
    is_at_end: bool,
}

/// One row, with as many fields as the header has. An empty field is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvRow {
    /// The line that the row begins on, counted from 1.
    pub line: u64,
    pub fields: Vec<Option<String>>,
}

impl CsvReader {
    /// Opens the file and reads its header.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let mut reader = Self {
            file: TextFile::open(path)?,
            header: Vec::new(),
            row: Splitter::new(b','),
            line: Vec::new(),
            counts: Counts::default(),
            is_at_end: false,
        };
        reader.read_header()?;
        Ok(reader)
    }

    /// The names of the columns, without surrounding blanks.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Counts of what was read so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn read_header(&mut self) -> Result<(), InputError> {
        loop {
            match self.next_line()? {
                Line::End => {
                    return Err(InputError::Empty {
                        file: self.file.path().to_owned(),
                    });
                }
                Line::TooLong => return Err(self.bad_header("the line is longer than 16 MiB".to_owned())),
                Line::Read if self.line.trim_ascii().is_empty() => self.counts.blank += 1,
                Line::Read => break,
            }
        }
        let line = self.file.line();
        self.row = Splitter::new(detect_delimiter(&self.line));
        while self.row.push_line(&self.line, line) == Progress::Open {
            let more = self.next_line()?;
            if more != Line::Read || self.row.size() > MAX_ROW_BYTES {
                return Err(self.bad_header(format!("the quote opened on line {line} is never closed")));
            }
        }
        self.header = self.header_names()?;
        self.row.clear();
        Ok(())
    }

    fn header_names(&self) -> Result<Vec<String>, InputError> {
        let mut seen = HashSet::new();
        let mut names = Vec::new();
        for (index, field) in self.row.fields().enumerate() {
            let name = std::str::from_utf8(field).map_err(|_| InputError::NotText {
                file: self.file.path().to_owned(),
                looks_like: "Latin-1 or another 8-bit encoding (save it as UTF-8)",
            })?;
            let name = name.trim();
            if name.is_empty() {
                return Err(self.bad_header(format!("column {} has no name", index + 1)));
            }
            if name.starts_with(['{', '[', '<']) {
                return Err(self.bad_header(format!("it begins with {:?}, like JSON or HTML", &name[..1])));
            }
            if !seen.insert(name) {
                return Err(self.bad_header(format!("the column {name} comes twice")));
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }

    fn bad_header(&self, why: String) -> InputError {
        InputError::BadHeader {
            file: self.file.path().to_owned(),
            line: self.file.line(),
            why,
        }
    }

    /// Reads the next line. The last one gets a line end if it has none: it is what ends a row.
    fn next_line(&mut self) -> Result<Line, InputError> {
        let line = self.file.read_line(&mut self.line)?;
        if line == Line::Read && !self.line.ends_with(b"\n") && !self.line.ends_with(b"\r") {
            self.line.push(b'\n');
        }
        Ok(line)
    }

    /// Reads lines up to the end of the next row that is not blank.
    fn read_row(&mut self) -> Result<Option<CsvRow>, InputError> {
        loop {
            self.row.clear();
            match self.next_line()? {
                Line::End => return Ok(None),
                Line::TooLong => {
                    let line = self.file.line();
                    return Err(self.file.bad_row(line, "the line is longer than 16 MiB"));
                }
                Line::Read if self.line.trim_ascii().is_empty() => {
                    self.counts.blank += 1;
                    continue;
                }
                Line::Read => {}
            }
            let first_line = self.file.line();
            self.complete_row()?;
            if self.row.fields().all(|field| field.trim_ascii().is_empty()) {
                self.counts.blank += 1;
                continue;
            }
            return self.row(first_line).map(Some);
        }
    }

    /// Splits the current line, and further lines while a quote is open.
    fn complete_row(&mut self) -> Result<(), InputError> {
        while self.row.push_line(&self.line, self.file.line()) == Progress::Open {
            let why = match self.next_line()? {
                Line::End => "the quote opened here is not closed before the end of the file",
                Line::TooLong => "a line inside the quote opened here is longer than 16 MiB",
                Line::Read if self.row.size() > MAX_ROW_BYTES => "the quote opened here is not closed within 16 MiB",
                Line::Read => continue,
            };
            return Err(self.file.bad_row(self.row.quote_line(), why));
        }
        Ok(())
    }

    fn row(&self, line: u64) -> Result<CsvRow, InputError> {
        let found = self.row.fields().len();
        let expected = self.header.len();
        if self.row.is_misquoted() {
            let last = self.file.line();
            let reach = if last == line {
                String::new()
            } else {
                format!(" (the row reaches to line {last})")
            };
            return Err(self.file.bad_row(line, format!("text follows a closing quote{reach}")));
        }
        if found != expected {
            let why = format!("{found} fields where the header has {expected}");
            return Err(self.file.bad_row(line, why));
        }
        let cell = |(index, field): (usize, &[u8])| match std::str::from_utf8(field) {
            Ok("") => Ok(None),
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(self.file.bad_row(line, format!("{} is not UTF-8", self.header[index]))),
        };
        let fields = self.row.fields().enumerate().map(cell).collect::<Result<_, _>>()?;
        Ok(CsvRow { line, fields })
    }
}

impl Iterator for CsvReader {
    type Item = Result<CsvRow, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_at_end {
            return None;
        }
        let row = self.read_row().transpose();
        match &row {
            Some(Ok(_)) => self.counts.rows += 1,
            Some(Err(InputError::BadRow { .. })) => self.counts.bad += 1,
            Some(Err(_)) | None => self.is_at_end = true,
        }
        row
    }
}

#[cfg(test)]
mod tests;
