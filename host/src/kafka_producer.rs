//! A Kafka producer whose records come back acknowledged by all in-sync replicas: idempotent, its settings fixed, its
//! errors sorted by who is at fault. What is produced and what an error means for a record is its users' business.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::metadata::Metadata;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer};

use crate::connection::KafkaConnection;

/// A record that is not acknowledged after this time counts as failed, and the pipeline tries again.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two looks whether librdkafka's queue has room: it is full when the brokers are slow, not for moments.
const QUEUE_PAUSE: Duration = Duration::from_millis(10);

/// Long enough for a broker on the other side of the world with TLS, short enough for somebody at a terminal.
const FIRST_ANSWER: Duration = Duration::from_secs(8);

/// After this long the question is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(2);

pub struct KafkaProducer {
    config: ClientConfig,
    client_id: &'static str,
    /// `None` until it is needed.
    producer: Mutex<Option<FutureProducer>>,
}

/// How many records go in one request to a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requests {
    /// As many as wait. The brokers refuse them all where they refuse one.
    Filled,
    /// One, so that what is refused is the culprit.
    Single,
}

/// What is produced.
pub struct Message<'a> {
    pub topic: &'a str,
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// `None`: the time at which it is produced.
    pub timestamp_ms: Option<i64>,
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

/// A record on its way, in the order in which it was enqueued.
pub struct Delivery {
    acknowledgement: DeliveryFuture,
    /// Dropping the last one gives up what is on its way.
    _producer: FutureProducer,
}

/// A record was not acknowledged, or an answer not had.
#[derive(Debug, Clone)]
pub struct ProduceError {
    pub fault: ProduceFault,
    cause: Arc<KafkaError>,
}

/// Who is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProduceFault {
    /// The request: larger than what the topic takes.
    TooLarge,
    /// The request: a record without a key for a compacted topic, for example.
    Invalid,
    /// The timestamp, which is too far from the brokers' clock.
    Timestamp,
    TopicGone,
    Unauthorized,
    /// The brokers are away or slow, or anything else that may pass.
    Other,
}

impl KafkaProducer {
    /// `client_id` is what the brokers' logs call it. Asks nobody and starts nothing yet.
    pub fn new(connection: &KafkaConnection, client_id: &'static str, requests: Requests) -> Self {
        let mut config = ClientConfig::new();
        for (name, value) in &connection.properties {
            config.set(name, value.reveal());
        }
        config
            .set("bootstrap.servers", &connection.brokers)
            .set("client.id", client_id)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", DELIVERY_TIMEOUT.as_millis().to_string())
            // The topic says what is too large, not the client.
            .set("message.max.bytes", "1000000000")
            .set("allow.auto.create.topics", "false")
            // A record goes to the partition of its key, as Java's producer would choose it.
            .set("partitioner", "murmur2_random")
            .set_log_level(RDKafkaLogLevel::Emerg);
        if requests == Requests::Single {
            config.set("batch.num.messages", "1").set("linger.ms", "0");
        }
        Self {
            config,
            client_id,
            producer: Mutex::new(None),
        }
    }

    /// That librdkafka takes the settings.
    pub fn check(&self) -> Result<(), ProduceError> {
        self.config.create_native_config().map_err(without_value)?;
        Ok(())
    }

    /// The number of partitions of the topic; [`ProduceFault::TopicGone`] where it is not there. Blocks.
    pub fn partitions(&self, topic: &str) -> Result<usize, ProduceError> {
        let producer = self.producer()?;
        let metadata = ask_about(producer.client(), topic)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let code = match found {
            Some(found) => match found.error() {
                None if !found.partitions().is_empty() => return Ok(found.partitions().len()),
                None => RDKafkaErrorCode::UnknownTopicOrPartition,
                Some(code) => code.into(),
            },
            None => RDKafkaErrorCode::UnknownTopicOrPartition,
        };
        Err(KafkaError::MetadataFetch(code).into())
    }

    /// Hands the record to librdkafka, behind all that were handed over before. Waits until `until` where its queue is
    /// full.
    pub async fn enqueue(&self, message: &Message<'_>, until: Instant) -> Result<Delivery, ProduceError> {
        let producer = self.producer()?;
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (key, value) in message.headers {
            headers = headers.insert(Header { key, value: *value });
        }
        let mut record = FutureRecord {
            topic: message.topic,
            partition: None,
            key: message.key,
            payload: message.value,
            timestamp: message.timestamp_ms,
            headers: Some(headers),
        };
        loop {
            match producer.send_result(record) {
                Ok(acknowledgement) => {
                    return Ok(Delivery {
                        acknowledgement,
                        _producer: producer,
                    });
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) if Instant::now() < until => {
                    record = back;
                    tokio::time::sleep(QUEUE_PAUSE).await;
                }
                Err((cause, _)) => return Err(cause.into()),
            }
        }
    }

    /// Produces one record, and waits for its acknowledgement.
    pub async fn send(&self, message: &Message<'_>) -> Result<(), ProduceError> {
        let delivery = self.enqueue(message, Self::patience()).await?;
        delivery.acknowledged().await
    }

