//! Sends dead letters to a Kafka topic. Each is acknowledged by all in-sync replicas. If the topic cannot hold a whole
//! record, the letter refers to it ([`LetterForm`]).

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::form::{LetterForm, Part};
use super::{DeadLetter, DeadLetterError, DeadLetters, LetterFault, headers};
use crate::connection::KafkaConnection;
use crate::kafka::producer::limits::Limits;
use crate::kafka::producer::message::{Message, Stamp};
use crate::kafka::producer::sender::{Order, Sender};
use crate::kafka::producer::{Acknowledgement, ProduceError, ProduceFault, Profile};

/// Pause between two log lines of one kind about letters by reference or lost letters.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// A topic of dead letters.
pub struct DeadLetterTopic {
    sender: Sender,
    brokers: String,
    topic: String,
    /// When each [`Remark`] was last logged.
    said: Mutex<[Option<Instant>; 2]>,
}

/// A remark that is logged once a minute at most.
#[derive(Debug, Clone, Copy)]
enum Remark {
    ByReference = 0,
    Compacted = 1,
}

/// A letter with the headers that it is being sent with.
struct Written<'a> {
    letter: &'a DeadLetter,
    form: LetterForm,
    ours: Vec<(&'static str, String)>,
}

impl DeadLetterTopic {
    /// Makes the producer, without connecting yet.
    ///
    /// # Errors
    /// If librdkafka does not accept a setting.
    pub fn new(connection: &KafkaConnection, topic: &str) -> Result<Self, DeadLetterError> {
        // Letters carry their record's position, so their own order does not matter.
        let sender = Sender::new(connection, Profile::of_pipeline("host-dead-letters"), Order::Any);
        let letters = Self {
            sender,
            brokers: connection.brokers.clone(),
            topic: topic.to_owned(),
            said: Mutex::default(),
        };
        letters.sender.check().map_err(|cause| letters.error(0, None, cause))?;
        Ok(letters)
    }

    async fn publish_all(&self, letters: &[DeadLetter]) -> Vec<Result<(), DeadLetterError>> {
        let mut limits = self.sender.known_limits(&self.topic).await;
        let mut written = self.write(letters, limits);
        if written.iter().any(|letter| letter.form > LetterForm::Whole) {
            limits = self.sender.fresh_limits(&self.topic).await;
            written = self.write(letters, limits);
        }
        if limits.needs_key {
            self.say(Remark::Compacted, || {
                tracing::warn!(
                    topic = self.topic,
                    "the dead-letter topic is compacted, so letters get lost where a later \
                    one has their key: {}",
                    self.remedy("cleanup.policy=delete")
                );
            });
        }
        let mut results: Vec<_> = letters.iter().map(|_| None).collect();
        let mut pending: Vec<_> = (0..letters.len()).collect();
        while !pending.is_empty() {
            let sent = self.send(&written, &pending).await;
            let mut again = Vec::new();
            for (place, result) in pending.into_iter().zip(sent) {
                let smaller = written[place].form.smaller();
                match (result, smaller) {
                    // Only the brokers know the size of a compressed letter.
                    (Err(error), Some(form)) if error.fault == ProduceFault::TooLarge => {
                        written[place] = Written::new(&letters[place], form);
                        again.push(place);
                    }
                    (result, _) => {
                        let bytes = self.bytes(&Written::new(&letters[place], LetterForm::Whole));
                        let key = letters[place].record.key.as_deref();
                        results[place] = Some(result.map(drop).map_err(|cause| self.error(bytes, key, cause)));
                    }
                }
            }
            pending = again;
        }
        self.note(&written);
        results
            .into_iter()
            .map(|result| result.expect("each was sent"))
            .collect()
    }

