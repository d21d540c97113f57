//! Sends many records so that one refused record does not take others with it.
//!
//! The brokers refuse a whole request because of one bad record, and librdkafka then numbers everything anew, which
//! costs milliseconds each time, and much more if many records wait. So the sender works in four steps:
//!
//! 1. It does not send a record that the topic's settings ([`Limits`]) rule out: one that is too large, or lacks the
//!    key that the topic asks for. It leaves out a timestamp that may be refused.
//! 2. It hands over all other records in order, in full requests, and waits for the answers.
//! 3. If some are refused after all, it reads the settings again. Records that were only neighbours, or are good by the
//!    new settings, go in full requests again.
//! 4. The rest go alone, one after another. A record that is refused then is the culprit.
//!
//! So a record is sent four times at most. If the order of a key counts ([`Order::ByKey`]), records after one that is
//! sent again are sent again too, which makes copies.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use tokio::sync::Mutex;

use super::limits::{self, Limits, SettingsAnswer};
use super::message::{Message, Stamp, Time};
use super::{Acknowledgement, KafkaProducer, ProduceError, ProduceFault, Profile};
use crate::connection::KafkaConnection;
use crate::kafka::client::{Requests, is_compression};

/// How long settings that were read are used. With a shorter time the brokers are asked more often. With a longer one a
/// changed setting is noticed later, if nothing is refused.
const HOLD: Duration = Duration::from_mins(1);

/// How long to wait before asking again, if the brokers gave no settings.
const HOLD_UNKNOWN: Duration = Duration::from_secs(10);

/// Settings older than this are read again before a record is refused because of them, since they may
/// have been corrected.
const FRESH: Duration = Duration::from_secs(5);

/// Bytes in a request beside those that librdkafka counts.
const REQUEST_ROOM: usize = 128;

/// Sends records to topics.
pub struct Sender {
    connection: KafkaConnection,
    filled: KafkaProducer,
    alone: KafkaProducer,
    order: Order,
    /// Whether records are compressed. The brokers then count fewer bytes than we do.
    is_compressing: bool,
    known: Mutex<HashMap<String, KnownLimits>>,
}

/// Whether records of one key must be stored in the order in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    ByKey,
    Any,
}

#[derive(Clone, Copy)]
struct KnownLimits {
    limits: Limits,
    asked: Instant,
    hold: Duration,
}

/// What to do with one record next.
#[derive(Debug, Clone)]
enum Next {
    Together(Time),
    Alone(Time),
    Settled(Acknowledgement),
}

/// The basis of all decisions at one moment.
struct Rules {
    limits: Limits,
    order: Order,
    is_compressing: bool,
    now_ms: i64,
}

impl Sender {
    /// Makes the producers, without connecting yet.
    pub fn new(connection: &KafkaConnection, profile: Profile, order: Order) -> Self {
        let mut properties = connection.properties.iter();
        let asked = properties.find(|(name, _)| is_compression(name));
        let is_compressing = asked.map_or(profile.compression.is_some(), |(_, kind)| kind.reveal() != "none");
        Self {
            connection: connection.clone(),
            filled: KafkaProducer::new(connection, profile, Requests::Filled),
            alone: KafkaProducer::new(connection, profile, Requests::Single),
            order,
            is_compressing,
            known: Mutex::default(),
        }
    }

    /// Checks that librdkafka accepts the settings.
    pub fn check(&self) -> Result<(), ProduceError> {
        self.filled.check()
    }

    /// The number of partitions of the topic, or [`ProduceFault::TopicGone`] if it does not exist. Blocks.
    pub fn partitions(&self, topic: &str) -> Result<usize, ProduceError> {
        self.filled.partitions(topic)
    }

    /// Which records the topic takes, as read within the last seconds.
    pub async fn fresh_limits(&self, topic: &str) -> Limits {
        self.limits(topic, FRESH).await
    }

    /// Which records the topic takes, as read within the last minute.
    pub async fn known_limits(&self, topic: &str) -> Limits {
        self.limits(topic, HOLD).await
    }

