//! Records to look at, in batches: those of a file, or the latest of a topic. Nothing is joined and nothing committed.

use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::failure::Failure;
use super::services::source_failure;
use crate::config::settings::{From, Settings};
use crate::kafka::error::ClientError;
use crate::kafka::latest::{self, Wanted};
use crate::record::Record;
use crate::source::gauge::Gauge;
use crate::source::{Event, ReadFrom, Running, file};

/// Records of each partition of a topic that are looked at by default.
pub const LATEST_RECORDS: u64 = 1000;

/// Batches read ahead: the next one is fetched while this one is worked on.
const BATCHES_AHEAD: usize = 1;

/// Batches of records of a file or a topic, to their end.
pub enum Records {
    File { file: FileRecords, left: u64 },
    Topic(mpsc::Receiver<Result<Vec<Record>, ClientError>>),
}

impl Records {
    /// Opens what `settings.from` names: of a file the first `limit` records or all, of a topic the latest of each
    /// partition.
    pub fn open(settings: &Settings, limit: Option<NonZeroU64>) -> Result<Self, Failure> {
        let From::Kafka { topic } = &settings.from else {
            return Ok(Self::File {
                file: FileRecords::open(settings)?,
                left: limit.map_or(u64::MAX, NonZeroU64::get),
            });
        };
        let wanted = Wanted {
            topic: topic.clone(),
            per_partition: limit.map_or(LATEST_RECORDS, NonZeroU64::get),
            batch_records: settings.pipeline.batch_records,
            group: settings.source.group.clone(),
        };
        let connection = settings.kafka.clone();
        let (out, batches) = mpsc::channel(BATCHES_AHEAD);
        // It ends by itself when its batches are not taken any more.
        drop(tokio::task::spawn_blocking(move || {
            let read = latest::read(&connection, &wanted, |batch| match out.blocking_send(Ok(batch)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            });
            if let Err(error) = read {
                let _ = out.blocking_send(Err(error));
            }
        }));
        Ok(Self::Topic(batches))
    }

    /// The next records, all of one partition; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, Failure> {
        match self {
            Self::File { left: 0, .. } => Ok(None),
            Self::File { file, left } => {
                let mut records = file.next().await?;
                if let Some(records) = &mut records {
                    records.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= records.len() as u64;
                }
                Ok(records)
            }
            Self::Topic(batches) => batches.recv().await.transpose().map_err(source_failure),
        }
    }

    /// Fails where rows of a file were no rows, so that what was looked at is not the whole of it.
    pub fn check_whole(&self) -> Result<(), Failure> {
        match self {
            Self::File { file, .. } => file.check_whole(),
            Self::Topic(_) => Ok(()),
        }
    }
}

/// The records of a file.
pub struct FileRecords {
    running: Running,
    /// Tells the source that records are done with, or it would stop reading ahead.
    gauge: Option<Arc<Gauge>>,
    /// Lines of the file that are not valid rows.
    skipped: u64,
}

impl FileRecords {
    /// # Errors
    /// No file is named, or it cannot be read.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let started = match &settings.from {
            From::Csv(path) => file::start(file::Format::Csv, path, &settings.source.bounds),
            From::Ndjson(path) => file::start(file::Format::Ndjson, path, &settings.source.bounds),
            From::Kafka { .. } => {
                return Err(Failure::Usage(anyhow::anyhow!(
                    "this takes a file: FILE.csv or FILE.ndjson"
                )));
            }
        };
        Ok(Self {
            running: started.map_err(source_failure)?,
            gauge: None,
            skipped: 0,
        })
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
