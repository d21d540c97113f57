//! The polling thread: takes records from librdkafka, hands them out by partition, pauses partitions that are full.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Headers, Message};
use rdkafka::{Timestamp, TopicPartitionList};
use tokio::sync::mpsc;

use super::reading::{Reading, Readings};
use super::rebalance::Context;
use super::{Flags, client};
use crate::connection::KafkaConnection;
use crate::record::position::{Offset, Partition, Position};
use crate::record::{Header, Record};
use crate::source::{Event, SourceError, Until};

/// The wait for a first record: what is asked for (close, quiet, resume) is noticed this fast.
const IDLE: Duration = Duration::from_millis(50);

/// Records gathered before they are handed out, at most this long: a batch fills, and nobody waits noticeably.
const LINGER: Duration = Duration::from_millis(5);

/// The question for a log end at the start.
const WATERMARK_TIMEOUT: Duration = Duration::from_secs(10);

/// A broker that does not answer so fast has other troubles than a thread that sleeps.
const WAKE: Duration = Duration::from_millis(200);

/// The brokers being away, they are asked this often whether they are back, and given this long to answer.
const ASK_AGAIN: Duration = Duration::from_secs(2);

pub struct Poller {
    pub consumer: Arc<BaseConsumer<Context>>,
    pub events: mpsc::UnboundedSender<Event>,
    pub flags: Arc<Flags>,
    pub until: Until,
    pub brokers: String,
    pub topic: String,
    pub chunk_records: usize,
}

/// For brokers that do not answer.
#[derive(Default)]
struct Waiting {
    /// Since when, or since they were last asked.
    since: Option<Instant>,
}

impl Poller {
    pub fn run(self) {
        let mut readings = Readings::default();
        let mut waiting = Waiting::default();
        while !self.flags.is_closing.load(Ordering::Relaxed) {
            self.gather(&mut readings, &mut waiting);
            for reading in readings.all() {
                self.hand_out(reading);
            }
            self.pause_and_resume(&mut readings);
        }
    }

    /// Polls until a chunk is there or the linger time is over.
    fn gather(&self, readings: &mut Readings, waiting: &mut Waiting) {
        let mut end = None;
        let mut count = 0;
        while count < self.chunk_records {
            let wait = end.map_or(IDLE, |end: Instant| {
                whole_millis(end.saturating_duration_since(Instant::now()))
            });
            let polled = self.consumer.poll(wait);
            if readings.follow(self.consumer.context()) {
                self.end_empty(readings);
            }
            match polled {
                Some(Ok(message)) => {
                    self.note_recovered(waiting);
                    end.get_or_insert_with(|| Instant::now() + LINGER);
                    count += 1;
                    self.take(readings, &message);
                }
                Some(Err(KafkaError::PartitionEOF(number))) => {
                    self.note_recovered(waiting);
                    if self.until == Until::End
                        && let Some(reading) = readings.get(number)
                    {
                        self.end(reading);
                    }
                }
                Some(Err(error)) => {
                    self.note_error(waiting, error);
                    return;
                }
                // Served a call-back, or nothing came.
                None => {
                    match self.consumer.context().take_error() {
                        Some(error) => self.note_error(waiting, error),
                        None => self.ask_again(waiting),
                    }
                    return;
                }
            }
        }
    }

    fn take(&self, readings: &mut Readings, message: &BorrowedMessage<'_>) {
        let Some(reading) = readings.get(message.partition()) else {
            return;
        };
        if self.flags.is_quiet.load(Ordering::Relaxed) || reading.has_ended {
            return;
        }
        if self.until == Until::End && message.offset() >= self.log_end(reading) {
            self.end(reading);
            return;
        }
        self.note_gap(reading, message.offset());
        reading.gather(message);
        if reading.is_at_end(message) {
            self.end(reading);
        }
    }

    /// Says so where records were deleted before they were read: nobody else would notice.
    fn note_gap(&self, reading: &mut Reading, offset: i64) {
        if std::mem::replace(&mut reading.has_begun, true) {
            return;
        }
        let assigned = &reading.assigned;
        let Some(from) = assigned.from.filter(|from| from.0 != offset) else {
            return;
        };
        // A gap is usual where transactions or compaction leave one; a log that begins later is none.
        let number = assigned.partition.number;
        let low = self.consumer.fetch_watermarks(&self.topic, number, WATERMARK_TIMEOUT);
        let low = low.map_or(from.0, |(low, _)| low);
        if low > from.0 {
            tracing::error!(partition = %assigned.partition, from = from.0, to = low,
                "records were deleted by the topic's retention before they were read; they are lost");
        } else if offset < from.0 {
            tracing::warn!(partition = %assigned.partition, committed = from.0, offset,
                "the committed offset is beyond the log's end (was the topic made anew?), reading from its beginning");
        }
    }

    /// Ends partitions that have nothing to read. The brokers would say so, too, after half a second.
    fn end_empty(&self, readings: &mut Readings) {
        for reading in readings.all().filter(|reading| reading.is_empty()) {
            self.end(reading);
        }
    }

    /// The partition's log end, asked for once. Where it cannot be had, the end is where the brokers say "no more".
    fn log_end(&self, reading: &mut Reading) -> i64 {
        let number = reading.number();
        *reading.end.get_or_insert_with(|| {
            self.consumer
                .fetch_watermarks(&self.topic, number, WATERMARK_TIMEOUT)
                .map_or(i64::MAX, |(_, high)| high)
        })
    }

    /// Hands out what is gathered, then says that nothing more comes.
    fn end(&self, reading: &mut Reading) {
        if std::mem::replace(&mut reading.has_ended, true) {
            return;
        }
        self.hand_out(reading);
        self.send(Event::End {
            partition: Arc::clone(&reading.assigned.partition),
        });
    }

