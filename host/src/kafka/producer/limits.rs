//! Reads from a topic's settings which records it takes: of which size, with which timestamps, and whether
//! without a key.
//!
//! The brokers refuse a whole request because of one record, so it is better to know beforehand. If a login may not
//! read the settings, the brokers' defaults are assumed.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::connection::KafkaConnection;
use crate::kafka::client::{Purpose, client_config};
use crate::kafka::error::without_value;

/// The setting for the largest batch.
pub const MESSAGE_BYTES: &str = "max.message.bytes";
/// The setting that says whether the topic is compacted.
pub const CLEANUP: &str = "cleanup.policy";
/// The setting that says whose time a record gets.
pub const TIMESTAMP_TYPE: &str = "message.timestamp.type";
/// The setting for how far ahead of the brokers' clock a timestamp may be.
pub const AFTER_MAX: &str = "message.timestamp.after.max.ms";
/// The setting for how far behind the brokers' clock a timestamp may be.
pub const BEFORE_MAX: &str = "message.timestamp.before.max.ms";
/// The setting of brokers before 4.0 that bounds both.
const DIFFERENCE_MAX: &str = "message.timestamp.difference.max.ms";

/// How long to wait for the brokers' answer. After that the defaults are assumed, and refusals are noticed when records
/// are sent.
const ANSWER: Duration = Duration::from_secs(5);

/// How far ahead of their clock brokers from 4.0 on take a timestamp by default, in milliseconds.
const AFTER_MAX_DEFAULT_MS: i64 = 3_600_000;

/// Margin for the difference between this host's clock and the brokers', and for a record's time on its way, in
/// milliseconds. With a larger one, more records carry the time at which they were produced. With a smaller one, the
/// brokers may refuse some.
const MARGIN_MS: i64 = 60_000;

/// A topic's settings with their values, the brokers' defaults included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicSettings(BTreeMap<String, String>);

/// The brokers' answer about a topic's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsAnswer {
    Settings(TopicSettings),
    /// The login may not read them.
    Forbidden,
    NoTopic,
}

/// Which records a topic takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest batch in bytes, or `None` if it is not known.
    pub message_bytes: Option<usize>,
    /// Whether every record must have a key, because the topic is compacted.
    pub needs_key: bool,
    /// How far ahead of the brokers' clock a timestamp may be.
    ahead_ms: i64,
    behind_ms: i64,
}

impl TopicSettings {
    /// The value of a setting.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The value of a setting that is a number. -1 often means no limit.
    pub fn number(&self, key: &str) -> Option<i64> {
        self.get(key)?.parse().ok()
    }

    /// Whether the topic is compacted.
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

    /// How far behind the brokers' clock a timestamp may be, in milliseconds.
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
    /// The brokers' defaults, for a topic whose settings cannot be read.
    pub const UNKNOWN: Self = Self {
        message_bytes: None,
        needs_key: false,
        ahead_ms: AFTER_MAX_DEFAULT_MS,
        behind_ms: i64::MAX,
    };

    /// The limits that these settings mean.
    pub fn of(settings: &TopicSettings) -> Self {
        let bytes = settings.number(MESSAGE_BYTES);
        Self {
            message_bytes: bytes.and_then(|bytes| usize::try_from(bytes).ok()),
            needs_key: settings.is_compacted(),
            ahead_ms: settings.ahead_ms(),
            behind_ms: settings.behind_ms(),
        }
    }

    /// Whether the brokers are certain to take this timestamp.
    pub fn take_time(&self, timestamp_ms: i64, now_ms: i64) -> bool {
        let within = |span_ms: i64, bound_ms: i64| span_ms <= bound_ms.saturating_sub(MARGIN_MS).max(0);
        within(timestamp_ms.saturating_sub(now_ms), self.ahead_ms)
            && within(now_ms.saturating_sub(timestamp_ms), self.behind_ms)
    }
}

/// Asks the brokers for the settings of these topics. Gives one answer for each, in order. Waits at most 5 s.
pub async fn settings(connection: &KafkaConnection, topics: &[&str]) -> Result<Vec<SettingsAnswer>, KafkaError> {
    let config = client_config(connection, Purpose::Admin);
    let topics: Vec<_> = topics.iter().map(|&topic| topic.to_owned()).collect();
    let runtime = tokio::runtime::Handle::current();
    // Dropping the client waits for its thread, so this runs where it may block.
    let asking = tokio::task::spawn_blocking(move || {
        let client: AdminClient<DefaultClientContext> = config.create().map_err(without_value)?;
        let asked: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
        let options = AdminOptions::new().request_timeout(Some(ANSWER));
        let answers = runtime.block_on(client.describe_configs(&asked, &options))?;
        let answers = answers.into_iter().map(|answer| match answer {
            Ok(resource) => {
                let entries = resource.entries.into_iter();
                SettingsAnswer::Settings(entries.filter_map(|entry| Some((entry.name, entry.value?))).collect())
            }
            Err(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => SettingsAnswer::NoTopic,
            Err(_) => SettingsAnswer::Forbidden,
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
        assert_eq!(taken(limits(&appended)), [true; 5], "no limit applies to it");
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
