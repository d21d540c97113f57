//! Sends records and counts what the brokers acknowledge: idempotent producer, acks=all.
//!
//! Records go in rounds. A round is awaited before the next one begins, so that a record that the brokers refuse takes no
//! other with it and the order of a key stays (`kafka_producer/sender.rs`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::connection::KafkaConnection;
use crate::kafka_producer::message::{Message, Stamp};
use crate::kafka_producer::sender::{Order, Sender as Producer};
use crate::kafka_producer::{ProduceError, ProduceFault, Profile};

/// A record that no broker acknowledges within this time has failed. Long enough for a broker's restart.
const DELIVERY_TIMEOUT: Duration = Duration::from_mins(1);

/// A round ends with so many records: enough that the wait at its end shows little, and few enough to be held.
const ROUND_RECORDS: usize = 20_000;

/// Or with so many bytes of keys and values.
const ROUND_BYTES: usize = 16 * 1024 * 1024;

/// Or after this time, where records come slowly: what goes wrong is told soon.
const ROUND_TIME: Duration = Duration::from_millis(500);

/// Failures that are shown; more are counted.
const SHOWN_FAILURES: usize = 10;

pub struct Sender {
    producer: Producer,
    topic: String,
    runtime: Handle,
    round: Vec<Waiting>,
    round_bytes: usize,
    begun: Instant,
    report: Report,
}

/// A record that was not sent yet.
struct Waiting {
    line: u64,
    key: String,
    value: Vec<u8>,
}

/// What became of the records.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// By partition.
    pub delivered: BTreeMap<i32, u64>,
    pub failed: u64,
    /// The first failures.
    pub failures: Vec<Failed>,
}

/// A record that the brokers did not take.
#[derive(Debug, Clone)]
pub struct Failed {
    pub line: u64,
    pub key: String,
    pub error: ProduceError,
}

/// The next record would fail, too.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the brokers acknowledge nothing any more")]
    Outage(#[source] ProduceError),
    #[error(
        "the brokers refuse the records' timestamps, which are this host's time; set the clocks of host and brokers"
    )]
    Clock(#[source] ProduceError),
}

impl Sender {
    /// Sends from a thread that may block, which belongs to this runtime.
    ///
    /// # Errors
    /// A setting that librdkafka does not take.
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
            report: Report::default(),
        })
    }

    /// Takes one record of this line of the file, and sends the round where it is full. Blocks then.
    ///
    /// # Errors
    /// No further record would be taken.
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

    /// Sends what waits. Blocks until it is acknowledged or has failed.
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
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl Report {
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
