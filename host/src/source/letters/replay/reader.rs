//! The thread that reads the letters and hands their records to the pipeline.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Shared;
use crate::kafka::error::{Cause, ClientError};
use crate::kafka::record::{Message, Polled};
use crate::record::Record;
use crate::record::letter::Found;
use crate::record::position::Partition;
use crate::source::gauge::Gauge;
use crate::source::letters::original;
use crate::source::letters::selection::CountedSelection;
use crate::source::letters::topic::found;
use crate::source::{Assignment, Event};

/// The longest wait for a letter. A request to stop is noticed within this time.
const POLL: Duration = Duration::from_millis(50);

/// The pause between two tries to read a letter's record.
const RESTORE_AGAIN: Duration = Duration::from_secs(1);

/// The pause between two looks while the pipeline has enough.
const WAIT: Duration = Duration::from_millis(1);

pub(super) struct Reader {
    pub shared: Arc<Shared>,
    pub selection: CountedSelection,
    /// The partitions that are not yet read to their end.
    pub lanes: BTreeMap<i32, Lane>,
    pub chunk_records: usize,
    pub is_waiting: bool,
}

pub(super) struct Lane {
    pub partition: Arc<Partition>,
    pub gauge: Arc<Gauge>,
    pub range: Range<i64>,
    pub chunk: Vec<Record>,
}

impl Reader {
    /// Reads the ranges of all partitions to their ends, then ends. It blocks, so it needs a thread of its own.
    pub fn run(mut self) {
        let assigned = self.lanes.values().map(|lane| Assignment {
            partition: Arc::clone(&lane.partition),
            topic: None,
            gauge: Arc::clone(&lane.gauge),
        });
        let (answer, starts) = oneshot::channel();
        self.shared.send(Event::Assigned {
            assignments: assigned.collect(),
            starts: answer,
        });
        // The starts are those that the progress of this session has restored. No answer means that the pipeline has
        // ended.
        if starts.blocking_recv().is_err() {
            return;
        }
        let empty = self.lanes.iter().filter(|(_, lane)| lane.range.is_empty());
        let empty: Vec<_> = empty.map(|(number, _)| *number).collect();
        for number in empty {
            self.end(number);
        }
        let shared = Arc::clone(&self.shared);
        while !self.lanes.is_empty() && !self.is_quiet() {
            match shared.letters.reader.poll(POLL) {
                Some(Polled::Message(message)) => {
                    self.note_recovered();
                    self.take(&message);
                }
                Some(Polled::End(number)) => {
                    self.note_recovered();
                    self.end(number);
                }
                Some(Polled::Failed(error)) => self.note_error(error),
                None => {
                    if let Some(error) = shared.letters.reader.take_error() {
                        self.note_error(error);
                    }
                    self.hand_out_all();
                }
            }
        }
    }

    fn take(&mut self, message: &Message<'_>) {
        let (number, offset) = (message.partition(), message.offset());
        let Some(lane) = self.lanes.get_mut(&number) else {
            return;
        };
        if offset < lane.range.end {
            let mut found = found(&lane.partition, message);
            if !self.restore(&mut found) {
                return;
            }
            let record = self.selection.take(found);
            let Some(lane) = self.lanes.get_mut(&number) else {
                return;
            };
            if let Some(redriven) = record.as_ref().and_then(|record| record.redriven) {
                self.shared.raise(redriven.generation);
            }
            if let Some(progress) = self.shared.state().partitions.get_mut(&number) {
                progress.handed_out.extend(record.as_ref().map(|_| offset));
                progress.read_to = offset + 1;
            }
            lane.chunk.extend(record);
            if lane.chunk.len() >= self.chunk_records {
                self.hand_out(number);
            }
        }
        if self.lanes.get(&number).is_some_and(|lane| offset + 1 >= lane.range.end) {
            self.end(number);
        }
    }

    /// Reads what the letter holds by reference, if it is to be replayed. Tries until the brokers say whether
    /// it is there. Returns false if the reader was asked to end meanwhile.
    fn restore(&mut self, found: &mut Found) -> bool {
        let Ok(letter) = &mut found.letter else { return true };
        if letter.reference().is_none() || !self.selection.conditions.filter.takes(letter) {
            return true;
        }
        let topic = self.shared.letters.topic.clone();
        let mut is_waiting = false;
        while let Err(error) = original::restore(&topic.connection, &topic.group, letter) {
            is_waiting = true;
            self.shared.send(Event::Waiting(error.into()));
            std::thread::sleep(RESTORE_AGAIN);
            if self.is_quiet() {
                return false;
            }
        }
        if is_waiting {
            self.shared.send(Event::Recovered);
        }
        true
    }

    /// Hands out what is there, then says that nothing more comes.
    fn end(&mut self, number: i32) {
        self.hand_out(number);
        if self.is_quiet() {
            return;
        }
        let Some(lane) = self.lanes.remove(&number) else { return };
        self.shared.send(Event::End {
            partition: lane.partition,
        });
    }

    fn hand_out_all(&mut self) {
        let numbers: Vec<_> = self.lanes.keys().copied().collect();
        for number in numbers {
            self.hand_out(number);
        }
    }

    /// Waits while the pipeline has enough. The other partitions wait too, since all rows go to the same sink.
    fn hand_out(&mut self, number: i32) {
        let Some(lane) = self.lanes.get_mut(&number) else {
            return;
        };
        if lane.chunk.is_empty() {
            return;
        }
        while lane.gauge.is_full() {
            if self.shared.is_quiet.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(WAIT);
        }
        let records = std::mem::take(&mut lane.chunk);
        lane.gauge.add(records.len(), records.iter().map(Record::size).sum());
        self.shared.send(Event::Records {
            partition: Arc::clone(&lane.partition),
            records,
        });
    }

    fn is_quiet(&self) -> bool {
        self.shared.is_quiet.load(Ordering::Relaxed)
    }

    fn note_recovered(&mut self) {
        if std::mem::take(&mut self.is_waiting) {
            self.shared.send(Event::Recovered);
        }
    }

    fn note_error(&mut self, error: Cause) {
        if error.is_fatal() {
            self.shared.is_quiet.store(true, Ordering::Relaxed);
            return self.shared.send(Event::Failed(ClientError::Read(error).into()));
        }
        let error = self.shared.letters.reader.classify(error);
        if matches!(error, ClientError::Read(_)) {
            return tracing::debug!(%error, "librdkafka continues by itself");
        }
        self.is_waiting = true;
        self.shared.send(Event::Waiting(error.into()));
    }
}