    /// Whether records are compressed, so that the brokers may take one that is larger than the topic's limit.
    pub fn is_compressing(&self) -> bool {
        self.is_compressing
    }

    /// Sends records, all to one topic. Gives one result for each, in order, once it is acknowledged or refused.
    pub async fn send_all(&self, messages: &[Message<'_>]) -> Vec<Acknowledgement> {
        let Some(first) = messages.first() else {
            return Vec::new();
        };
        let rules = |limits| Rules {
            limits,
            order: self.order,
            is_compressing: self.is_compressing,
            now_ms: now_ms(),
        };
        let mut rule = rules(self.known_limits(first.topic).await);
        let mut next = rule.plan(messages);
        if next.iter().any(|next| matches!(next, Next::Settled(Err(_)))) {
            rule = rules(self.fresh_limits(first.topic).await);
            next = rule.plan(messages);
        }
        let planned = next.clone();
        self.send_together(messages, &mut next).await;
        if next.iter().any(is_refused) {
            rule = rules(self.limits(first.topic, Duration::ZERO).await);
            rule.plan_again(messages, &planned, &mut next);
            self.send_together(messages, &mut next).await;
            rule.leave_alone(messages, &mut next);
        }
        self.send_alone(messages, &mut next).await;
        let settled = next.into_iter().map(|next| match next {
            Next::Settled(result) => result,
            Next::Together(_) | Next::Alone(_) => unreachable!("everything was sent"),
        });
        settled.collect()
    }

    /// Hands over all records that go together, in order, and waits for all answers.
    async fn send_together(&self, messages: &[Message<'_>], next: &mut [Next]) {
        let until = self.filled.patience();
        let mut places = Vec::new();
        let mut deliveries = Vec::new();
        for (place, message) in messages.iter().enumerate() {
            if let Next::Together(time) = next[place] {
                deliveries.push(self.filled.enqueue(message, time, until).await);
                places.push(place);
            }
        }
        let answers = deliveries.into_iter();
        let answers = join_all(answers.map(|delivery| async move { delivery?.acknowledged().await })).await;
        for (place, answer) in places.into_iter().zip(answers) {
            next[place] = Next::Settled(answer);
        }
    }

    /// Sends each record that goes alone in a request of its own, in order. If the brokers refuse its timestamp, it is
    /// sent again without it.
    async fn send_alone(&self, messages: &[Message<'_>], next: &mut [Next]) {
        for (message, next) in messages.iter().zip(next) {
            let Next::Alone(time) = *next else { continue };
            let mut result = self.alone.send(message, time).await;
            let is_stamped = time == Time::Own && message.stamp != Stamp::Now;
            if is_stamped && matches!(&result, Err(refused) if refused.fault == ProduceFault::Timestamp) {
                result = self.alone.send(message, Time::Now).await;
            }
            *next = Next::Settled(result);
        }
    }

    async fn limits(&self, topic: &str, not_older: Duration) -> Limits {
        let mut known = self.known.lock().await;
        let earlier = known.get(topic).copied();
        if let Some(known) = earlier
            && known.asked.elapsed() < not_older.min(known.hold)
        {
            return known.limits;
        }
        let answer = limits::settings(&self.connection, &[topic]).await;
        let answer = answer.map(|answers| answers.into_iter().next());
        let (limits, hold) = match answer {
            Ok(Some(SettingsAnswer::Settings(settings))) => (Limits::of(&settings), HOLD),
            Ok(Some(SettingsAnswer::Forbidden)) => {
                tracing::debug!(
                    topic,
                    "the login may not read the topic's settings, assuming the brokers' defaults"
                );
                (Limits::UNKNOWN, HOLD)
            }
            Ok(Some(SettingsAnswer::NoTopic) | None) => (Limits::UNKNOWN, HOLD_UNKNOWN),
            Err(cause) => {
                tracing::debug!(topic, %cause, "cannot read the topic's settings");
                (earlier.map_or(Limits::UNKNOWN, |earlier| earlier.limits), HOLD_UNKNOWN)
            }
        };
        let asked = Instant::now();
        known.insert(topic.to_owned(), KnownLimits { limits, asked, hold });
        let smallest = known.values().filter_map(|known| known.limits.message_bytes).min();
        let room = smallest.map_or(usize::MAX, |bytes| bytes.saturating_sub(REQUEST_ROOM));
        self.filled.limit_batches(room);
        limits
    }
}

impl Rules {
    fn plan(&self, messages: &[Message<'_>]) -> Vec<Next> {
        let mut next: Vec<_> = messages.iter().map(|message| self.plan_one(message)).collect();
        self.take_along(messages, &mut next);
        next
    }

    fn plan_one(&self, message: &Message<'_>) -> Next {
        if self.limits.needs_key && message.key.is_none() {
            return Next::Settled(Err(ProduceError::no_key()));
        }
        let (bytes, time) = (message.batch_bytes(), self.time(message));
        match self.limits.message_bytes.filter(|limit| bytes > *limit) {
            Some(_) if self.is_compressing => Next::Alone(time),
            Some(limit) => Next::Settled(Err(ProduceError::size(bytes, limit))),
            None => Next::Together(time),
        }
    }

    fn time(&self, message: &Message<'_>) -> Time {
        match message.stamp {
            Stamp::Record { timestamp_ms, .. } if !self.limits.take_time(timestamp_ms, self.now_ms) => Time::Now,
            Stamp::Record { .. } | Stamp::Now => Time::Own,
        }
    }

    /// Decides what to do with refused records and those after them. `planned` is what was done with them.
    fn plan_again(&self, messages: &[Message<'_>], planned: &[Next], next: &mut [Next]) {
        for ((message, planned), next) in messages.iter().zip(planned).zip(next.iter_mut()) {
            let Next::Settled(Err(error)) = &*next else { continue };
            if !error.is_of_request() || !error.is_answer() {
                continue;
            }
            let anew = self.plan_one(message);
            let is_well_now = match (error.fault, planned, &anew) {
                (ProduceFault::Neighbour, ..)
                | (_, _, Next::Settled(_))
                // Its timestamp may have been the reason.
                | (_, Next::Together(Time::Own), Next::Together(Time::Now)) => true,
                // The records were too many together.
                (ProduceFault::TooLarge, _, Next::Together(_)) => self.limits.message_bytes.is_some(),
                _ => false,
            };
            *next = if is_well_now {
                anew
            } else {
                Next::Alone(self.time(message))
            };
        }
        self.take_along(messages, next);
    }

    /// Decides that records that were refused once more go alone, and those after them too.
    fn leave_alone(&self, messages: &[Message<'_>], next: &mut [Next]) {
        for (message, next) in messages.iter().zip(next.iter_mut()) {
            if is_refused(next) {
                *next = Next::Alone(self.time(message));
            }
        }
        self.take_along(messages, next);
    }

    /// If order counts, records of a key after one that is sent again are sent again too. If one of them goes alone,
    /// all do.
    fn take_along(&self, messages: &[Message<'_>], next: &mut [Next]) {
        if self.order == Order::Any {
            return;
        }
        let alone = next
            .iter()
            .zip(messages)
            .filter(|(next, _)| matches!(next, Next::Alone(_)));
        let alone: HashSet<_> = alone.filter_map(|(_, message)| message.key).collect();
        let mut behind = HashSet::new();
        for (next, message) in next.iter_mut().zip(messages) {
            let Some(key) = message.key else { continue };
            let is_due = match next {
                Next::Together(_) | Next::Alone(_) => true,
                Next::Settled(Ok(_)) => behind.contains(key),
                Next::Settled(Err(_)) => false,
            };
            if is_due {
                behind.insert(key);
                let time = self.time(message);
                *next = if alone.contains(key) {
                    Next::Alone(time)
                } else {
                    Next::Together(time)
                };
            }
        }
    }
}

fn is_refused(next: &Next) -> bool {
    matches!(next, Next::Settled(Err(error)) if error.is_of_request() && error.is_answer())
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
