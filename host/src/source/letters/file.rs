//! A file of dead letters as a source: its records, as they were. Nothing is committed: a replay starts at the beginning.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::desk::{Desk, Tally};
use crate::csv_file::{InputError, NdjsonReader};
use crate::record::Record;
use crate::record::letter::replay::Selection;
use crate::record::letter::{Found, NotALetter, line};
use crate::record::position::{Offset, Partition, Position};
use crate::source::gauge::Gauge;
use crate::source::kafka::config::Config;
use crate::source::{Assignment, Commit, Control, Event, Running, SourceError};

/// While the pipeline has enough.
const WAIT: Duration = Duration::from_millis(1);

/// A file counts as partition 0 of a topic named like it; a letter's offset is its line.
pub fn partition(path: &Path) -> Arc<Partition> {
    Arc::new(Partition {
        topic: path.display().to_string().into(),
        number: 0,
    })
}

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

/// A line that is no text.
pub fn unreadable(partition: &Arc<Partition>, number: u64, why: String) -> Found {
    Found {
        letter: Err(NotALetter::Line(why)),
        ..found(partition, number, "")
    }
}

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
/// The file is not there, or is no text.
pub fn start(path: &Path, selection: Selection, config: &Config) -> Result<(Running, Arc<Tally>), SourceError> {
    let lines = NdjsonReader::open(path)?;
    let (events_in, events) = mpsc::unbounded_channel();
    let is_stopped = Arc::new(AtomicBool::new(false));
    let tally = Arc::new(Tally::default());
    let reader = Reader {
        partition: partition(path),
        gauge: Arc::new(Gauge::new(config.queue_records, config.queue_bytes)),
        desk: Desk {
            selection,
            tally: Arc::clone(&tally),
        },
        events: events_in,
        is_stopped: Arc::clone(&is_stopped),
        chunk_records: config.chunk_records,
    };
    std::thread::Builder::new()
        .name("letters".into())
        .spawn(move || reader.run(lines))
        .map_err(|cause| SourceError::Thread { cause })?;
    let running = Running {
        events,
        control: Arc::new(FileControl { is_stopped }),
    };
    Ok((running, tally))
}

struct Reader {
    partition: Arc<Partition>,
    gauge: Arc<Gauge>,
    desk: Desk,
    events: mpsc::UnboundedSender<Event>,
    is_stopped: Arc<AtomicBool>,
    chunk_records: usize,
}

impl Reader {
    fn run(self, lines: NdjsonReader) {
        self.send(Event::Assigned(vec![Assignment {
            partition: Arc::clone(&self.partition),
            committed: None,
            topic: None,
            gauge: Arc::clone(&self.gauge),
        }]));
        let mut chunk = Vec::with_capacity(self.chunk_records);
        for line in lines {
            if self.is_stopped.load(Ordering::Relaxed) {
                return;
            }
            let found = match line {
                Ok((line, text)) => found(&self.partition, line, &text),
                Err(InputError::BadRow { line, why, .. }) => unreadable(&self.partition, line, why),
                Err(error) => {
                    self.hand_out(&mut chunk);
                    return self.send(Event::Failed(error.into()));
                }
            };
            chunk.extend(self.desk.take(found));
            if chunk.len() >= self.chunk_records {
                self.hand_out(&mut chunk);
            }
        }
        self.hand_out(&mut chunk);
        self.send(Event::End {
            partition: Arc::clone(&self.partition),
        });
    }

    /// Waits while the pipeline has enough.
    fn hand_out(&self, chunk: &mut Vec<Record>) {
        while self.gauge.is_full() && !self.is_stopped.load(Ordering::Relaxed) {
            std::thread::sleep(WAIT);
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
