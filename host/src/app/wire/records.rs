//! Records to look at, in batches: those of a file, or the latest of a topic. Nothing is joined and nothing committed.

use std::num::NonZeroU64;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::services::source_failure;
use crate::app::failure::Failure;
use crate::record::Record;
use crate::source::error::SourceError;
use crate::source::gauge::Gauge;
use crate::source::{Event, ReadFrom, Running};

/// Records of each partition of a topic that are looked at by default.
pub const LATEST_RECORDS: u64 = 1000;

/// Batches of records, to their end.
pub enum Records {
    /// From a source that runs without a pipeline.
    Source { records: SourceRecords, left: u64 },
    /// From a reader of its own.
    Batches(mpsc::Receiver<Result<Vec<Record>, SourceError>>),
}

impl Records {
    /// The first `limit` records of a source that reads to its end, or all.
    pub fn of(running: Running, limit: Option<NonZeroU64>) -> Self {
        Self::Source {
            records: SourceRecords::of(running),
            left: limit.map_or(u64::MAX, NonZeroU64::get),
        }
    }

    /// The next records, all of one partition; `None` at the end.
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

    /// Fails where rows of a file were no rows, so that what was looked at is not the whole of it.
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
    /// Tells the source that records are done with, or it would stop reading ahead.
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

    /// The next records of the file; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, Failure> {
        loop {
            match self.running.events.recv().await {
                // A file is one partition.
                Some(Event::Assigned { assignments, starts }) => {
                    self.gauge = assignments.into_iter().map(|file| file.gauge).next();
                    // An error means that the source has gone, and the next event says why.
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

    /// Fails where rows of the file were no rows.
    pub fn check_whole(&self) -> Result<(), Failure> {
        match self.skipped {
            0 => Ok(()),
            skipped => Err(Failure::Failed(anyhow::anyhow!(
                "{skipped} rows of the file could not be read and were skipped"
            ))),
        }
    }
}
