//! A Kafka producer whose records come back acknowledged by all in-sync replicas. It is idempotent, its settings are
//! fixed, and its errors are sorted by who is at fault. Its users decide what an error means for a record.
//!
//! [`sender`] sends many records so that one refused record does not take others with it. [`limits`] tells beforehand
//! what a topic refuses, and [`message`] how many bytes one record takes. [`publisher`] writes single records to topics
//! of one partition.

pub mod limits;
pub mod message;
pub mod publisher;
pub mod sender;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer};

use super::client::{Purpose, Requests, client_config};
use super::error::without_value;
use super::topic::ask_about;
use crate::connection::KafkaConnection;
use message::{Message, Stamp, Time};

/// A record that is not acknowledged after this time counts as failed, and the pipeline tries again.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// librdkafka's own default for the bytes in one request to a partition.
const BATCH_BYTES: usize = 1_000_000;

/// Pause between two checks whether librdkafka's queue has room. The queue is full when the brokers are slow, which
/// lasts longer than a moment.
const QUEUE_PAUSE: Duration = Duration::from_millis(10);

/// A producer for any topic of one cluster.
pub struct KafkaProducer {
    config: ClientConfig,
    client_id: String,
    delivery_timeout: Duration,
    state: Mutex<ClientState>,
}

struct ClientState {
    /// `None` until it is needed.
    producer: Option<FutureProducer>,
    /// The most that goes in one request to a partition, in bytes, beyond its first record.
    batch_bytes: usize,
}

/// How a user of the producer wants its records sent.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Its name in the brokers' logs.
    pub client_id: &'static str,
    /// A record that is not acknowledged after this time counts as failed.
    pub delivery_timeout: Duration,
    /// The compression, unless the connection's properties ask for another one.
    pub compression: Option<&'static str>,
}

/// A record that is on its way.
pub struct Delivery {
    acknowledgement: DeliveryFuture,
    /// Keeps the producer: dropping the last clone gives up all records that are on their way.
    _producer: FutureProducer,
}

/// The partition that holds the acknowledged record.
pub type Acknowledgement = Result<i32, ProduceError>;

/// Why a record was not acknowledged, or why there is no answer.
#[derive(Debug, Clone)]
pub struct ProduceError {
    /// What is at fault.
    pub fault: ProduceFault,
    cause: ProduceCause,
}

#[derive(Debug, Clone)]
enum ProduceCause {
    Kafka(Arc<KafkaError>),
    /// The record is too large, which was known before it was sent.
    Size {
        bytes: usize,
        limit: usize,
    },
    NoKey,
}

/// What is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProduceFault {
    /// The request is larger than the topic takes.
    TooLarge,
    /// The request is invalid, for example because a record for a compacted topic has no key.
    Invalid,
    /// Another record of the request is bad; this one is good.
    Neighbour,
    /// The timestamp is too far from the brokers' clock.
    Timestamp,
    TopicGone,
    Unauthorized,
    /// The brokers are away or slow, or anything else that may pass.
    Other,
}

impl KafkaProducer {
    /// Fixes the settings, without connecting yet.
    pub fn new(connection: &KafkaConnection, profile: Profile, requests: Requests) -> Self {
        let client_id = match requests {
            Requests::Filled => profile.client_id.to_owned(),
            Requests::Single => format!("{}-alone", profile.client_id),
        };
        let purpose = Purpose::Produce {
            client_id: &client_id,
            delivery_timeout: profile.delivery_timeout,
            compression: profile.compression,
            requests,
        };
        let config = client_config(connection, purpose);
        Self {
            config,
            client_id,
            delivery_timeout: profile.delivery_timeout,
            state: Mutex::new(ClientState {
                producer: None,
                batch_bytes: BATCH_BYTES,
            }),
        }
    }

    /// From the next record on, no request to a partition is larger than this, unless a single record is.
    pub fn limit_batches(&self, bytes: usize) {
        let bytes = bytes.clamp(1, BATCH_BYTES);
        let mut state = self.state();
        if state.batch_bytes != bytes {
            state.batch_bytes = bytes;
            // Records that are on their way hold the old producer.
            state.producer = None;
        }
    }

    /// Checks that librdkafka accepts the settings.
    pub fn check(&self) -> Result<(), ProduceError> {
        self.config.create_native_config().map_err(without_value)?;
        Ok(())
    }

    /// The number of partitions of the topic, or [`ProduceFault::TopicGone`] if it does not exist. Blocks.
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

    /// Hands the record to librdkafka, after all records that were handed over before. If its queue is full, waits for
    /// room until `until`.
    pub async fn enqueue(&self, message: &Message<'_>, time: Time, until: Instant) -> Result<Delivery, ProduceError> {
        let producer = self.producer()?;
        let mut record = record(message, time);
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

    /// Produces one record and waits for its acknowledgement.
    pub async fn send(&self, message: &Message<'_>, time: Time) -> Acknowledgement {
        let delivery = self.enqueue(message, time, self.patience()).await?;
        delivery.acknowledged().await
    }

    /// The time until which a full queue is worth waiting for.
    pub fn patience(&self) -> Instant {
        Instant::now() + self.delivery_timeout
    }

    fn state(&self) -> MutexGuard<'_, ClientState> {
        self.state.lock()
    }

