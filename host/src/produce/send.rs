//! Sends records and counts what the brokers acknowledge: idempotent producer, acks=all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use crate::connection::KafkaConnection;
use crate::kafka_producer::without_value;

/// A record that no broker acknowledges within this time has failed. Long enough for a broker's restart.
const DELIVERY_TIMEOUT: Duration = Duration::from_mins(1);

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
    /// What is wrong with more than one record: the next one would fail too.
    outage: Option<KafkaError>,
}

/// Why a record was not handed to the producer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the brokers acknowledge nothing any more")]
    Outage(#[source] KafkaError),
    #[error("the producer does not take the record")]
    Refused(#[source] KafkaError),
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
            .create_with_context(deliveries.clone())
            .map_err(without_value)?;
        Ok(Self {
            producer,
            deliveries,
            topic: topic.to_owned(),
        })
    }

    /// Hands one record to the producer, waiting while its queue is full. A record that is too large fails alone, as if
    /// a broker had refused it.
    pub fn send(&self, key: &str, value: &[u8]) -> Result<(), SendError> {
        let mut record = BaseRecord::to(&self.topic).key(key).payload(value);
        loop {
            if let Some(error) = &self.deliveries.lock().outage {
                return Err(SendError::Outage(error.clone()));
            }
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err((error @ KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge), _)) => {
                    self.deliveries.lock().fail(key, &error);
                    return Ok(());
                }
                Err((error, _)) => return Err(SendError::Refused(error)),
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
}

impl Deliveries {
    fn report(&self) -> Report {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Report> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    fn fail(&mut self, key: &str, error: &KafkaError) {
        self.failed += 1;
        if self.failures.len() < SHOWN_FAILURES {
            self.failures.push((key.to_owned(), error.to_string()));
        }
        let is_about_the_record = matches!(
            error.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::MessageSizeTooLarge
                    | RDKafkaErrorCode::InvalidMessage
                    | RDKafkaErrorCode::InvalidMessageSize
                    | RDKafkaErrorCode::InvalidRecord
            )
        );
        if !is_about_the_record && self.outage.is_none() {
            self.outage = Some(error.clone());
        }
    }

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
        let mut report = self.lock();
        match result {
            Ok(message) => *report.delivered.entry(message.partition()).or_default() += 1,
            Err((error, message)) => report.fail(&String::from_utf8_lossy(message.key().unwrap_or_default()), error),
        }
    }
}
