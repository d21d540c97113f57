//! Reads records to look at, in batches: those of a file, or the latest of a topic. It joins no group and commits
//! nothing.

use std::num::NonZeroU64;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::services::source_failure;
use crate::app::failure::Failure;
use crate::record::Record;
use crate::source::error::SourceError;
use crate::source::gauge::Gauge;
use crate::source::{Event, ReadFrom, Running};

/// So many of the latest records of each partition of a topic are looked at by default.
pub const LATEST_RECORDS: u64 = 1000;

/// A stream of records in batches, which ends.
pub enum Records {
    /// The records of a source that runs without a pipeline; `left` of them are still to be read.
    Source { records: SourceRecords, left: u64 },
    /// The records of another reader.
    Batches(mpsc::Receiver<Result<Vec<Record>, SourceError>>),
}

impl Records {
    /// Takes the first `limit` records of a source that reads to its end, or all.
    pub fn of(running: Running, limit: Option<NonZeroU64>) -> Self {
        Self::Source {
            records: SourceRecords::of(running),
            left: limit.map_or(u64::MAX, NonZeroU64::get),
        }
    }

    /// Returns the next records, which are all of one partition. `None` means that there are no more.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, Failure> {
        match self {
            Self::Source { left: 0, .. } => Ok(None),
            Self::Source { records: source, left } => {
                let mut records = source.next().await?;
                if let Some(records) = &mut records {
                    records.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= records.len() as u64;
                }
                Ok(records)
            }
            Self::Batches(batches) => batches.recv().await.transpose().map_err(source_failure),
        }
    }

    /// Fails if lines of a file were skipped because they are not valid rows.
    pub fn check_whole(&self) -> Result<(), Failure> {
        match self {
            Self::Source { records, .. } => records.check_whole(),
            Self::Batches(_) => Ok(()),
        }
    }
}

/// The records of a source that ends.
pub struct SourceRecords {
    running: Running,
    /// Records are taken off the gauge as they are returned, or the source would stop reading ahead.
    gauge: Option<Arc<Gauge>>,
    /// Lines of the file that are not valid rows.
    skipped: u64,
}

impl SourceRecords {
    /// Takes the records of a source that was started to read to its end.
    pub fn of(running: Running) -> Self {
        Self {
            running,
            gauge: None,
            skipped: 0,
        }
    }

    /// Returns the next records of the file. `None` means that the file has ended.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, Failure> {
        loop {
            match self.running.events.recv().await {
                // A file is one partition.
                Some(Event::Assigned { assignments, starts }) => {
                    self.gauge = assignments.into_iter().map(|file| file.gauge).next();
                    // An error means that the source has ended, and the next event says why.
                    let _ = starts.send(vec![ReadFrom::BEGINNING]);
                }
                Some(Event::Records { records, .. }) => {
                    if let Some(gauge) = &self.gauge {
                        gauge.subtract(records.len(), records.iter().map(Record::size).sum());
                    }
                    return Ok(Some(records));
                }
                Some(Event::Skipped { rows }) => self.skipped += rows,
                Some(Event::Failed(error)) => return Err(source_failure(error)),
                Some(Event::End { .. }) | None => return Ok(None),
                Some(_) => {}
            }
        }
    }

    /// Lines of the file that are not valid rows.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Fails if lines of the file were skipped because they are not valid rows.
    pub fn check_whole(&self) -> Result<(), Failure> {
        match self.skipped {
            0 => Ok(()),
            skipped => Err(Failure::Failed(anyhow::anyhow!(
                "{skipped} rows of the file could not be read and were skipped"
            ))),
        }
    }
}
