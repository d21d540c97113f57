//! What all sources of files share: a file is one partition, a thread of its own hands out the records chunk by chunk,
//! and nothing is committed. The readers know what a line holds.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::bounds::Bounds;
use super::error::SourceError;
use super::gauge::Gauge;
use super::{Assignment, Control, Event, Running};
use crate::progress::Nowhere;
use crate::record::Record;
use crate::record::position::{Offset, Partition};

/// The pause between two looks at a pipeline that has enough. It is far shorter than a batch takes, and far longer than
/// a look.
const WAIT: Duration = Duration::from_micros(200);

/// A file counts as partition 0 of a topic named like it.
pub fn partition(path: &Path) -> Arc<Partition> {
    Arc::new(Partition {
        topic: path.display().to_string().into(),
        number: 0,
    })
}

/// Starts a thread of this name, on which `read` hands the records of the partition to the pipeline.
pub fn start(
    thread: &str,
    partition: Arc<Partition>,
    bounds: &Bounds,
    read: impl FnOnce(Lines) + Send + 'static,
) -> Result<Running, SourceError> {
    let (events_in, events) = mpsc::unbounded_channel();
    let is_stopped = Arc::new(AtomicBool::new(false));
    let lines = Lines {
        partition,
        first: Offset(0),
        gauge: Arc::new(Gauge::new(bounds.queue_records, bounds.queue_bytes)),
        events: events_in,
        is_stopped: Arc::clone(&is_stopped),
        chunk: Vec::with_capacity(bounds.chunk_records),
        chunk_records: bounds.chunk_records,
    };
    std::thread::Builder::new()
        .name(thread.to_owned())
        .spawn(move || {
            if let Some(first) = lines.assign() {
                read(Lines { first, ..lines });
            }
        })
        .map_err(SourceError::no_thread)?;
    Ok(Running {
        events,
        control: Arc::new(FileControl { is_stopped }),
        progress: Arc::new(Nowhere),
    })
}

/// Takes a file's records and hands them out.
pub struct Lines {
    partition: Arc<Partition>,
    /// The offset at which reading begins. Records before it are skipped.
    first: Offset,
    gauge: Arc<Gauge>,
    events: mpsc::UnboundedSender<Event>,
    is_stopped: Arc<AtomicBool>,
    chunk: Vec<Record>,
    chunk_records: usize,
}

impl Lines {
    /// Waits for the pipeline to say where to begin. `None` means that the pipeline has ended.
    fn assign(&self) -> Option<Offset> {
        let (answer, starts) = oneshot::channel();
        self.send(Event::Assigned {
            assignments: vec![Assignment {
                partition: Arc::clone(&self.partition),
                topic: None,
                gauge: Arc::clone(&self.gauge),
            }],
            starts: answer,
        });
        let start = starts.blocking_recv().ok()?.first()?.point;
        Some(Offset(start.map_or(0, |start| start.0)))
    }

    /// The partition that stands for the file: number 0 of a topic with the file's name.
    pub fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// Whether the pipeline wants no more records.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Adds a record to the chunk at hand, and hands out a full one.
    pub fn push(&mut self, record: Record) {
        if record.position.offset < self.first {
            return;
        }
        self.chunk.push(record);
        if self.chunk.len() >= self.chunk_records {
            self.hand_out();
        }
    }

    /// Hands out the chunk at hand, once the pipeline takes more.
    fn hand_out(&mut self) {
        while self.gauge.is_full() && !self.is_stopped() {
            std::thread::sleep(WAIT);
        }
        let records = std::mem::take(&mut self.chunk);
        if records.is_empty() {
            return;
        }
        self.gauge.add(records.len(), records.iter().map(Record::size).sum());
        self.send(Event::Records {
            partition: Arc::clone(&self.partition),
            records,
        });
    }

    /// Reports the end of the file, and how many of its rows were skipped.
    pub fn end(mut self, skipped: u64) {
        self.hand_out();
        if skipped > 0 {
            self.send(Event::Skipped { rows: skipped });
        }
        self.send(Event::End {
            partition: Arc::clone(&self.partition),
        });
    }

    /// Reports that the file cannot be read any further.
    pub fn fail(mut self, error: SourceError) {
        self.hand_out();
        self.send(Event::Failed(error));
    }

    fn send(&self, event: Event) {
        // An error means that the pipeline has ended. The next look at `is_stopped` then ends this thread.
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

    fn close(&self) -> BoxFuture<'static, ()> {
        self.is_stopped.store(true, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }
}