    /// Until when a full queue is worth waiting for.
    pub fn patience() -> Instant {
        Instant::now() + DELIVERY_TIMEOUT
    }

    /// The producer, or a new one where the last error was one that librdkafka's idempotent producer does not survive
    /// (the brokers have lost what they knew of it).
    fn producer(&self) -> Result<FutureProducer, ProduceError> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(working) = &*producer {
            match working.client().fatal_error() {
                None => return Ok(working.clone()),
                Some((code, reason)) => {
                    tracing::warn!(client = self.client_id, %code, reason, "the producer cannot go on, making a new one");
                }
            }
        }
        let new: FutureProducer = self.config.create().map_err(without_value)?;
        *producer = Some(new.clone());
        Ok(new)
    }
}

impl Drop for KafkaProducer {
    fn drop(&mut self) {
        // What counts was awaited; this only lets librdkafka finish its housekeeping.
        let producer = self.producer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = producer
            && let Err(cause) = producer.flush(Duration::from_secs(1))
        {
            tracing::debug!(client = self.client_id, %cause, "producer not flushed");
        }
    }
}

impl Delivery {
    /// Once all in-sync replicas have it.
    pub async fn acknowledged(self) -> Result<(), ProduceError> {
        match self.acknowledgement.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err((cause, _))) => Err(cause.into()),
            Err(_) => Err(KafkaError::Canceled.into()),
        }
    }
}

/// librdkafka's complaint about a setting repeats its value, which may be a password.
pub fn without_value(error: KafkaError) -> KafkaError {
    match error {
        KafkaError::ClientConfig(kind, message, name, _) => {
            KafkaError::ClientConfig(kind, message, name, "***".to_owned())
        }
        other => other,
    }
}

impl ProduceError {
    /// Whether the brokers refuse what was in the request: the record, or one that went with it.
    pub fn is_of_request(&self) -> bool {
        match self.fault {
            ProduceFault::TooLarge | ProduceFault::Invalid | ProduceFault::Timestamp => true,
            ProduceFault::TopicGone | ProduceFault::Unauthorized | ProduceFault::Other => false,
        }
    }
}

/// What the brokers say of a topic. Asked twice: a broker that is killed with the question in hand answers no more, and
/// librdkafka asks no other one by itself. Blocks.
pub fn ask_about<C: ClientContext>(client: &Client<C>, topic: &str) -> Result<Metadata, KafkaError> {
    match client.fetch_metadata(Some(topic), ASK_AGAIN) {
        Err(KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut)) => {
            client.fetch_metadata(Some(topic), FIRST_ANSWER.saturating_sub(ASK_AGAIN))
        }
        answer => answer,
    }
}

#[cfg(test)]
impl ProduceError {
    /// For tests of what an error means.
    pub fn of(fault: ProduceFault) -> Self {
        Self {
            fault,
            cause: Arc::new(KafkaError::Canceled),
        }
    }
}

impl From<KafkaError> for ProduceError {
    fn from(cause: KafkaError) -> Self {
        let fault = match cause.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => {
                ProduceFault::TooLarge
            }
            // The second one is of a good record beside a bad one.
            Some(RDKafkaErrorCode::InvalidRecord | RDKafkaErrorCode::InvalidDifferentRecord) => ProduceFault::Invalid,
            Some(RDKafkaErrorCode::InvalidTimestamp) => ProduceFault::Timestamp,
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition,
            ) => ProduceFault::TopicGone,
            Some(
                RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::Authentication,
            ) => ProduceFault::Unauthorized,
            _ => ProduceFault::Other,
        };
        Self {
            fault,
            cause: Arc::new(cause),
        }
    }
}

impl fmt::Display for ProduceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for ProduceError {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::connection::Secret;

    #[test]
    fn what_is_refused_is_told_from_what_may_pass() {
        let fault = |code| ProduceError::from(KafkaError::MessageProduction(code)).fault;
        assert_eq!(fault(RDKafkaErrorCode::MessageSizeTooLarge), ProduceFault::TooLarge);
        assert_eq!(fault(RDKafkaErrorCode::InvalidRecord), ProduceFault::Invalid);
        assert_eq!(fault(RDKafkaErrorCode::InvalidDifferentRecord), ProduceFault::Invalid);
        assert_eq!(fault(RDKafkaErrorCode::UnknownTopic), ProduceFault::TopicGone);
        assert_eq!(
            fault(RDKafkaErrorCode::TopicAuthorizationFailed),
            ProduceFault::Unauthorized
        );
        assert_eq!(fault(RDKafkaErrorCode::MessageTimedOut), ProduceFault::Other);
        assert_eq!(ProduceError::from(KafkaError::Canceled).fault, ProduceFault::Other);
    }

    #[test]
    fn a_setting_that_is_not_taken_is_named_without_its_value() {
        let connection = KafkaConnection {
            brokers: "127.0.0.1:1".into(),
            properties: BTreeMap::from([("no.such.property".to_owned(), Secret::new("hunter2"))]),
        };
        let producer = KafkaProducer::new(&connection, "host-test", Requests::Filled);
        let said = producer.check().unwrap_err().to_string();
        assert!(said.contains("no.such.property"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
