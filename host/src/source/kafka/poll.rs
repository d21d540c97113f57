//! The polling thread takes records from librdkafka and hands them out by partition. A partition with too many records
//! in flight is not read until there is room. Its fetched records wait in a queue of librdkafka, which is bounded.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::poller::Poller;
use super::reading::{Reading, Readings};
use super::rest::Rests;
use crate::kafka::error::{Cause, ClientError};
use crate::kafka::record::{Message, Polled};
use crate::source::{Event, Until};

/// The longest wait for a first record, which ends it early. A request to close or to be quiet is noticed within this
/// time.
const IDLE: Duration = Duration::from_millis(50);

/// The pause before a full partition is looked at again. Nothing ends it early.
const FULL: Duration = Duration::from_millis(5);

/// Records are gathered for at most this long before they are handed out. A batch fills in this time, and the delay is
/// not noticeable.
const LINGER: Duration = Duration::from_millis(5);

/// How long the brokers may take to say where a log ends.
const WATERMARK_TIMEOUT: Duration = Duration::from_secs(10);

/// While the brokers are away, they are asked this often whether they are back, and have this long to answer.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Whether the brokers are being waited for.
#[derive(Default)]
struct Waiting {
    /// Since when they do not answer, or when they were last asked.
    since: Option<Instant>,
}

impl Poller {
    /// Polls and hands out until the source is closed. It blocks, so it needs a thread of its own.
    pub fn run(self) {
        let mut readings = Readings::default();
        let mut waiting = Waiting::default();
        let mut watch = self.member.watch(self.identity(), self.topic_refresh);
        let mut rests = Rests::default();
        while !self.flags.is_closing.load(Ordering::Relaxed) {
            self.gather(&mut readings, &mut waiting);
            for reading in readings.all() {
                self.hand_out(reading);
            }
            self.look_at_rest(&mut readings, &mut rests);
            self.follow_topic(&mut readings, &mut watch);
        }
    }

    /// Polls until a chunk of some partition is complete or the linger time is over. Without records, it waits once.
    fn gather(&self, readings: &mut Readings, waiting: &mut Waiting) {
        let mut end = None;
        loop {
            self.serve(readings, waiting);
            let mut has_records = false;
            for reading in readings.all() {
                has_records |= self.drain(reading, waiting);
            }
            if has_records {
                end.get_or_insert_with(|| Instant::now() + LINGER);
            }
            let wait = match end {
                Some(end) => end.saturating_duration_since(Instant::now()),
                None if readings.all().any(|reading| reading.is_full) => FULL,
                None => IDLE,
            };
            if wait.is_zero() || readings.all().any(|reading| self.is_chunk(reading)) {
                return;
            }
            std::thread::park_timeout(wait);
            if end.is_none() {
                self.ask_again(waiting);
                return;
            }
        }
    }

    /// Handles what comes besides records: assignments, revocations and errors.
    fn serve(&self, readings: &mut Readings, waiting: &mut Waiting) {
        loop {
            let polled = self.member.poll();
            let is_assigned_anew = readings.follow(&self.member, &self.flags);
            if is_assigned_anew {
                self.end_empty(readings);
            }
            match polled {
                // This record's partition had no queue of its own yet. It is older than all that will be in that queue.
                Some(Polled::Message(message)) => {
                    if let Some(reading) = readings.get(message.partition()) {
                        self.take(reading, &message);
                    }
                }
                // The queues of the partitions report their ends.
                Some(Polled::End(_)) => {}
                Some(Polled::Failed(error)) => self.note_error(waiting, error),
                None => {
                    if let Some(error) = self.member.take_error() {
                        self.note_error(waiting, error);
                    }
                    if !is_assigned_anew {
                        return;
                    }
                }
            }
        }
    }

    /// Takes the records that librdkafka has of a partition, until the partition is full or a chunk is complete.
    /// Returns whether there was any.
    fn drain(&self, reading: &mut Reading, waiting: &mut Waiting) -> bool {
        let queue = Arc::clone(&reading.queue);
        let before = reading.gathered.len();
        while reading.wants_more() && !self.is_chunk(reading) && !self.flags.is_quiet.load(Ordering::Relaxed) {
            match queue.poll() {
                Some(Polled::Message(message)) => self.take(reading, &message),
                Some(Polled::End(_)) => {
                    reading.place.hear();
                    self.note_recovered(waiting);
                    if self.until == Until::End {
                        self.end(reading);
                    }
                }
                Some(Polled::Failed(error)) => self.note_error(waiting, error),
                None => {
                    reading.is_drained = true;
                    break;
                }
            }
        }
        let has_records = reading.gathered.len() > before;
        if has_records {
            self.note_recovered(waiting);
        }
        has_records
    }

    fn is_chunk(&self, reading: &Reading) -> bool {
        reading.gathered.len() >= self.chunk_records
    }

    fn take(&self, reading: &mut Reading, message: &Message<'_>) {
        reading.is_drained = false;
        if self.until == Until::End && message.offset() >= self.log_end(reading) {
            reading.place.hear();
            self.end(reading);
            return;
        }
        self.step(reading, message.offset());
        reading.gather(message);
        if reading.is_at_end(message) {
            self.end(reading);
        }
    }

    /// Ends partitions that have nothing to read. The brokers would report their ends too, but only after half a
    /// second.
    fn end_empty(&self, readings: &mut Readings) {
        for reading in readings.all().filter(|reading| reading.is_empty()) {
            self.end(reading);
        }
    }

    /// Returns the partition's log end, and asks for it only once. If there is no answer, the partition ends where the
    /// brokers report an end.
    pub(super) fn log_end(&self, reading: &mut Reading) -> i64 {
        let number = reading.assigned.partition.number;
        *reading.end.get_or_insert_with(|| {
            let end = self.member.group().log_end(&self.topic, number, WATERMARK_TIMEOUT);
            end.map_or(i64::MAX, |end| end.0)
        })
    }

    /// Hands out what is gathered, then reports the partition's end.
    fn end(&self, reading: &mut Reading) {
        if std::mem::replace(&mut reading.has_ended, true) {
            return;
        }
        self.hand_out(reading);
        self.pass_to_end(reading);
        self.send(Event::End {
            partition: Arc::clone(&reading.assigned.partition),
        });
    }

    fn note_recovered(&self, waiting: &mut Waiting) {
        if waiting.since.take().is_some() {
            self.send(Event::Recovered);
        }
    }

    /// Asks whether the brokers are back, since on an idle topic no record shows it.
    fn ask_again(&self, waiting: &mut Waiting) {
        if waiting.since.is_none_or(|since| since.elapsed() < ASK_AGAIN) {
            return;
        }
        if self.member.is_answered(&self.topic, ASK_AGAIN) {
            self.note_recovered(waiting);
        } else {
            waiting.since = Some(Instant::now());
        }
    }

    fn note_error(&self, waiting: &mut Waiting, error: Cause) {
        if let Some(error) = self.member.fatal(&error) {
            self.flags.is_closing.store(true, Ordering::Relaxed);
            self.send(Event::Failed(error.into()));
            return;
        }
        let error = error.classify(&self.brokers, &self.topic);
        if matches!(error, ClientError::Read(_)) {
            tracing::debug!(?error, "librdkafka continues by itself");
            return;
        }
        waiting.since.get_or_insert_with(Instant::now);
        self.send(Event::Waiting(error.into()));
    }
}
