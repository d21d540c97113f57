//! Rows into Kafka topics: the value a JSON object, or nothing where the output deletes; key and timestamp those of the
//! record; [`headers`] say where the row is from. Acknowledged by all in-sync replicas.
//!
//! What lies last in a partition counts, so rows with the key of one record stay in its order: a row that has to be
//! sent again takes those behind it along, which costs copies. A row that the brokers refuse takes no other with it:
//! `kafka/producer/sender/` sees to that.

mod headers;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::future::BoxFuture;

use super::{Sink, SinkError, SinkFault, WriteBatch, object};
use crate::connection::KafkaConnection;
use crate::kafka::producer::message::{Message, Stamp};
use crate::kafka::producer::sender::{Order, Sender};
use crate::kafka::producer::{ProduceError, ProduceFault, Profile};
use crate::record::descriptor::{Descriptor, Effect, Field, Output};

/// Writes one plugin's rows to topics as JSON, each acknowledged by all in-sync replicas.
pub struct TopicSink {
    sender: Sender,
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

/// A row that the brokers refuse, alone in its request.
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
        let sender = Sender::new(connection, Profile::of_pipeline("host-rows"), Order::ByKey);
        sender.check().map_err(OpenError::Settings)?;
        let outputs: Vec<_> = descriptor
            .topic_outputs()
            .map(|(_, output, topic)| (output.name.clone(), topic.to_owned()))
            .collect();
        let brokers = connection.brokers.clone();
        let finding = move || {
            for (output, topic) in outputs {
                let found = sender.partitions(&topic);
                found.map_err(|cause| open_error(output, topic, &brokers, cause))?;
            }
            Ok(sender)
        };
        // The closure does not panic, and nothing cancels it.
        let sender = match tokio::task::spawn_blocking(finding).await {
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
            sender,
            outputs: descriptor.topic_outputs().map(writer).collect(),
        })
    }

    /// Whether the output goes to a topic.
    pub fn takes(&self, output: usize) -> bool {
        self.outputs.contains_key(&output)
    }

    async fn write_rows(&self, batch: &WriteBatch, which: &[u32]) -> Vec<Result<(), SinkError>> {
        let writer = &self.outputs[&batch.output];
        let rows: Vec<_> = which.iter().map(|row| *row as usize).collect();
        let values: Vec<_> = rows.iter().map(|row| writer.value(batch, *row)).collect();
        let ours: Vec<_> = rows.iter().map(|row| headers::ours(batch, *row)).collect();
        let all = rows.iter().zip(&ours);
        let all: Vec<_> = all.map(|(row, ours)| headers::all(batch, *row, ours)).collect();
        let messages = rows.iter().zip(&values).zip(&all);
        let messages: Vec<_> = messages
            .map(|((row, value), headers)| writer.message(batch, *row, value.as_deref(), headers))
            .collect();
        let answers = self.sender.send_all(&messages).await;
        let mut results: Vec<_> = answers.into_iter().map(|answer| answer.map(drop)).collect();
        let keys: Vec<_> = messages.iter().map(|message| message.key).collect();
        hold_back(&mut results, &keys);
        let results = rows.iter().zip(&values).zip(results);
        results
            .map(|((row, value), result)| {
                let bytes = value.as_ref().map_or(0, Vec::len);
                result.map_err(|cause| writer.error(batch, *row, bytes, cause))
            })
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
            // A row that the topic cannot hold is not sent: it is found before anything is.
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
    /// Checks that the row can become a record's value.
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

    fn message<'a>(
        &'a self,
        batch: &'a WriteBatch,
        row: usize,
        value: Option<&'a [u8]>,
        headers: &'a [(&'a str, Option<&'a [u8]>)],
    ) -> Message<'a> {
        let timestamp_ms = batch.record(row).timestamp_ms;
        Message {
            topic: &self.topic,
            key: key_of(batch, row),
            value,
            stamp: Stamp::of(timestamp_ms, Some(headers::RECORD_TIMESTAMP)),
            headers,
        }
    }

    /// The meaning of the producer's error for the row, whose value has this many bytes.
    fn error(&self, batch: &WriteBatch, row: usize, bytes: usize, cause: ProduceError) -> SinkError {
        let topic = &self.topic;
        let (fault, words) = match cause.fault {
            // The brokers take other rows, but not this one.
            ProduceFault::TooLarge | ProduceFault::Invalid => {
                return SinkError::refused(Refused {
                    topic: topic.clone(),
                    key: key_of(batch, row).map_or("no key", |_| "a key"),
                    bytes,
                    cause,
                });
            }
            ProduceFault::TopicGone => (
                SinkFault::Gone,
                format!("topic {topic} is not there any more; `host setup --plugin FILE` creates it"),
            ),
            ProduceFault::Unauthorized => (
                SinkFault::Forbidden,
                format!("the brokers refuse to write to topic {topic}; check the login and the ACLs"),
            ),
            ProduceFault::Timestamp => (
                SinkFault::Clock,
                format!(
                    "topic {topic} does not take this host's time; set the clocks of host and brokers, or the topic's \
                     message.timestamp.before.max.ms and message.timestamp.after.max.ms"
                ),
            ),
            // The brokers are away, or slow. What they have after all is there twice, with one place of its record.
            ProduceFault::Neighbour | ProduceFault::Other => {
                (SinkFault::Away, format!("topic {topic} did not take the row"))
            }
        };
        SinkError {
            at: Some(topic.clone()),
            ..SinkError::new(fault, words, cause)
        }
    }
}

fn key_of(batch: &WriteBatch, row: usize) -> Option<&[u8]> {
    batch.record(row).key.as_deref()
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
        ProduceFault::TooLarge
        | ProduceFault::Invalid
        | ProduceFault::Timestamp
        | ProduceFault::Neighbour
        | ProduceFault::Other => OpenError::Unreachable {
            output,
            topic,
            brokers: brokers.to_owned(),
            cause,
        },
    }
}

#[cfg(test)]
mod tests;
