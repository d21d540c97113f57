//! Sends records and counts what the brokers acknowledge, with an idempotent producer and acks=all.
//!
//! Records go in rounds. Each round is awaited before the next one begins, so that a refused record does not take
//! others with it and the order of a key is kept (`kafka/producer/sender/`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::connection::KafkaConnection;
use crate::kafka::producer::message::{Message, Stamp};
use crate::kafka::producer::sender::{Order, Sender as Producer};
use crate::kafka::producer::{ProduceError, ProduceFault, Profile};

/// A record that is not acknowledged within this time has failed. It is long enough for a broker's restart.
const DELIVERY_TIMEOUT: Duration = Duration::from_mins(1);

/// A round ends with this many records: enough that the wait at its end hardly shows, and few enough to hold in memory.
const ROUND_RECORDS: usize = 20_000;

/// A round also ends with this many bytes of keys and values.
const ROUND_BYTES: usize = 16 * 1024 * 1024;

/// A round also ends after this time, so that failures show soon if records come slowly.
const ROUND_TIME: Duration = Duration::from_millis(500);

/// Failures that are shown. Further ones are only counted.
const SHOWN_FAILURES: usize = 10;

/// Sends records of one file to one topic.
pub struct Sender {
    producer: Producer,
    topic: String,
    runtime: Handle,
    round: Vec<Waiting>,
    round_bytes: usize,
    begun: Instant,
    report: DeliveryReport,
}

/// A record that is not sent yet.
struct Waiting {
    line: u64,
    key: String,
    value: Vec<u8>,
}

/// What became of the records that were sent.
#[derive(Debug, Clone, Default)]
pub struct DeliveryReport {
    /// Acknowledged records of each partition.
    pub delivered: BTreeMap<i32, u64>,
    /// Number of records that failed.
    pub failed: u64,
    /// The first failures.
    pub failures: Vec<Failed>,
}

/// A record that the brokers did not take.
#[derive(Debug, Clone)]
pub struct Failed {
    /// The line of the file, counted from 1.
    pub line: u64,
    pub key: String,
    pub error: ProduceError,
}

/// An error after which the next record would fail too.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the brokers do not acknowledge records any more")]
    Outage(#[source] ProduceError),
    #[error(
        "the brokers refuse the records' timestamps, which are this host's time; set the clocks of host and brokers"
    )]
    Clock(#[source] ProduceError),
}

impl Sender {
    /// Makes the producer. Call the sender on a thread of this runtime that may block.
    ///
    /// # Errors
    /// If librdkafka does not accept a setting.
    pub fn new(connection: &KafkaConnection, topic: &str, runtime: Handle) -> Result<Self, ProduceError> {
        let profile = Profile {
            client_id: "host-produce",
            delivery_timeout: DELIVERY_TIMEOUT,
            compression: Some("lz4"),
        };
        let producer = Producer::new(connection, profile, Order::ByKey);
        producer.check()?;
        Ok(Self {
            producer,
            topic: topic.to_owned(),
            runtime,
            round: Vec::new(),
            round_bytes: 0,
            begun: Instant::now(),
            report: DeliveryReport::default(),
        })
    }

    /// Takes the record from this line of the file. If the round is full, sends it, and blocks meanwhile.
    ///
    /// # Errors
    /// If further records would fail too.
    pub fn send(&mut self, line: u64, key: String, value: Vec<u8>) -> Result<(), SendError> {
        if self.round.is_empty() {
            self.begun = Instant::now();
        }
        self.round_bytes += key.len() + value.len();
        self.round.push(Waiting { line, key, value });
        let is_full = self.round.len() >= ROUND_RECORDS || self.round_bytes >= ROUND_BYTES;
        if is_full || self.begun.elapsed() >= ROUND_TIME {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Sends the waiting records. Blocks until they are acknowledged or have failed.
    pub fn flush(&mut self) -> Result<(), SendError> {
        let round = std::mem::take(&mut self.round);
        self.round_bytes = 0;
        let messages = round.iter().map(|record| Message {
            topic: &self.topic,
            key: Some(record.key.as_bytes()),
            value: Some(&record.value),
            stamp: Stamp::Now,
            headers: &[],
        });
        let messages: Vec<_> = messages.collect();
        let results = self.runtime.block_on(self.producer.send_all(&messages));
        drop(messages);
        let mut outage = None;
        for (record, result) in round.into_iter().zip(results) {
            let error = match result {
                Ok(partition) => {
                    *self.report.delivered.entry(partition).or_default() += 1;
                    continue;
                }
                Err(error) => error,
            };
            let is_about_the_record = matches!(error.fault, ProduceFault::TooLarge | ProduceFault::Invalid);
            if !is_about_the_record && outage.is_none() {
                outage = Some(error.clone());
            }
            self.report.fail(record, error);
        }
        match outage {
            None => Ok(()),
            Some(error) if error.fault == ProduceFault::Timestamp => Err(SendError::Clock(error)),
            Some(error) => Err(SendError::Outage(error)),
        }
    }

    /// What became of the records that were sent.
    pub fn report(&self) -> &DeliveryReport {
        &self.report
    }
}

impl DeliveryReport {
    /// Acknowledged records of all partitions.
    pub fn delivered_total(&self) -> u64 {
        self.delivered.values().sum()
    }

    fn fail(&mut self, record: Waiting, error: ProduceError) {
        self.failed += 1;
        if self.failures.len() < SHOWN_FAILURES {
            let Waiting { line, key, .. } = record;
            self.failures.push(Failed { line, key, error });
        }
    }
}
