//! Rows into Kafka topics: the value a JSON object, or nothing where the output deletes; key and timestamp those of the
//! record; [`headers`] say where the row is from. Acknowledged by all in-sync replicas.
//!
//! What lies last in a partition counts, so rows with the key of one record stay in its order: a row that has to be
//! sent again takes those behind it along, which costs copies.
//!
//! 1. All rows are handed over in their order, and awaited.
//! 2. The brokers refuse a whole request for one bad record. What was refused is sent again alone, one after another: what
//!    is refused then is the culprit.

mod headers;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::future::{BoxFuture, join_all};

use super::{Sink, SinkError, WriteBatch, object};
use crate::connection::KafkaConnection;
use crate::kafka_producer::{KafkaProducer, Message, ProduceError, ProduceFault, Requests};
use crate::record::Record;
use crate::record::descriptor::{Descriptor, Effect, Field, Output};

pub struct TopicSink {
    producer: KafkaProducer,
    alone: KafkaProducer,
    /// By the index of the output in the descriptor; those that go to tables are not among them.
    outputs: BTreeMap<usize, Writer>,
}

struct Writer {
    topic: String,
    effect: Effect,
    fields: Vec<Field>,
}

/// Why a plugin's rows cannot go to their topics.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("output {output} goes to topic {topic}, which is not there; `host setup --plugin FILE` creates it")]
    Missing { output: String, topic: String },
    #[error(
        "output {output} goes to topic {topic}, and the brokers do not let this login see it; check the login and the ACLs"
    )]
    Unauthorized {
        output: String,
        topic: String,
        #[source]
        cause: ProduceError,
    },
    #[error("output {output} goes to topic {topic}, and Kafka does not answer at {brokers}")]
    Unreachable {
        output: String,
        topic: String,
        brokers: String,
        #[source]
        cause: ProduceError,
    },
    #[error("the settings of Kafka cannot be used")]
    Settings(#[source] ProduceError),
}

/// What the brokers refuse, alone in its request.
#[derive(Debug, thiserror::Error)]
#[error("topic {topic} takes no record with {key} and {bytes} bytes of value")]
struct Refused {
    topic: String,
    key: &'static str,
    bytes: usize,
    #[source]
    cause: ProduceError,
}

impl OpenError {
    /// Whether the service is out of reach (exit code 3), rather than plugin or topic wrong (2).
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

impl TopicSink {
    /// Finds the topic of each output that goes to one.
    pub async fn open(connection: &KafkaConnection, descriptor: &Descriptor) -> Result<Self, OpenError> {
        let producer = KafkaProducer::new(connection, "host-rows", Requests::Filled);
        producer.check().map_err(OpenError::Settings)?;
        let outputs: Vec<_> = descriptor
            .topic_outputs()
            .map(|(_, output, topic)| (output.name.clone(), topic.to_owned()))
            .collect();
        let brokers = connection.brokers.clone();
        let finding = move || {
            for (output, topic) in outputs {
                let found = producer.partitions(&topic);
                found.map_err(|cause| open_error(output, topic, &brokers, cause))?;
            }
            Ok(producer)
        };
        // The closure does not panic, and nothing cancels it.
        let producer = match tokio::task::spawn_blocking(finding).await {
            Ok(found) => found?,
            Err(lost) => std::panic::resume_unwind(lost.into_panic()),
        };
        let writer = |(index, output, topic): (usize, &Output, &str)| {
            let writer = Writer {
                topic: topic.to_owned(),
                effect: output.effect,
                fields: output.fields.clone(),
            };
            (index, writer)
        };
        Ok(Self {
            producer,
            alone: KafkaProducer::new(connection, "host-rows-alone", Requests::Single),
            outputs: descriptor.topic_outputs().map(writer).collect(),
        })
    }

    /// Whether the output goes to a topic.
    pub fn takes(&self, output: usize) -> bool {
        self.outputs.contains_key(&output)
    }

    /// Hands all rows over in their order, and waits for all answers.
    async fn send(&self, writer: &Writer, batch: &WriteBatch, which: &[u32]) -> Vec<Result<(), ProduceError>> {
        let until = KafkaProducer::patience();
        let mut deliveries = Vec::with_capacity(which.len());
        for row in which {
            let row = *row as usize;
            let (value, ours) = (writer.value(batch, row), headers::ours(batch, row));
            let message = Message {
                headers: &headers::all(batch, row, &ours),
                ..writer.message(batch.record(row), value.as_deref())
            };
            deliveries.push(self.producer.enqueue(&message, until).await);
        }
        let answers = deliveries.into_iter();
        join_all(answers.map(|delivery| async move { delivery?.acknowledged().await })).await
    }

    /// Sends one row in a request of its own; without its timestamp, where that is what the brokers refuse.
    async fn send_alone(&self, writer: &Writer, batch: &WriteBatch, row: usize) -> Result<(), ProduceError> {
        let (value, mut ours) = (writer.value(batch, row), headers::ours(batch, row));
        let message = Message {
            headers: &headers::all(batch, row, &ours),
            ..writer.message(batch.record(row), value.as_deref())
        };
        let result = self.alone.send(&message).await;
        let timestamp_ms = message.timestamp_ms;
        match (result, timestamp_ms) {
            (Err(refused), Some(timestamp_ms)) if refused.fault == ProduceFault::Timestamp => {
                ours.push(headers::refused_timestamp(timestamp_ms));
                let untimed = Message {
                    timestamp_ms: None,
                    headers: &headers::all(batch, row, &ours),
                    ..writer.message(batch.record(row), value.as_deref())
                };
                self.alone.send(&untimed).await
            }
            (result, _) => result,
        }
    }