    /// The producer, or a new one after a fatal error. librdkafka's idempotent producer cannot go on if the brokers
    /// have lost its state.
    fn producer(&self) -> Result<FutureProducer, ProduceError> {
        let mut state = self.state();
        if let Some(working) = &state.producer {
            match working.client().fatal_error() {
                None => return Ok(working.clone()),
                Some((code, reason)) => {
                    tracing::warn!(client = self.client_id, %code, reason, "the producer cannot go on, making a new one");
                }
            }
        }
        let mut config = self.config.clone();
        if state.batch_bytes < BATCH_BYTES {
            config.set("batch.size", state.batch_bytes.to_string());
        }
        let new: FutureProducer = config.create().map_err(without_value)?;
        state.producer = Some(new.clone());
        Ok(new)
    }
}

impl Drop for KafkaProducer {
    fn drop(&mut self) {
        // All records that count were awaited. This only lets librdkafka finish its housekeeping.
        let state = self.state.get_mut();
        if let Some(producer) = &state.producer
            && let Err(cause) = producer.flush(Duration::from_secs(1))
        {
            tracing::debug!(client = self.client_id, %cause, "producer not flushed");
        }
    }
}

impl Profile {
    /// A profile for records that the pipeline sends again until they are acknowledged.
    pub fn of_pipeline(client_id: &'static str) -> Self {
        Self {
            client_id,
            delivery_timeout: DELIVERY_TIMEOUT,
            compression: None,
        }
    }
}

fn record<'a>(message: &'a Message<'_>, time: Time) -> FutureRecord<'a, [u8], [u8]> {
    let mut headers = OwnedHeaders::new_with_capacity(message.headers.len() + 1);
    for (key, value) in message.headers {
        headers = headers.insert(Header { key, value: *value });
    }
    let (timestamp, own_time) = match (message.stamp, time) {
        (Stamp::Now, _) => (None, None),
        (Stamp::Record { timestamp_ms, .. }, Time::Own) => (Some(timestamp_ms), None),
        (Stamp::Record { timestamp_ms, header }, Time::Now) => (None, header.zip(Some(timestamp_ms))),
    };
    if let Some((key, timestamp_ms)) = own_time {
        let value = Some(timestamp_ms.to_string());
        headers = headers.insert(Header {
            key,
            value: value.as_deref(),
        });
    }
    FutureRecord {
        topic: message.topic,
        partition: None,
        key: message.key,
        payload: message.value,
        timestamp,
        headers: Some(headers),
    }
}

impl Delivery {
    /// Waits until all in-sync replicas have the record.
    pub async fn acknowledged(self) -> Acknowledgement {
        match self.acknowledgement.await {
            Ok(Ok(placed)) => Ok(placed.partition),
            Ok(Err((cause, _))) => Err(cause.into()),
            Err(_) => Err(KafkaError::Canceled.into()),
        }
    }
}

impl ProduceError {
    /// Whether the brokers refuse the content of the request: this record, or another one in it.
    pub fn is_of_request(&self) -> bool {
        match self.fault {
            ProduceFault::TooLarge | ProduceFault::Invalid | ProduceFault::Timestamp | ProduceFault::Neighbour => true,
            ProduceFault::TopicGone | ProduceFault::Unauthorized | ProduceFault::Other => false,
        }
    }
}

impl ProduceError {
    /// Whether this came from the brokers. Otherwise it was known beforehand from the topic's settings.
    fn is_answer(&self) -> bool {
        matches!(self.cause, ProduceCause::Kafka(_))
    }

    /// The record is larger than the topic takes, which was known before it was sent.
    fn size(bytes: usize, limit: usize) -> Self {
        Self {
            fault: ProduceFault::TooLarge,
            cause: ProduceCause::Size { bytes, limit },
        }
    }

    /// The record lacks the key that a compacted topic asks for.
    fn no_key() -> Self {
        Self {
            fault: ProduceFault::Invalid,
            cause: ProduceCause::NoKey,
        }
    }
}

#[cfg(test)]
impl ProduceError {
    /// Makes an error for tests of what it means.
    pub fn of(fault: ProduceFault) -> Self {
        Self {
            fault,
            cause: ProduceCause::Kafka(Arc::new(KafkaError::Canceled)),
        }
    }
}

impl From<KafkaError> for ProduceError {
    fn from(cause: KafkaError) -> Self {
        let fault = match cause.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => {
                ProduceFault::TooLarge
            }
            Some(RDKafkaErrorCode::InvalidRecord) => ProduceFault::Invalid,
            Some(RDKafkaErrorCode::InvalidDifferentRecord) => ProduceFault::Neighbour,
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
            cause: ProduceCause::Kafka(Arc::new(cause)),
        }
    }
}

impl fmt::Display for ProduceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            ProduceCause::Kafka(cause) => cause.fmt(f),
            ProduceCause::Size { bytes, limit } => {
                write!(
                    f,
                    "it takes {bytes} bytes there, and the topic's max.message.bytes is {limit}"
                )
            }
            ProduceCause::NoKey => f.write_str("it has no key, and the topic is compacted (cleanup.policy)"),
        }
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
        assert_eq!(fault(RDKafkaErrorCode::InvalidDifferentRecord), ProduceFault::Neighbour);
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
        let producer = KafkaProducer::new(&connection, Profile::of_pipeline("host-test"), Requests::Filled);
        let said = producer.check().unwrap_err().to_string();
        assert!(said.contains("no.such.property"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