    fn hand_out(&self, reading: &mut Reading) {
        if !reading.gathered.is_empty() {
            self.send(Event::Records {
                partition: Arc::clone(&reading.assigned.partition),
                records: std::mem::take(&mut reading.gathered),
            });
        }
    }

    /// Full partitions are paused, half-empty ones resumed. What librdkafka has fetched already is kept by it.
    fn pause_and_resume(&self, readings: &mut Readings) {
        let (mut pause, mut resume) = (TopicPartitionList::new(), TopicPartitionList::new());
        for reading in readings.all() {
            let (number, gauge) = (reading.number(), &reading.assigned.gauge);
            if !reading.is_paused && (gauge.is_full() || reading.has_ended) {
                pause.add_partition(&self.topic, number);
                reading.is_paused = true;
            } else if reading.is_paused && gauge.has_room() && !reading.has_ended {
                resume.add_partition(&self.topic, number);
                reading.is_paused = false;
            }
        }
        for (list, done) in [(&pause, self.try_pause(&pause)), (&resume, self.try_resume(&resume))] {
            if let Err(error) = done {
                tracing::debug!(%error, count = list.count(), "cannot pause or resume");
            }
        }
    }

    fn try_pause(&self, list: &TopicPartitionList) -> Result<(), KafkaError> {
        if list.count() == 0 {
            Ok(())
        } else {
            self.consumer.pause(list)
        }
    }

    fn try_resume(&self, list: &TopicPartitionList) -> Result<(), KafkaError> {
        if list.count() == 0 {
            return Ok(());
        }
        self.consumer.resume(list)?;
        // Where all partitions of a broker were paused, its thread in librdkafka sleeps for up to a second before it looks
        // at what was resumed. A question to the broker wakes it; the answer says nothing new.
        let mut ends = list.clone();
        ends.set_all_offsets(rdkafka::Offset::End)?;
        self.consumer.offsets_for_times(ends, WAKE).map(drop)
    }

    fn note_recovered(&self, waiting: &mut Waiting) {
        if waiting.since.take().is_some() {
            self.send(Event::Recovered);
        }
    }

    /// On an idle topic no record shows that the brokers are back: they are asked.
    fn ask_again(&self, waiting: &mut Waiting) {
        if waiting.since.is_none_or(|since| since.elapsed() < ASK_AGAIN) {
            return;
        }
        if self.consumer.fetch_metadata(Some(&self.topic), ASK_AGAIN).is_ok() {
            self.note_recovered(waiting);
        } else {
            waiting.since = Some(Instant::now());
        }
    }

    fn note_error(&self, waiting: &mut Waiting, error: KafkaError) {
        if let Some(error) = self.fatal(&error) {
            self.flags.is_closing.store(true, Ordering::Relaxed);
            self.send(Event::Failed(error));
            return;
        }
        let connection = KafkaConnection {
            brokers: self.brokers.clone(),
            properties: std::collections::BTreeMap::new(),
        };
        let error = client::classify(error, &connection, &self.topic);
        if matches!(error, SourceError::Read(_)) {
            tracing::debug!(?error, "librdkafka goes on");
            return;
        }
        waiting.since.get_or_insert_with(Instant::now);
        self.send(Event::Waiting(error));
    }

    /// An error after which librdkafka reads nothing more, though it answers every poll.
    fn fatal(&self, error: &KafkaError) -> Option<SourceError> {
        let fatal = self.consumer.client().fatal_error().map(|(code, _)| code);
        let code = match error {
            KafkaError::MessageConsumptionFatal(code) => Some(*code),
            _ => fatal,
        };
        code.map(|code| match code {
            RDKafkaErrorCode::FencedInstanceId => SourceError::Fenced,
            code => SourceError::Read(KafkaError::MessageConsumptionFatal(code)),
        })
    }

    fn send(&self, event: Event) {
        // The pipeline has gone: it closes this thread, too.
        let _ = self.events.send(event);
    }
}

/// librdkafka waits for whole milliseconds; for less, it would be asked again and again until they are over.
fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// The client breaks on a header whose name is no UTF-8, which Kafka's protocol rules out and brokers let through. Such a
/// header is left out, and said: no plugin could ask for it, and its record must not stop the partition.
fn readable(headers: &BorrowedHeaders, partition: &Partition, offset: i64) -> Vec<Header> {
    let header = |index| {
        let read = || {
            headers.try_get(index).map(|header| Header {
                key: header.key.to_owned(),
                value: header.value.map(Bytes::copy_from_slice),
            })
        };
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
            tracing::warn!(%partition, offset, "a header whose name is no UTF-8 cannot be read and is left out");
            None
        })
    };
    (0..headers.count()).filter_map(header).collect()
}

/// `keep` copies the key and the value out of librdkafka's memory.
pub fn to_record(
    partition: &Arc<Partition>,
    message: &BorrowedMessage<'_>,
    mut keep: impl FnMut(&[u8]) -> Bytes,
) -> Record {
    let headers = message
        .headers()
        .map_or_else(Vec::new, |headers| readable(headers, partition, message.offset()));
    Record {
        position: Position {
            partition: Arc::clone(partition),
            offset: Offset(message.offset()),
            line: None,
        },
        timestamp_ms: match message.timestamp() {
            Timestamp::CreateTime(ms) | Timestamp::LogAppendTime(ms) => Some(ms),
            Timestamp::NotAvailable => None,
        },
        key: message.key().map(&mut keep),
        value: message.payload().map(&mut keep),
        headers,
        redriven: None,
    }
}
