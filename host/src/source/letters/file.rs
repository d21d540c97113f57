//! A file of dead letters as a source: its records, as they were. Nothing is committed: a replay starts at the
//! beginning.

use std::path::Path;
use std::sync::Arc;

use super::selection::{CountedSelection, Tally};
use crate::csv_file::{InputError, NdjsonReader};
use crate::record::Record;
use crate::record::letter::replay::Selection;
use crate::record::letter::{Found, NotALetter, line};
use crate::record::position::{Offset, Partition, Position};
use crate::source::Running;
use crate::source::bounds::Bounds;
use crate::source::error::SourceError;
use crate::source::lines::{self, Lines};

/// The letter on a line.
pub fn found(partition: &Arc<Partition>, number: u64, text: &str) -> Found {
    let at = position(partition, number);
    Found {
        message: Record {
            position: at.clone(),
            timestamp_ms: None,
            key: None,
            value: Some(text.to_owned().into()),
            headers: Vec::new(),
            redriven: None,
        },
        at,
        letter: line::read(text),
    }
}

/// A line that is not text.
pub fn unreadable(partition: &Arc<Partition>, number: u64, why: String) -> Found {
    Found {
        letter: Err(NotALetter::Line(why)),
        ..found(partition, number, "")
    }
}

/// A letter's offset is its line.
fn position(partition: &Arc<Partition>, line: u64) -> Position {
    Position {
        partition: Arc::clone(partition),
        offset: Offset(i64::try_from(line).unwrap_or(i64::MAX)),
        line: Some(line),
    }
}

/// Opens the file and starts to read it.
///
/// # Errors
/// The file is not there, or is not text.
pub fn start(path: &Path, selection: Selection, bounds: &Bounds) -> Result<(Running, Arc<Tally>), SourceError> {
    let letters = NdjsonReader::open(path)?;
    let tally = Arc::new(Tally::default());
    let selection = CountedSelection {
        conditions: selection,
        tally: Arc::clone(&tally),
    };
    let read = move |lines| hand_out(letters, &selection, lines);
    let running = lines::start("letters", lines::partition(path), bounds, read)?;
    Ok((running, tally))
}

/// Hands out the records of the letters that the selection takes.
fn hand_out(letters: NdjsonReader, selection: &CountedSelection, mut lines: Lines) {
    for letter in letters {
        if lines.is_stopped() {
            return;
        }
        let found = match letter {
            Ok((line, text)) => found(lines.partition(), line, &text),
            Err(InputError::BadRow { line, why, .. }) => unreadable(lines.partition(), line, why),
            Err(error) => return lines.fail(error.into()),
        };
        if let Some(record) = selection.take(found) {
            lines.push(record);
        }
    }
    lines.end(0);
}
