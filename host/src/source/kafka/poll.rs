//! The polling thread: takes records from librdkafka, hands them out by partition, pauses partitions that are full.

use std::collections::{HashMap, HashSet};
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

use super::rebalance::{Assigned, Context};
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

/// What the thread knows between two polls.
#[derive(Default)]
struct State {
    gathered: HashMap<i32, Vec<Record>>,
    paused: HashSet<i32>,
    /// Log ends seen when the partition was assigned, with `Until::End`.
    ends: HashMap<i32, i64>,
    /// Partitions read to their end.
    ended: HashSet<i32>,
    /// Partitions of which a record has come since they were assigned.
    begun: HashSet<i32>,
    /// Since when the brokers do not answer, or since they were last asked.
    waiting_since: Option<Instant>,
}

impl State {
    fn forget(&mut self, number: i32) {
        self.gathered.remove(&number);
        self.paused.remove(&number);
        self.ends.remove(&number);
        self.ended.remove(&number);
        self.begun.remove(&number);
    }
}

impl Poller {
    pub fn run(self) {
        let mut state = State::default();
        while !self.flags.is_closing.load(Ordering::Relaxed) {
            self.gather(&mut state);
            self.hand_out(&mut state);
            self.pause_and_resume(&mut state);
        }
    }

    /// Polls until a chunk is there or the linger time is over.
    fn gather(&self, state: &mut State) {
        let mut end = None;
        let mut count = 0;
        while count < self.chunk_records {
            let wait = end.map_or(IDLE, |end: Instant| {
                whole_millis(end.saturating_duration_since(Instant::now()))
            });
            let polled = self.consumer.poll(wait);
            // Assignments come while polling. Records gathered for an earlier assignment come once more with the new one.
            for number in self.consumer.context().take_fresh() {
                state.forget(number);
            }
            match polled {
                Some(Ok(message)) => {
                    self.note_recovered(state);
                    end.get_or_insert_with(|| Instant::now() + LINGER);
                    count += 1;
                    self.take(state, &message);
                }
                Some(Err(KafkaError::PartitionEOF(number))) => {
                    self.note_recovered(state);
                    if self.until == Until::End {
                        self.end(state, number);
                    }
                }
                Some(Err(error)) => {
                    self.note_error(state, error);
                    return;
                }
                // Served a call-back, or nothing came.
                None => {
                    match self.consumer.context().take_error() {
                        Some(error) => self.note_error(state, error),
                        None => self.ask_again(state),
                    }
                    return;
                }
            }
        }
    }

    fn take(&self, state: &mut State, message: &BorrowedMessage<'_>) {
        let number = message.partition();
        let Some(assigned) = self.consumer.context().assigned(number) else {
            return;
        };
        if self.flags.is_quiet.load(Ordering::Relaxed) || state.ended.contains(&number) {
            return;
        }
        if self.until == Until::End {
            let end = self.log_end(state, number);
            if message.offset() >= end {
                self.end(state, number);
                return;
            }
        }
        self.note_gap(state, &assigned, message.offset());
        let record = to_record(&assigned.partition, message);
        assigned.gauge.add(1, record.size());
        state.gathered.entry(number).or_default().push(record);
        if self.until == Until::End && message.offset() + 1 >= self.log_end(state, number) {
            self.end(state, number);
        }
    }

    /// Says so where records were deleted before they were read: nobody else would notice.
    fn note_gap(&self, state: &mut State, assigned: &Assigned, offset: i64) {
        let number = assigned.partition.number;
        if !state.begun.insert(number) {
            return;
        }
        let Some(from) = assigned.from.filter(|from| from.0 != offset) else {
            return;
        };
        // A gap is usual where transactions or compaction leave one; a log that begins later is none.
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

    /// The partition's log end, asked for once. Where it cannot be had, the end is where the brokers say "no more".
    fn log_end(&self, state: &mut State, number: i32) -> i64 {
        *state.ends.entry(number).or_insert_with(|| {
            self.consumer
                .fetch_watermarks(&self.topic, number, WATERMARK_TIMEOUT)
                .map_or(i64::MAX, |(_, high)| high)
        })
    }

    /// Hands out what is gathered, then says that nothing more comes.
    fn end(&self, state: &mut State, number: i32) {
        if !state.ended.insert(number) {
            return;
        }
        self.hand_out(state);
        if let Some(assigned) = self.consumer.context().assigned(number) {
            self.send(Event::End {
                partition: assigned.partition,
            });
        }
    }

    fn hand_out(&self, state: &mut State) {
        for (number, records) in state.gathered.drain() {
            // A partition revoked meanwhile: another member reads these.
            if let Some(assigned) = self.consumer.context().assigned(number) {
                self.send(Event::Records {
                    partition: assigned.partition,
                    records,
                });
            }
        }
    }

    /// Full partitions are paused, half-empty ones resumed. What librdkafka has fetched already is kept by it.
    fn pause_and_resume(&self, state: &mut State) {
        let assigned = self.consumer.context().all_assigned();
        let numbers: HashSet<_> = assigned.iter().map(|assigned| assigned.partition.number).collect();
        state.paused.retain(|number| numbers.contains(number));
        state.ended.retain(|number| numbers.contains(number));
        state.ends.retain(|number, _| numbers.contains(number));
        state.begun.retain(|number| numbers.contains(number));
        let (mut pause, mut resume) = (TopicPartitionList::new(), TopicPartitionList::new());
        for assigned in &assigned {
            let number = assigned.partition.number;
            let is_paused = state.paused.contains(&number);
            if !is_paused && (assigned.gauge.is_full() || state.ended.contains(&number)) {
                pause.add_partition(&self.topic, number);
                state.paused.insert(number);
            } else if is_paused && assigned.gauge.has_room() && !state.ended.contains(&number) {
                resume.add_partition(&self.topic, number);
                state.paused.remove(&number);
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
            Ok(())
        } else {
            self.consumer.resume(list)
        }
    }

    fn note_recovered(&self, state: &mut State) {
        if state.waiting_since.take().is_some() {
            self.send(Event::Recovered);
        }
    }

    /// On an idle topic no record shows that the brokers are back: they are asked.
    fn ask_again(&self, state: &mut State) {
        if state.waiting_since.is_none_or(|since| since.elapsed() < ASK_AGAIN) {
            return;
        }
        if self.consumer.fetch_metadata(Some(&self.topic), ASK_AGAIN).is_ok() {
            self.note_recovered(state);
        } else {
            state.waiting_since = Some(Instant::now());
        }
    }

    fn note_error(&self, state: &mut State, error: KafkaError) {
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
        state.waiting_since.get_or_insert_with(Instant::now);
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

pub fn to_record(partition: &Arc<Partition>, message: &BorrowedMessage<'_>) -> Record {
    let bytes = |part: Option<&[u8]>| part.map(Bytes::copy_from_slice);
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
        key: bytes(message.key()),
        value: bytes(message.payload()),
        headers,
        redriven: None,
    }
}
