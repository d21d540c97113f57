//! Dead letters into a Kafka topic, each acknowledged by all in-sync replicas.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

use super::{DeadLetter, DeadLetterError, DeadLetters, headers};
use crate::connection::KafkaConnection;

/// A letter that is not acknowledged after this time counts as failed, and the pipeline tries again.
const DELIVERY_TIMEOUT_MS: &str = "30000";

pub struct DeadLetterTopic {
    config: ClientConfig,
    producer: Mutex<FutureProducer>,
    topic: String,
}

impl DeadLetterTopic {
    /// # Errors
    /// A setting that librdkafka does not take.
    pub fn new(connection: &KafkaConnection, topic: &str) -> Result<Self, DeadLetterError> {
        let mut config = ClientConfig::new();
        for (name, value) in &connection.properties {
            config.set(name, value.reveal());
        }
        config
            .set("bootstrap.servers", &connection.brokers)
            .set("client.id", "host-dead-letters")
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", DELIVERY_TIMEOUT_MS)
            // The topic says what is too large, not the client: a letter is its record and some headers.
            .set("message.max.bytes", "1000000000")
            .set("allow.auto.create.topics", "false")
            // A dead letter goes to the partition of its key, as Java's producer would choose it.
            .set("partitioner", "murmur2_random")
            .set_log_level(RDKafkaLogLevel::Emerg);
        let producer = config.create().map_err(|cause| error(topic, 0, without_value(cause)))?;
        Ok(Self {
            config,
            producer: Mutex::new(producer),
            topic: topic.to_owned(),
        })
    }

    /// The producer, or a new one where the last error was one that librdkafka's idempotent producer does not survive
    /// (the brokers have lost what they knew of it).
    fn producer(&self) -> FutureProducer {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((code, reason)) = producer.client().fatal_error() {
            tracing::warn!(%code, reason, "the dead-letter producer cannot go on, making a new one");
            match self.config.create() {
                Ok(new) => *producer = new,
                Err(cause) => tracing::error!(%cause, "cannot make a new dead-letter producer"),
            }
        }
        producer.clone()
    }

    async fn send(&self, letter: &DeadLetter) -> Result<(), DeadLetterError> {
        let mut all = OwnedHeaders::new();
        for header in &letter.record.headers {
            all = all.insert(Header {
                key: &header.key,
                value: header.value.as_deref(),
            });
        }
        for (key, value) in headers::of(letter) {
            all = all.insert(Header {
                key,
                value: Some(&value),
            });
        }
        let result = self.produce(letter, all.clone(), letter.record.timestamp_ms).await;
        // The brokers take no timestamp too far from their clock; the original one is in the headers.
        match result {
            Err(KafkaError::MessageProduction(RDKafkaErrorCode::InvalidTimestamp)) => {
                self.produce(letter, all, None).await
            }
            result => result,
        }
        .map_err(|cause| error(&self.topic, letter.record.size(), cause))
    }

    async fn produce(
        &self,
        letter: &DeadLetter,
        headers: OwnedHeaders,
        timestamp: Option<i64>,
    ) -> Result<(), KafkaError> {
        let record = FutureRecord {
            topic: &self.topic,
            partition: None,
            key: letter.record.key.as_deref(),
            payload: letter.record.value.as_deref(),
            timestamp,
            headers: Some(headers),
        };
        let sent = self.producer().send(record, Duration::from_secs(30)).await;
        sent.map(drop).map_err(|(cause, _)| cause)
    }
}

/// librdkafka's complaint about a setting repeats its value, which may be a password.
fn without_value(error: KafkaError) -> KafkaError {
    match error {
        KafkaError::ClientConfig(kind, message, name, _) => {
            KafkaError::ClientConfig(kind, message, name, "***".to_owned())
        }
        other => other,
    }
}

/// What the client's error means; `bytes` are those of the record.
fn error(topic: &str, bytes: usize, cause: KafkaError) -> DeadLetterError {
    let (topic, code) = (topic.to_owned(), cause.rdkafka_error_code());
    let cause = Arc::new(cause);
    match code {
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => {
            DeadLetterError::TooLarge { topic, bytes, cause }
        }
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition,
        ) => DeadLetterError::TopicGone { topic, cause },
        Some(
            RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::Authentication,
        ) => DeadLetterError::Unauthorized { topic, cause },
        _ => DeadLetterError::Topic { topic, cause },
    }
}

impl DeadLetters for DeadLetterTopic {
    fn publish<'a>(&'a self, letters: &'a [DeadLetter]) -> BoxFuture<'a, Vec<Result<(), DeadLetterError>>> {
        Box::pin(join_all(letters.iter().map(|letter| self.send(letter))))
    }
}

impl Drop for DeadLetterTopic {
    fn drop(&mut self) {
        // Everything was awaited by `publish`; this only lets librdkafka finish its housekeeping.
        let producer = self.producer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Err(cause) = producer.flush(Duration::from_secs(1)) {
            tracing::debug!(%cause, "dead-letter producer not flushed");
        }
    }
}
