//! Sends records and counts what the brokers acknowledge: idempotent producer, acks=all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use crate::connection::KafkaConnection;

/// A record that no broker acknowledges within this time has failed. Long enough for a broker's restart.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);

/// Failures that are shown; more are counted.
const SHOWN_FAILURES: usize = 10;

pub struct Sender {
    producer: ThreadedProducer<Deliveries>,
    deliveries: Deliveries,
    topic: String,
}

/// Delivery reports, counted.
#[derive(Debug, Clone, Default)]
pub struct Deliveries {
    state: Arc<Mutex<Report>>,
}

/// What became of the records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub delivered: BTreeMap<i32, u64>,
    pub failed: u64,
    /// The first failures: key and reason.
    pub failures: Vec<(String, String)>,
}

impl Sender {
    /// # Errors
    /// A setting that librdkafka does not take.
    pub fn new(connection: &KafkaConnection, topic: &str) -> Result<Self, KafkaError> {
        let mut config = ClientConfig::new();
        for (name, value) in &connection.properties {
            config.set(name, value.reveal());
        }
        let deliveries = Deliveries::default();
        let producer = config
            .set("bootstrap.servers", &connection.brokers)
            .set("client.id", "host-produce")
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("message.timeout.ms", DELIVERY_TIMEOUT.as_millis().to_string())
            .set("allow.auto.create.topics", "false")
            // A key goes to the partition that Java's producer would choose for it.
            .set("partitioner", "murmur2_random")
            .set_log_level(RDKafkaLogLevel::Emerg)
            .create_with_context(deliveries.clone())?;
        Ok(Self {
            producer,
            deliveries,
            topic: topic.to_owned(),
        })
    }

    /// Hands one record to the producer, waiting while its queue is full.
    pub fn send(&self, key: &str, value: &[u8]) -> Result<(), KafkaError> {
        let mut record = BaseRecord::to(&self.topic).key(key).payload(value);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Waits for every acknowledgement; what became of the records.
    pub fn finish(self) -> Report {
        // Every record is delivered or has failed within the delivery timeout; the margin is for the last reports.
        if let Err(error) = self.producer.flush(DELIVERY_TIMEOUT + Duration::from_secs(10)) {
            tracing::warn!(%error, "not every record was reported on");
        }
        self.deliveries.report()
    }

    pub fn report(&self) -> Report {
        self.deliveries.report()
    }
}

impl Deliveries {
    fn report(&self) -> Report {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Report {
    pub fn delivered_total(&self) -> u64 {
        self.delivered.values().sum()
    }
}

impl ClientContext for Deliveries {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut report = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(message) => *report.delivered.entry(message.partition()).or_default() += 1,
            Err((error, message)) => {
                report.failed += 1;
                if report.failures.len() < SHOWN_FAILURES {
                    let key = String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned();
                    report.failures.push((key, error.to_string()));
                }
            }
        }
    }
}