    async fn write_rows(&self, batch: &WriteBatch, which: &[u32]) -> Vec<Result<(), SinkError>> {
        let writer = &self.outputs[&batch.output];
        let mut results = self.send(writer, batch, which).await;
        let keys: Vec<_> = which.iter().map(|row| key_of(batch, *row as usize)).collect();
        for place in refused_and_behind(&results, &keys) {
            results[place] = self.send_alone(writer, batch, which[place] as usize).await;
        }
        hold_back(&mut results, &keys);
        let rows = which.iter().zip(results);
        rows.map(|(row, result)| result.map_err(|cause| writer.error(batch, *row as usize, cause)))
            .collect()
    }
}

impl Sink for TopicSink {
    /// A batch behind another one may have rows of the same key.
    fn batches_in_flight(&self) -> usize {
        1
    }

    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>> {
        Box::pin(async move {
            let writer = &self.outputs[&batch.output];
            // What the topic cannot hold is not sent: it is found before anything is.
            let checked: Vec<_> = which.iter().map(|row| writer.check(&batch, *row as usize)).collect();
            let fit: Vec<_> = which
                .iter()
                .zip(&checked)
                .filter(|(_, checked)| checked.is_ok())
                .collect();
            let fit: Vec<u32> = fit.into_iter().map(|(row, _)| *row).collect();
            let mut written = self.write_rows(&batch, &fit).await.into_iter();
            let answer =
                |checked: Result<(), SinkError>| checked.and_then(|()| written.next().expect("an answer for each row"));
            checked.into_iter().map(answer).collect()
        })
    }
}

impl Writer {
    /// That the row can become a record's value.
    fn check(&self, batch: &WriteBatch, row: usize) -> Result<(), SinkError> {
        match self.effect {
            Effect::Upsert => object::check(&self.fields, &batch.batch, row),
            Effect::Delete => Ok(()),
        }
    }

    /// The value of a row's record, which was checked; `None` is a tombstone.
    fn value(&self, batch: &WriteBatch, row: usize) -> Option<Vec<u8>> {
        match self.effect {
            Effect::Upsert => Some(object::object(&self.fields, &batch.batch, row).into()),
            Effect::Delete => None,
        }
    }

    /// Without headers.
    fn message<'a>(&'a self, record: &'a Record, value: Option<&'a [u8]>) -> Message<'a> {
        Message {
            topic: &self.topic,
            key: record.key.as_deref(),
            value,
            timestamp_ms: record.timestamp_ms,
            headers: &[],
        }
    }

    /// What the producer's error means for the row.
    fn error(&self, batch: &WriteBatch, row: usize, cause: ProduceError) -> SinkError {
        let topic = self.topic.clone();
        match cause.fault {
            ProduceFault::TooLarge | ProduceFault::Invalid => SinkError::Refused(Box::new(Refused {
                topic,
                key: key_of(batch, row).map_or("no key", |_| "a key"),
                bytes: self.value(batch, row).map_or(0, |value| value.len()),
                cause,
            })),
            ProduceFault::TopicGone => SinkError::TopicGone {
                topic,
                cause: Box::new(cause),
            },
            ProduceFault::Unauthorized => SinkError::TopicUnauthorized {
                topic,
                cause: Box::new(cause),
            },
            ProduceFault::Timestamp | ProduceFault::Other => SinkError::Topic {
                topic,
                cause: Box::new(cause),
            },
        }
    }
}

fn key_of(batch: &WriteBatch, row: usize) -> Option<&[u8]> {
    batch.record(row).key.as_deref()
}

/// The rows to be sent alone: those that were refused, whose fault it may not be, and behind each of them those with its
/// key.
fn refused_and_behind(results: &[Result<(), ProduceError>], keys: &[Option<&[u8]>]) -> Vec<usize> {
    let mut behind = HashSet::new();
    let mut places = Vec::new();
    for (place, (result, key)) in results.iter().zip(keys).enumerate() {
        let is_refused = matches!(result, Err(error) if error.is_of_request());
        if is_refused || key.is_some_and(|key| behind.contains(key)) {
            places.push(place);
            behind.extend(*key);
        }
    }
    places
}

/// A row that comes later than one of the same key that is to be sent again counts as failed too.
fn hold_back(results: &mut [Result<(), ProduceError>], keys: &[Option<&[u8]>]) {
    let mut failed: HashMap<&[u8], ProduceError> = HashMap::new();
    for (result, key) in results.iter_mut().zip(keys) {
        let Some(key) = *key else { continue };
        match (&*result, failed.get(key)) {
            (Ok(()), Some(error)) => *result = Err(error.clone()),
            (Err(error), None) if !error.is_of_request() => drop(failed.insert(key, error.clone())),
            _ => {}
        }
    }
}

fn open_error(output: String, topic: String, brokers: &str, cause: ProduceError) -> OpenError {
    match cause.fault {
        ProduceFault::TopicGone => OpenError::Missing { output, topic },
        ProduceFault::Unauthorized => OpenError::Unauthorized { output, topic, cause },
        ProduceFault::TooLarge | ProduceFault::Invalid | ProduceFault::Timestamp | ProduceFault::Other => {
            OpenError::Unreachable {
                output,
                topic,
                brokers: brokers.to_owned(),
                cause,
            }
        }
    }
}

#[cfg(test)]
mod tests;