    /// Prepares each letter in the largest form that the topic takes. If letters are compressed, that form is only
    /// found by trying.
    fn write<'a>(&self, letters: &'a [DeadLetter], limits: Limits) -> Vec<Written<'a>> {
        let limit = limits.message_bytes.filter(|_| !self.sender.is_compressing());
        let written = letters.iter().map(|letter| {
            let mut written = Written::new(letter, LetterForm::Whole);
            while let Some(form) = written.form.smaller()
                && limit.is_some_and(|limit| self.bytes(&written) > limit)
            {
                written = Written::new(letter, form);
            }
            written
        });
        written.collect()
    }

    async fn send(&self, written: &[Written<'_>], which: &[usize]) -> Vec<Acknowledgement> {
        let all: Vec<_> = which.iter().map(|place| written[*place].headers()).collect();
        let messages = which.iter().zip(&all);
        let messages: Vec<_> = messages
            .map(|(place, headers)| written[*place].message(&self.topic, headers))
            .collect();
        self.sender.send_all(&messages).await
    }

    fn bytes(&self, written: &Written<'_>) -> usize {
        written.message(&self.topic, &written.headers()).batch_bytes()
    }

    /// Logs that the topic cannot hold whole records.
    fn note(&self, written: &[Written<'_>]) {
        let by_reference = written.iter().find(|letter| letter.form.is_by_reference());
        let Some(first) = by_reference else { return };
        self.say(Remark::ByReference, || {
            let needed = self.bytes(&Written::new(first.letter, LetterForm::Whole));
            tracing::warn!(
                topic = self.topic, record = %first.letter.record.position,
                "the dead-letter topic cannot hold the record, so its letter says where it is; it can be replayed only as \
                 long as it is there: {}",
                self.remedy(&format!("max.message.bytes={needed}"))
            );
        });
    }

    fn say(&self, remark: Remark, log: impl FnOnce()) {
        let mut said = self.said.lock();
        let last = &mut said[remark as usize];
        if last.is_none_or(|last| last.elapsed() >= SAY_AGAIN) {
            *last = Some(Instant::now());
            log();
        }
    }

    /// The command that gives the topic this setting.
    fn remedy(&self, setting: &str) -> String {
        let (brokers, topic) = (&self.brokers, &self.topic);
        format!("kafka-configs --bootstrap-server {brokers} --alter --topic {topic} --add-config {setting}")
    }

    /// Turns the producer's error into ours. `bytes` is the size of the whole letter.
    fn error(&self, bytes: usize, key: Option<&[u8]>, cause: ProduceError) -> DeadLetterError {
        let topic = &self.topic;
        let (fault, words) = match cause.fault {
            ProduceFault::TooLarge => (
                LetterFault::Refused,
                format!(
                    "the dead-letter topic {topic} takes neither the record nor a letter that says where it is; {}",
                    self.remedy(&format!("max.message.bytes={bytes}"))
                ),
            ),
            // A missing key is the only fault of a letter that brokers call invalid by themselves.
            ProduceFault::Invalid if key.is_none() => (
                LetterFault::Refused,
                format!(
                    "the dead-letter topic {topic} takes no letter without a key, since it is compacted; {}",
                    self.remedy("cleanup.policy=delete")
                ),
            ),
            ProduceFault::Invalid => (
                LetterFault::Refused,
                format!(
                    "the brokers call the letter invalid for the dead-letter topic {topic}; look at the topic's settings"
                ),
            ),
            ProduceFault::Timestamp => (
                LetterFault::Clock,
                format!(
                    "the dead-letter topic {topic} does not take this host's time; set the clocks of host and brokers, \
                     or the topic's message.timestamp.before.max.ms and message.timestamp.after.max.ms"
                ),
            ),
            ProduceFault::TopicGone => (
                LetterFault::Gone,
                format!("the dead-letter topic {topic} is not there any more; `host setup` creates it"),
            ),
            ProduceFault::Unauthorized => (
                LetterFault::Forbidden,
                format!("the brokers refuse to write to the dead-letter topic {topic}; check the login and the ACLs"),
            ),
            ProduceFault::Neighbour | ProduceFault::Other => (
                LetterFault::Away,
                format!("the dead-letter topic {topic} did not take the record"),
            ),
        };
        DeadLetterError::new(fault, topic, words, cause)
    }
}

impl<'a> Written<'a> {
    fn new(letter: &'a DeadLetter, form: LetterForm) -> Self {
        let ours = headers::of(letter, form);
        Self { letter, form, ours }
    }

    /// The record's own headers, then ours.
    fn headers(&self) -> Vec<(&str, Option<&[u8]>)> {
        let own: &[_] = match self.form.headers() {
            Part::InLetter => &self.letter.record.headers,
            Part::ByReference => &[],
        };
        let own = own.iter().map(|header| (header.key.as_str(), header.value.as_deref()));
        let ours = self.ours.iter().map(|(key, value)| (*key, Some(value.as_bytes())));
        own.chain(ours).collect()
    }

    fn message<'b>(&'b self, topic: &'b str, headers: &'b [(&'b str, Option<&'b [u8]>)]) -> Message<'b> {
        let record = &self.letter.record;
        let part = |part, bytes: Option<&'b [u8]>| bytes.filter(|_| part == Part::InLetter);
        Message {
            topic,
            key: part(self.form.key(), record.key.as_deref()),
            value: part(self.form.value(), record.value.as_deref()),
            // The record's own timestamp is in a header in any case.
            stamp: Stamp::of(record.timestamp_ms, None),
            headers,
        }
    }
}

impl DeadLetters for DeadLetterTopic {
    fn publish<'a>(&'a self, letters: &'a [DeadLetter]) -> BoxFuture<'a, Vec<Result<(), DeadLetterError>>> {
        Box::pin(self.publish_all(letters))
    }
}
