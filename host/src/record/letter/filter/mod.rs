//! Selects dead letters by `--where KEY=VALUE`. Several values of one key are alternatives. Several keys
//! must all match.

use std::fmt;

use chrono::DateTime;

use super::Letter;
use crate::record::stage::Stage;

/// A set of conditions. Without any, it takes every letter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    conditions: Vec<Condition>,
    /// The conditions as typed, but sorted, so that the same conditions in another order are the same filter.
    typed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Code(String),
    Stage(Stage),
    /// A name, or the beginning of a digest.
    Plugin(String),
    Topic(String),
    Partition(i32),
    /// Not before this time, in milliseconds since 1970.
    Since(i64),
    /// Before this time.
    Until(i64),
    Replays(u32),
}

/// Why a condition cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("--where {0}: unknown key; known are code, stage, plugin, topic, partition, since, until and replays")]
    Key(String),
    #[error("--where {key}={value}: not {wanted}")]
    Value {
        key: String,
        value: String,
        wanted: &'static str,
    },
}

const TIME: &str = "a time like 2026-11-21T06:00:00Z, nor a time ago like 90s, 30m, 2h or 7d";

impl Filter {
    /// Reads the conditions. Times ago count from `now_ms`.
    ///
    /// # Errors
    /// If a key is not known, or if a value does not fit its key.
    pub fn parse(typed: &[(String, String)], now_ms: i64) -> Result<Self, FilterError> {
        let conditions = typed.iter().map(|(key, value)| condition(key, value, now_ms));
        let mut texts: Vec<_> = typed.iter().map(|(key, value)| format!("{key}={value}")).collect();
        texts.sort();
        texts.dedup();
        Ok(Self {
            conditions: conditions.collect::<Result<_, _>>()?,
            typed: texts,
        })
    }

    /// Whether the letter meets the conditions.
    pub fn takes(&self, letter: &Letter) -> bool {
        self.conditions.iter().all(|condition| {
            let alternatives = self
                .conditions
                .iter()
                .filter(|other| condition.is_alternative_of(other));
            condition.holds(letter) || alternatives.into_iter().any(|other| other.holds(letter))
        })
    }
}

/// Shows the conditions as typed. A time ago stays a time ago, so the same words are the same filter an hour later.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed.join(" "))
    }
}

impl Condition {
    /// Two times bound a span. Two conditions of any other kind are alternatives.
    fn is_alternative_of(&self, other: &Self) -> bool {
        let is_time = matches!(self, Self::Since(_) | Self::Until(_));
        !is_time && std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn holds(&self, letter: &Letter) -> bool {
        let position = &letter.record.position;
        match self {
            Self::Code(code) => letter.reject.code == *code,
            Self::Stage(stage) => letter.reject.stage == *stage,
            Self::Plugin(plugin) => {
                let digest = &letter.plugin.digest;
                let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
                letter.plugin.name == *plugin || digest.starts_with(plugin) || hex.starts_with(plugin)
            }
            Self::Topic(topic) => *position.partition.topic == **topic,
            Self::Partition(number) => position.partition.number == *number,
            // A letter without a time is never in a span.
            Self::Since(since) => letter.time_ms().is_some_and(|time| time >= *since),
            Self::Until(until) => letter.time_ms().is_some_and(|time| time < *until),
            Self::Replays(replays) => letter.replays == *replays,
        }
    }
}

fn condition(key: &str, value: &str, now_ms: i64) -> Result<Condition, FilterError> {
    let wrong = |wanted| FilterError::Value {
        key: key.to_owned(),
        value: value.to_owned(),
        wanted,
    };
    let time = || time(value, now_ms).ok_or_else(|| wrong(TIME));
    Ok(match key {
        "code" | "topic" if value.is_empty() => return Err(wrong("a name")),
        "code" => Condition::Code(value.to_owned()),
        "stage" => Condition::Stage(value.parse().map_err(|_| wrong("decode, transform or write"))?),
        // Every digest begins with an empty text.
        "plugin" if value.is_empty() => return Err(wrong("a plugin's name, nor the beginning of its digest")),
        "plugin" => Condition::Plugin(value.to_owned()),
        "topic" => Condition::Topic(value.to_owned()),
        "partition" => Condition::Partition(value.parse().map_err(|_| wrong("the number of a partition"))?),
        "since" => Condition::Since(time()?),
        "until" => Condition::Until(time()?),
        "replays" => Condition::Replays(value.parse().map_err(|_| wrong("a number"))?),
        _ => return Err(FilterError::Key(format!("{key}={value}"))),
    })
}

/// Reads `2026-11-21T06:00:00Z`, or `2h` for two hours ago.
fn time(text: &str, now_ms: i64) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(unit_at);
    let unit_ms = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let ago_ms = count.parse::<i64>().ok()?.checked_mul(unit_ms)?;
    now_ms.checked_sub(ago_ms)
}

#[cfg(test)]
mod tests;
