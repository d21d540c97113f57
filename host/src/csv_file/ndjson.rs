//! Reads the lines of an NDJSON file. Each line is one JSON text, which is not parsed here.

use std::path::Path;

use super::text_file::{Line, TextFile};
use super::{Counts, InputError};

/// Reads an NDJSON file line by line: UTF-8 with or without byte order mark, any line ends, gzipped or not.
///
/// As an iterator it gives each line's number and text, and ends at the end of the file, or after an error
/// other than [`InputError::BadRow`].
pub struct NdjsonReader {
    file: TextFile,
    line: Vec<u8>,
    counts: Counts,
    is_at_end: bool,
}

impl NdjsonReader {
    /// Opens the file.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        Ok(Self {
            file: TextFile::open(path)?,
            line: Vec::new(),
            counts: Counts::default(),
            is_at_end: false,
        })
    }

    /// Counts of what was read so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn read_text(&mut self) -> Result<Option<(u64, String)>, InputError> {
        loop {
            let found = self.file.read_line(&mut self.line)?;
            let line = self.file.line();
            match found {
                Line::End => return Ok(None),
                Line::TooLong => return Err(self.file.bad_row(line, "the line is longer than 16 MiB")),
                Line::Read => {}
            }
            let text = self.line.trim_ascii();
            if text.is_empty() {
                self.counts.blank += 1;
                continue;
            }
            let text = std::str::from_utf8(text).map_err(|_| self.file.bad_row(line, "the line is not UTF-8"))?;
            return Ok(Some((line, text.to_owned())));
        }
    }
}

impl Iterator for NdjsonReader {
    type Item = Result<(u64, String), InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_at_end {
            return None;
        }
        let text = self.read_text().transpose();
        match &text {
            Some(Ok(_)) => self.counts.rows += 1,
            Some(Err(InputError::BadRow { .. })) => self.counts.bad += 1,
            Some(Err(_)) | None => self.is_at_end = true,
        }
        text
    }
}
