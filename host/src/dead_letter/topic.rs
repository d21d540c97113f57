//! Dead letters into a Kafka topic, each acknowledged by all in-sync replicas.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};

use super::{DeadLetter, DeadLetterError, DeadLetters, headers};
use crate::connection::KafkaConnection;
use crate::kafka_producer::{KafkaProducer, Message, ProduceError, ProduceFault, Requests};

pub struct DeadLetterTopic {
    producer: KafkaProducer,
    alone: KafkaProducer,
    topic: String,
}

impl DeadLetterTopic {
    /// # Errors
    /// A setting that librdkafka does not take.
    pub fn new(connection: &KafkaConnection, topic: &str) -> Result<Self, DeadLetterError> {
        let producer = KafkaProducer::new(connection, "host-dead-letters", Requests::Filled);
        producer.check().map_err(|cause| error(topic, 0, cause))?;
        Ok(Self {
            producer,
            alone: KafkaProducer::new(connection, "host-dead-letters-alone", Requests::Single),
            topic: topic.to_owned(),
        })
    }

    async fn send(&self, letter: &DeadLetter) -> Result<(), DeadLetterError> {
        let record = &letter.record;
        let ours = headers::of(letter);
        let own = record.headers.iter();
        let own = own.map(|header| (header.key.as_str(), header.value.as_deref()));
        let headers: Vec<_> = own
            .chain(ours.iter().map(|(key, value)| (*key, Some(value.as_bytes()))))
            .collect();
        let message = Message {
            topic: &self.topic,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            timestamp_ms: record.timestamp_ms,
            headers: &headers,
        };
        let mut result = self.producer.send(&message).await;
        // Of several letters in a request the brokers do not say which one they refuse, and why.
        if matches!(&result, Err(refused) if refused.is_of_request()) {
            result = self.alone.send(&message).await;
        }
        // The brokers take no timestamp too far from their clock; the original one is in the headers.
        if matches!(&result, Err(refused) if refused.fault == ProduceFault::Timestamp) {
            let untimed = Message {
                timestamp_ms: None,
                ..message
            };
            result = self.alone.send(&untimed).await;
        }
        result.map_err(|cause| error(&self.topic, record.size(), cause))
    }
}

/// What the producer's error means; `bytes` are those of the record.
fn error(topic: &str, bytes: usize, cause: ProduceError) -> DeadLetterError {
    let (topic, fault) = (topic.to_owned(), cause.fault);
    let cause = Arc::new(cause);
    match fault {
        ProduceFault::TooLarge => DeadLetterError::TooLarge { topic, bytes, cause },
        ProduceFault::TopicGone => DeadLetterError::TopicGone { topic, cause },
        ProduceFault::Unauthorized => DeadLetterError::Unauthorized { topic, cause },
        ProduceFault::Invalid | ProduceFault::Timestamp | ProduceFault::Other => {
            DeadLetterError::Topic { topic, cause }
        }
    }
}

impl DeadLetters for DeadLetterTopic {
    fn publish<'a>(&'a self, letters: &'a [DeadLetter]) -> BoxFuture<'a, Vec<Result<(), DeadLetterError>>> {
        Box::pin(join_all(letters.iter().map(|letter| self.send(letter))))
    }
}
