//! A file as a source: each row of a CSV, or each line of an NDJSON file, is one record with a JSON value.
//!
//! A file is one partition; a record's offset is its number, counted from 0 over the rows that are records. All records
//! carry the file's modification time as their timestamp, so that reading the file again writes the same write
//! timestamps, and a newer file wins over an older one. Nothing is committed: a run starts at the beginning.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::gauge::Gauge;
use super::kafka::config::Config;
use super::{Assignment, Commit, Control, Event, Running, SourceError};
use crate::csv_file::{CsvReader, InputError, NdjsonReader, json};
use crate::record::Record;
use crate::record::position::{Offset, Partition, Position};

/// Bad rows that are shown one by one.
const SHOWN_ROWS: u64 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Ndjson,
}

/// That the file can be opened and begins like one of its format.
pub fn check(format: Format, path: &Path) -> Result<(), SourceError> {
    Ok(Rows::open(format, path).map(drop)?)
}

/// Opens the file and starts to read it.
///
/// # Errors
/// The file is not there, cannot be read, or is no CSV.
pub fn start(format: Format, path: &Path, config: &Config) -> Result<Running, SourceError> {
    let rows = Rows::open(format, path)?;
    let partition = Arc::new(Partition {
        topic: path.display().to_string().into(),
        number: 0,
    });
    let gauge = Arc::new(Gauge::new(config.queue_records, config.queue_bytes));
    let (events_in, events) = mpsc::unbounded_channel();
    let is_stopped = Arc::new(AtomicBool::new(false));
    let reader = Reader {
        rows,
        partition: Arc::clone(&partition),
        gauge: Arc::clone(&gauge),
        events: events_in,
        is_stopped: Arc::clone(&is_stopped),
        timestamp_ms: modified_ms(path),
        chunk_records: config.chunk_records,
    };
    std::thread::Builder::new()
        .name("file".into())
        .spawn(move || reader.run())
        .map_err(|cause| SourceError::Thread { cause })?;
    Ok(Running {
        events,
        control: Arc::new(FileControl { is_stopped }),
    })
}

fn modified_ms(path: &Path) -> Option<i64> {
    let modified = path.metadata().and_then(|metadata| metadata.modified()).ok()?;
    i64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

enum Rows {
    Csv(CsvReader),
    Ndjson(NdjsonReader),
}

impl Rows {
    fn open(format: Format, path: &Path) -> Result<Self, InputError> {
        Ok(match format {
            Format::Csv => Self::Csv(CsvReader::open(path)?),
            Format::Ndjson => Self::Ndjson(NdjsonReader::open(path)?),
        })
    }

    /// The line and value of the next record.
    fn next(&mut self) -> Option<Result<(u64, Bytes), InputError>> {
        match self {
            Self::Csv(reader) => match reader.next()? {
                Ok(row) => Some(Ok((row.line, json::object(reader.header(), &row.fields).into()))),
                Err(error) => Some(Err(error)),
            },
            Self::Ndjson(reader) => Some(reader.next()?.map(|(line, text)| (line, Bytes::from(text)))),
        }
    }
}

struct Reader {
    rows: Rows,
    partition: Arc<Partition>,
    gauge: Arc<Gauge>,
    events: mpsc::UnboundedSender<Event>,
    is_stopped: Arc<AtomicBool>,
    timestamp_ms: Option<i64>,
    chunk_records: usize,
}

impl Reader {
    fn run(mut self) {
        let assignment = Assignment {
            partition: Arc::clone(&self.partition),
            committed: None,
            topic: None,
            gauge: Arc::clone(&self.gauge),
        };
        self.send(Event::Assigned(vec![assignment]));
        let mut offset = 0;
        let mut skipped = 0u64;
        let mut chunk = Vec::with_capacity(self.chunk_records);
        while !self.is_stopped.load(Ordering::Relaxed) {
            match self.rows.next() {
                None => break,
                Some(Ok((line, value))) => {
                    chunk.push(self.record(offset, line, value));
                    offset += 1;
                    if chunk.len() >= self.chunk_records {
                        self.hand_out(&mut chunk);
                    }
                }
                Some(Err(error @ InputError::BadRow { .. })) => {
                    skipped += 1;
                    match skipped {
                        n if n <= SHOWN_ROWS => tracing::warn!("skipped: {error}"),
                        n if n == SHOWN_ROWS + 1 => tracing::warn!("more rows are skipped, from here on only counted"),
                        _ => {}
                    }
                }
                Some(Err(error)) => {
                    self.hand_out(&mut chunk);
                    self.send(Event::Failed(error.into()));
                    return;
                }
            }
        }
        self.hand_out(&mut chunk);
        if skipped > 0 {
            self.send(Event::Skipped { rows: skipped });
        }
        self.send(Event::End {
            partition: Arc::clone(&self.partition),
        });
    }

    fn record(&self, offset: i64, line: u64, value: Bytes) -> Record {
        Record {
            position: Position {
                partition: Arc::clone(&self.partition),
                offset: Offset(offset),
                line: Some(line),
            },
            timestamp_ms: self.timestamp_ms,
            key: None,
            value: Some(value),
            headers: Vec::new(),
            redriven: None,
        }
    }

    /// Waits while the pipeline has enough.
    fn hand_out(&self, chunk: &mut Vec<Record>) {
        while self.gauge.is_full() && !self.is_stopped.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_micros(200));
        }
        let records = std::mem::take(chunk);
        if records.is_empty() {
            return;
        }
        self.gauge.add(records.len(), records.iter().map(Record::size).sum());
        self.send(Event::Records {
            partition: Arc::clone(&self.partition),
            records,
        });
    }

    fn send(&self, event: Event) {
        // The pipeline has gone: the next look at `is_stopped` ends the thread.
        if self.events.send(event).is_err() {
            self.is_stopped.store(true, Ordering::Relaxed);
        }
    }
}

struct FileControl {
    is_stopped: Arc<AtomicBool>,
}

impl Control for FileControl {
    fn quiet(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    fn commit(&self, _commits: Vec<Commit>) -> BoxFuture<'static, Result<(), SourceError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        self.is_stopped.store(true, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }
}
