//! What a topic takes, by its settings: how large a record, with which timestamp, whether without a key.
//!
//! The brokers refuse a whole request for one record that they do not take, so it is better known before. Where a login
//! may not read the settings, records go by the brokers' defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::without_value;
use crate::connection::KafkaConnection;

pub const MESSAGE_BYTES: &str = "max.message.bytes";
pub const CLEANUP: &str = "cleanup.policy";
pub const TIMESTAMP_TYPE: &str = "message.timestamp.type";
pub const AFTER_MAX: &str = "message.timestamp.after.max.ms";
pub const BEFORE_MAX: &str = "message.timestamp.before.max.ms";
/// Brokers before 4.0; it bounds both.
const DIFFERENCE_MAX: &str = "message.timestamp.difference.max.ms";

/// The brokers' answer. Longer, and records go by the defaults: what the brokers refuse is noticed then, too.
const ANSWER: Duration = Duration::from_secs(5);

/// How far ahead brokers from 4.0 on take a timestamp by default, in milliseconds.
const AFTER_MAX_DEFAULT_MS: i64 = 3_600_000;

/// How far this host's clock and the brokers' may be apart, and how long a record may be on its way, in milliseconds.
/// Larger, and more records carry the time at which they were produced; smaller, and the brokers may refuse some.
const MARGIN_MS: i64 = 60_000;

/// A topic's settings with their values, the brokers' defaults included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicSettings(BTreeMap<String, String>);

/// What the brokers say of a topic's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Settings(TopicSettings),
    /// The login may not read them.
    Untold,
    NoTopic,
}

/// What a topic takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest batch; `None` where it is not known.
    pub message_bytes: Option<usize>,
    pub needs_key: bool,
    /// How far ahead of the brokers' clock a timestamp may be.
    ahead_ms: i64,
    behind_ms: i64,
}

impl TopicSettings {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Of a number; -1 often means without end.
    pub fn number(&self, key: &str) -> Option<i64> {
        self.get(key)?.parse().ok()
    }

    pub fn is_compacted(&self) -> bool {
        self.get(CLEANUP).is_some_and(|policy| policy.contains("compact"))
    }

    /// Whether records get the time at which the brokers append them.
    pub fn has_append_time(&self) -> bool {
        self.get(TIMESTAMP_TYPE) == Some("LogAppendTime")
    }

    /// How far ahead of the brokers' clock a timestamp may be, in milliseconds.
    pub fn ahead_ms(&self) -> i64 {
        self.span(AFTER_MAX)
    }

    /// How far behind.
    pub fn behind_ms(&self) -> i64 {
        self.span(BEFORE_MAX)
    }

    fn span(&self, key: &str) -> i64 {
        if self.has_append_time() {
            return i64::MAX;
        }
        let of = |key| self.number(key).unwrap_or(i64::MAX);
        of(key).min(of(DIFFERENCE_MAX))
    }
}

impl FromIterator<(String, String)> for TopicSettings {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(settings: T) -> Self {
        Self(settings.into_iter().collect())
    }
}

impl Limits {
    /// Of a topic whose settings cannot be read: as brokers are by default.
    pub const UNKNOWN: Self = Self {
        message_bytes: None,
        needs_key: false,
        ahead_ms: AFTER_MAX_DEFAULT_MS,
        behind_ms: i64::MAX,
    };

    pub fn of(settings: &TopicSettings) -> Self {
        let bytes = settings.number(MESSAGE_BYTES);
        Self {
            message_bytes: bytes.and_then(|bytes| usize::try_from(bytes).ok()),
            needs_key: settings.is_compacted(),
            ahead_ms: settings.ahead_ms(),
            behind_ms: settings.behind_ms(),
        }
    }

    /// Whether the brokers take this timestamp for sure.
    pub fn take_time(&self, timestamp_ms: i64, now_ms: i64) -> bool {
        let within = |span_ms: i64, bound_ms: i64| span_ms <= bound_ms.saturating_sub(MARGIN_MS).max(0);
        within(timestamp_ms.saturating_sub(now_ms), self.ahead_ms)
            && within(now_ms.saturating_sub(timestamp_ms), self.behind_ms)
    }
}

