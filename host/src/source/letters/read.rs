//! Reads letters one by one, to be looked at: nothing is committed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use tokio::sync::mpsc;

use super::topic::{Letters, found};
use super::{LettersLocation, file, original};
use crate::csv_file::{InputError, NdjsonReader};
use crate::kafka::error::{ClientError, guarded};
use crate::kafka::record::Polled;
use crate::record::letter::Found;
use crate::source::error::SourceError;
use crate::source::lines;

/// Letters that are read ahead of their reader.
const AHEAD: usize = 100;

/// Offsets by partition; of a file, lines in partition 0.
pub type Ranges = BTreeMap<i32, Range<i64>>;

/// Whether the parts that a letter holds by reference are read from its record's topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum References {
    Restored,
    Left,
}

/// Reads the letters of these ranges, or all that are there now, each partition in its order.
pub fn read(
    place: LettersLocation,
    ranges: Option<Ranges>,
    references: References,
) -> mpsc::Receiver<Result<Found, SourceError>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let result = guarded(|| match &place {
            LettersLocation::Topic(topic) => {
                let letters = Letters::open(topic)?;
                let ranges = ranges.unwrap_or_else(|| letters.ranges.clone());
                Ok(read_topic(&letters, ranges, references, &sender)?)
            }
            LettersLocation::File(path) => read_file(path, ranges.as_ref(), &sender),
        });
        if let Err(error) = result {
            // An error means that the reader has ended.
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

fn read_topic(
    letters: &Letters,
    mut ranges: Ranges,
    references: References,
    sender: &mpsc::Sender<Result<Found, SourceError>>,
) -> Result<(), ClientError> {
    // Ranges outside of the log are left out, since none of their letters would ever come.
    ranges.retain(|number, range| {
        let there = letters.ranges.get(number);
        there.is_some_and(|there| range.start < range.end && range.start < there.end && range.end > there.start)
    });
    if ranges.is_empty() {
        return Ok(());
    }
    letters.assign(&ranges)?;
    let partitions: BTreeMap<_, _> = ranges
        .keys()
        .map(|number| (*number, letters.reader.partition(*number)))
        .collect();
    let mut heard = Instant::now();
    while !ranges.is_empty() && !sender.is_closed() {
        match letters.reader.poll_patiently(&mut heard)? {
            Some(Polled::Message(message)) => {
                let (number, offset) = (message.partition(), message.offset());
                let Some(range) = ranges.get(&number) else { continue };
                let is_last = offset + 1 >= range.end;
                if range.contains(&offset)
                    && let Some(partition) = partitions.get(&number)
                {
                    let mut found = found(partition, &message);
                    if let (Ok(letter), References::Restored) = (&mut found.letter, references) {
                        original::restore(&letters.topic.connection, &letters.topic.group, letter)?;
                        heard = Instant::now();
                    }
                    // The reader has gone, so the loop ends.
                    let _ = sender.blocking_send(Ok(found));
                }
                if is_last {
                    ranges.remove(&number);
                }
            }
            Some(Polled::End(number)) => drop(ranges.remove(&number)),
            Some(Polled::Failed(_)) | None => {}
        }
    }
    Ok(())
}

fn read_file(
    path: &Path,
    ranges: Option<&Ranges>,
    sender: &mpsc::Sender<Result<Found, SourceError>>,
) -> Result<(), SourceError> {
    let wanted = |line: u64| {
        let line = i64::try_from(line).unwrap_or(i64::MAX);
        ranges.is_none_or(|ranges| ranges.get(&0).is_some_and(|range| range.contains(&line)))
    };
    let partition = lines::partition(path);
    for line in NdjsonReader::open(path)? {
        let found = match line {
            Ok((line, text)) if wanted(line) => file::found(&partition, line, &text),
            Err(InputError::BadRow { line, why, .. }) if wanted(line) => file::unreadable(&partition, line, why),
            Ok(_) | Err(InputError::BadRow { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        if sender.blocking_send(Ok(found)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}
