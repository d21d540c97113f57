//! Writes single records to topics of one partition, each acknowledged by all in-sync replicas before the next.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::connection::KafkaConnection;
use crate::kafka::client::{Purpose, client_config};
use crate::kafka::error::{Cause, ClientError};

/// A producer of single records into partition 0 of their topics, each acknowledged by all in-sync replicas before
/// [`Self::publish`] returns.
pub struct Publisher {
    producer: FutureProducer,
    brokers: String,
}

/// A record as it is published.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    pub topic: &'a str,
    pub key: &'a str,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(&'a str, &'a str)],
}

/// Why a record is not there.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("the topic does not take a record of this size")]
    TooLarge,
    #[error(transparent)]
    NotWritten(Cause),
    #[error(transparent)]
    Client(ClientError),
}

impl Publisher {
    /// For records of at most `max_bytes`, as librdkafka takes them. No broker is asked yet.
    ///
    /// # Errors
    /// A setting that librdkafka does not take.
    pub fn new(connection: &KafkaConnection, max_bytes: &str, delivery_timeout: Duration) -> Result<Self, ClientError> {
        let purpose = Purpose::Publish {
            max_bytes,
            delivery_timeout,
        };
        let producer = client_config(connection, purpose)
            .create()
            .map_err(ClientError::setting)?;
        Ok(Self {
            producer,
            brokers: connection.brokers.clone(),
        })
    }

    /// Writes the record; its offset once the brokers have it. Waits at most so long for room in the queue.
    pub async fn publish(&self, publication: &Publication<'_>, queue_timeout: Duration) -> Result<i64, PublishError> {
        let headers = publication.headers.iter();
        let headers = headers.fold(OwnedHeaders::new(), |headers, &(key, value)| {
            headers.insert(Header {
                key,
                value: Some(value),
            })
        });
        let record = FutureRecord {
            topic: publication.topic,
            partition: Some(0),
            key: Some(publication.key),
            payload: publication.value,
            timestamp: None,
            headers: (!publication.headers.is_empty()).then_some(headers),
        };
        match self.producer.send(record, queue_timeout).await {
            Ok(delivered) => Ok(delivered.offset),
            Err((cause, _)) => Err(self.error(publication.topic, cause)),
        }
    }

    fn error(&self, topic: &str, cause: KafkaError) -> PublishError {
        match cause.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => {
                PublishError::TooLarge
            }
            Some(RDKafkaErrorCode::MessageTimedOut) => PublishError::NotWritten(cause.into()),
            _ => match ClientError::of(cause, &self.brokers, topic) {
                ClientError::Read(cause) => PublishError::NotWritten(cause),
                other => PublishError::Client(other),
            },
        }
    }
}