/// What the brokers say of these topics' settings: one answer for each, in order. Waits for them, at most 5 s.
pub async fn settings(connection: &KafkaConnection, topics: &[&str]) -> Result<Vec<Told>, KafkaError> {
    let mut config = ClientConfig::new();
    for (key, value) in &connection.properties {
        config.set(key, value.reveal());
    }
    config
        .set("bootstrap.servers", &connection.brokers)
        .set("allow.auto.create.topics", "false")
        .set_log_level(RDKafkaLogLevel::Emerg);
    let topics: Vec<_> = topics.iter().map(|&topic| topic.to_owned()).collect();
    let runtime = tokio::runtime::Handle::current();
    // The client waits for its thread when it is dropped.
    let asking = tokio::task::spawn_blocking(move || {
        let client: AdminClient<DefaultClientContext> = config.create().map_err(without_value)?;
        let asked: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
        let options = AdminOptions::new().request_timeout(Some(ANSWER));
        let answers = runtime.block_on(client.describe_configs(&asked, &options))?;
        let answers = answers.into_iter().map(|answer| match answer {
            Ok(resource) => {
                let entries = resource.entries.into_iter();
                Told::Settings(entries.filter_map(|entry| Some((entry.name, entry.value?))).collect())
            }
            Err(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => Told::NoTopic,
            Err(_) => Told::Untold,
        });
        Ok(answers.collect())
    });
    // The closure does not panic, and nothing cancels it.
    asking.await.unwrap_or(Err(KafkaError::Canceled))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_800_000_000_000;
    const HOUR_MS: i64 = 3_600_000;

    fn limits(settings: &[(&str, &str)]) -> Limits {
        let owned = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Limits::of(&owned.collect())
    }

    fn taken(limits: Limits) -> [bool; 5] {
        [-2 * HOUR_MS, -HOUR_MS / 2, 0, HOUR_MS / 2, 2 * HOUR_MS].map(|ahead| limits.take_time(NOW_MS + ahead, NOW_MS))
    }

    #[test]
    fn a_timestamp_is_sent_only_where_the_brokers_take_it_for_sure() {
        let hour = "3600000";
        assert_eq!(taken(Limits::UNKNOWN), [true, true, true, true, false]);
        assert_eq!(taken(limits(&[])), [true; 5], "brokers without such a setting");
        assert_eq!(taken(limits(&[(AFTER_MAX, hour)])), [true, true, true, true, false]);
        assert_eq!(taken(limits(&[(BEFORE_MAX, hour)])), [false, true, true, true, true]);
        assert_eq!(
            taken(limits(&[(DIFFERENCE_MAX, hour)])),
            [false, true, true, true, false]
        );
        assert_eq!(
            taken(limits(&[(AFTER_MAX, "0"), (BEFORE_MAX, "0")])),
            [false, false, true, false, false]
        );
        let appended = [(TIMESTAMP_TYPE, "LogAppendTime"), (AFTER_MAX, hour), (BEFORE_MAX, hour)];
        assert_eq!(taken(limits(&appended)), [true; 5], "nobody looks at it");
    }

    #[test]
    fn clocks_may_be_apart_by_a_minute() {
        let limits = limits(&[(AFTER_MAX, "3600000")]);
        assert!(limits.take_time(NOW_MS + HOUR_MS - MARGIN_MS, NOW_MS));
        assert!(!limits.take_time(NOW_MS + HOUR_MS - MARGIN_MS + 1, NOW_MS));
    }

    #[test]
    fn a_compacted_topic_needs_keys() {
        assert!(limits(&[(CLEANUP, "compact,delete")]).needs_key);
        assert!(!limits(&[(CLEANUP, "delete")]).needs_key);
        assert_eq!(limits(&[(MESSAGE_BYTES, "4000")]).message_bytes, Some(4000));
    }
}
