//! The polling thread: takes records from librdkafka, hands them out by partition, pauses partitions that are full.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Timestamp, TopicPartitionList};
use tokio::sync::mpsc;

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
    is_waiting: bool,
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
            let wait = end.map_or(IDLE, |end: Instant| end.saturating_duration_since(Instant::now()));
            match self.consumer.poll(wait) {
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
                    if let Some(error) = self.consumer.context().take_error() {
                        self.note_error(state, error);
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
        let record = to_record(&assigned.partition, message);
        assigned.gauge.add(1, record.size());
        state.gathered.entry(number).or_default().push(record);
        if self.until == Until::End && message.offset() + 1 >= self.log_end(state, number) {
            self.end(state, number);
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
        if std::mem::take(&mut state.is_waiting) {
            self.send(Event::Recovered);
        }
    }

    fn note_error(&self, state: &mut State, error: KafkaError) {
        if is_fatal(&error) {
            self.flags.is_closing.store(true, Ordering::Relaxed);
            self.send(Event::Failed(SourceError::Read(error)));
            return;
        }
        let connection = KafkaConnection {
            brokers: self.brokers.clone(),
            properties: std::collections::BTreeMap::new(),
        };
        let error = client::classify(error, &connection, &self.topic);
        if matches!(error, SourceError::Read(_)) {
            tracing::debug!(%error, "librdkafka goes on");
            return;
        }
        state.is_waiting = true;
        self.send(Event::Waiting(error));
    }

    fn send(&self, event: Event) {
        // The pipeline has gone: it closes this thread, too.
        let _ = self.events.send(event);
    }
}

fn is_fatal(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal)
}

fn to_record(partition: &Arc<Partition>, message: &BorrowedMessage<'_>) -> Record {
    let bytes = |part: Option<&[u8]>| part.map(Bytes::copy_from_slice);
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        let header = |header: rdkafka::message::Header<'_, &[u8]>| Header {
            key: header.key.to_owned(),
            value: bytes(header.value),
        };
        headers.iter().map(header).collect()
    });
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
    }
}
