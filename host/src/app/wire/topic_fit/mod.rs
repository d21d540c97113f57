//! Compares the settings of topics with the promises about their records: for `host check`, and for the topics that
//! `host setup` finds. Each finding names the setting and the command that changes it.
//!
//! A topic does not fit if a promise cannot be kept: a letter is too large for it, compaction deletes letters, or the
//! topic acknowledges nothing. Everything else is a note: it works, but perhaps not as expected.

use super::Settings;
use crate::config::settings::{DeadLetters, PluginFrom};
use crate::dead_letter::form::ROOM_BYTES;
use crate::fleet::COMPONENT_BYTES;
use crate::kafka::admin::{self, AdminError, Cluster, IN_SYNC, MIN_IN_SYNC};
use crate::kafka::producer::limits::{
    AFTER_MAX, BEFORE_MAX, CLEANUP, MESSAGE_BYTES, SettingsAnswer, TIMESTAMP_TYPE, TopicSettings,
};
use crate::record::descriptor::Descriptor;

/// The setting of a topic for how long it keeps records, in milliseconds.
pub const RETENTION: &str = "retention.ms";
const RETENTION_BYTES: &str = "retention.bytes";
/// The value of [`RETENTION`] and `retention.bytes` that sets no limit.
pub const FOR_EVER: &str = "-1";

/// The record size that brokers take by default (the default of `max.message.bytes`).
const MESSAGE_BYTES_DEFAULT: i64 = 1_048_588;

/// A record stamped further ahead is rejected, so no row carries such a time.
const ROW_AHEAD_MS: i64 = 3_600_000;

/// The records that go into a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The records that are read.
    Records,
    DeadLetters,
    /// Rows of the plugin.
    Rows,
    /// Published plugins.
    Plugins,
}

/// Something about a topic that is not as promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// It works, but perhaps not as expected.
    Note(String),
    Mismatch(String),
}

/// A topic with its settings.
#[derive(Debug, Clone)]
pub struct Topic {
    pub name: String,
    pub role: Role,
    /// The replicas of the partition that has the fewest.
    pub replicas: Option<usize>,
    pub answer: SettingsAnswer,
}

/// Finds the topics of these settings that exist, each with the brokers' answer about its own settings.
pub async fn topics(
    settings: &Settings,
    descriptor: Option<&Descriptor>,
    cluster: &Cluster,
) -> Result<Vec<Topic>, AdminError> {
    let mut wanted: Vec<(&str, Role)> = Vec::new();
    if let Some(topic) = settings.from.topic() {
        wanted.push((topic, Role::Records));
        if let DeadLetters::Topic(letters) = &settings.dead_letters {
            wanted.push((letters, Role::DeadLetters));
        }
    }
    if let Some(descriptor) = descriptor.filter(|descriptor| super::topics::are_produced(settings, descriptor)) {
        wanted.extend(descriptor.topic_outputs().map(|(.., topic)| (topic, Role::Rows)));
    }
    if let PluginFrom::Published { fleet, .. } = &settings.plugin.from {
        wanted.push((&fleet.topic, Role::Plugins));
    }
    wanted.retain(|(name, _)| cluster.topics.contains_key(*name));
    wanted.dedup();
    let names: Vec<_> = wanted.iter().map(|(name, _)| *name).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let answers = admin::settings(&settings.kafka, &names).await?;
    let topics = wanted.into_iter().zip(answers).map(|((name, role), answer)| Topic {
        name: name.to_owned(),
        role,
        replicas: cluster.replicas.get(name).copied(),
        answer,
    });
    Ok(topics.collect())
}

/// The `max.message.bytes` that a dead-letter topic needs beside this topic of records.
pub fn letter_bytes(records: Option<&TopicSettings>) -> i64 {
    let records = records.and_then(|settings| settings.number(MESSAGE_BYTES));
    let room = i64::try_from(ROOM_BYTES).unwrap_or(i64::MAX);
    records
        .unwrap_or(MESSAGE_BYTES_DEFAULT)
        .saturating_add(room)
        .min(i32::MAX.into())
}

/// The flaws of one of `topics`.
pub fn flaws(brokers: &str, topics: &[Topic], of: &Topic) -> Vec<Flaw> {
    let settings = match &of.answer {
        SettingsAnswer::Settings(settings) => settings,
        SettingsAnswer::NoTopic => return Vec::new(),
        SettingsAnswer::Forbidden => {
            return vec![Flaw::Note(format!(
                "topic {}: its settings may not be read with this login (DescribeConfigs), so they are not compared",
                of.name
            ))];
        }
    };
    let records = topics.iter().find(|topic| topic.role == Role::Records);
    let records = records.and_then(|topic| match &topic.answer {
        SettingsAnswer::Settings(settings) => Some(settings),
        SettingsAnswer::Forbidden | SettingsAnswer::NoTopic => None,
    });
    let found = Comparison {
        brokers,
        topic: of,
        settings,
        records,
        flaws: Vec::new(),
    };
    found.all()
}

struct Comparison<'a> {
    brokers: &'a str,
    topic: &'a Topic,
    settings: &'a TopicSettings,
    /// The settings of the topic that is read.
    records: Option<&'a TopicSettings>,
    flaws: Vec<Flaw>,
}

impl Comparison<'_> {
    fn all(mut self) -> Vec<Flaw> {
        self.in_sync();
        match self.topic.role {
            Role::Records => {}
            Role::DeadLetters => {
                self.letter_size();
                self.letter_cleanup();
                self.letter_retention();
            }
            Role::Rows => {
                self.row_size();
                self.row_cleanup();
                self.row_retention();
                self.row_time();
            }
            Role::Plugins => self.plugins(),
        }
        self.flaws
    }

    /// `topic NAME: WHAT; the line that sets it`
    fn text(&self, what: &str, setting: &str) -> String {
        let (name, brokers) = (&self.topic.name, self.brokers);
        format!(
            "topic {name}: {what}; kafka-configs --bootstrap-server {brokers} --alter --topic {name} --add-config {setting}"
        )
    }

    fn note(&mut self, what: &str, setting: &str) {
        self.flaws.push(Flaw::Note(self.text(what, setting)));
    }

    fn mismatch(&mut self, what: &str, setting: &str) {
        self.flaws.push(Flaw::Mismatch(self.text(what, setting)));
    }

    fn in_sync(&mut self) {
        let (Some(wanted), Some(replicas)) = (self.settings.number(MIN_IN_SYNC), self.topic.replicas) else {
            return;
        };
        let replicas = i64::try_from(replicas).unwrap_or(i64::MAX);
        let enough = (replicas - 1).max(1);
        if wanted > replicas {
            let what = format!("with {replicas} replicas and {MIN_IN_SYNC}={wanted} nothing is ever acknowledged");
            let setting = format!("{MIN_IN_SYNC}={enough}");
            match self.topic.role {
                // The host only reads it.
                Role::Records | Role::Plugins => self.note(&what, &setting),
                Role::DeadLetters | Role::Rows => self.mismatch(&what, &setting),
            }
        } else if wanted == replicas && replicas > 1 {
            let what = format!(
                "with {replicas} replicas and {MIN_IN_SYNC}={wanted} nothing is acknowledged while a broker is away"
            );
            self.note(&what, &format!("{MIN_IN_SYNC}={enough}"));
        } else if wanted < 2 && replicas > 2 {
            let what = format!("{MIN_IN_SYNC}={wanted}: what one broker alone has acknowledged is lost with it");
            self.note(&what, &format!("{MIN_IN_SYNC}={IN_SYNC}"));
        }
    }

    fn letter_size(&mut self) {
        let Some(bytes) = self.settings.number(MESSAGE_BYTES) else {
            return;
        };
        let needed = letter_bytes(self.records);
        if bytes >= needed {
            return;
        }
        let of_records = self.records.and_then(|settings| settings.number(MESSAGE_BYTES));
        let of_records = of_records.unwrap_or(MESSAGE_BYTES_DEFAULT);
        let what = format!(
            "{MESSAGE_BYTES}={bytes}, and records may have {of_records}: the letter of a larger one says where the record is, \
             and can be replayed only as long as it is there"
        );
        let setting = format!("{MESSAGE_BYTES}={needed}");
        if bytes < of_records {
            self.mismatch(&what, &setting);
        } else {
            self.note(&what, &setting);
        }
    }

    fn letter_cleanup(&mut self) {
        if self.settings.is_compacted() {
            let policy = self.settings.get(CLEANUP).unwrap_or_default();
            let what = format!(
                "{CLEANUP}={policy}: a letter without a key is refused, and one with a key is lost when a later one has that key"
            );
            self.mismatch(&what, &format!("{CLEANUP}=delete"));
        }
    }

    fn letter_retention(&mut self) {
        if let Some(kept) = self.settings.number(RETENTION).filter(|kept| *kept >= 0) {
            let what = if self.settings.has_append_time() {
                format!("it deletes letters {RETENTION}={kept} after they were published")
            } else {
                format!(
                    "it deletes letters of records older than {RETENTION}={kept} within minutes, whenever they were published"
                )
            };
            self.note(&what, &format!("{RETENTION}={FOR_EVER}"));
        }
        if let Some(kept) = self.settings.number(RETENTION_BYTES).filter(|kept| *kept >= 0) {
            let what = format!("{RETENTION_BYTES}={kept}: it deletes its oldest letters when it has more");
            self.note(&what, &format!("{RETENTION_BYTES}={FOR_EVER}"));
        }
    }

    fn row_size(&mut self) {
        let of_records = self.records.and_then(|settings| settings.number(MESSAGE_BYTES));
        if let (Some(bytes), Some(of_records)) = (self.settings.number(MESSAGE_BYTES), of_records)
            && bytes < of_records
        {
            let what = format!(
                "{MESSAGE_BYTES}={bytes}, and records may have {of_records}: the record of a larger row becomes a dead letter"
            );
            self.note(&what, &format!("{MESSAGE_BYTES}={of_records}"));
        }
    }

    fn row_cleanup(&mut self) {
        if self.settings.is_compacted() {
            let policy = self.settings.get(CLEANUP).unwrap_or_default();
            let what = format!(
                "{CLEANUP}={policy}: a record without a key becomes a dead letter, and of one key the last row stays"
            );
            self.note(&what, &format!("{CLEANUP}=delete"));
        }
    }

    /// Rows carry the time of their record, so a topic that keeps records for a shorter time than that of the records
    /// deletes some rows at once.
    fn row_retention(&mut self) {
        let kept = |settings: &TopicSettings| settings.number(RETENTION).map(|ms| if ms < 0 { i64::MAX } else { ms });
        let Some((rows, records)) = kept(self.settings).zip(self.records.and_then(kept)) else {
            return;
        };
        let is_deleting = self
            .settings
            .get(CLEANUP)
            .is_none_or(|policy| policy.contains("delete"));
        if rows < records && is_deleting && !self.settings.has_append_time() {
            let what = format!("it deletes rows of records older than {RETENTION}={rows}, and those are still read");
            let setting = if records == i64::MAX {
                FOR_EVER.to_owned()
            } else {
                records.to_string()
            };
            self.note(&what, &format!("{RETENTION}={setting}"));
        }
    }

    fn row_time(&mut self) {
        let header = "the record's is in the header host.record-timestamp";
        if self.settings.has_append_time() {
            let what = format!(
                "{TIMESTAMP_TYPE}=LogAppendTime: rows carry the time of their writing, not that of their record"
            );
            return self.note(&what, &format!("{TIMESTAMP_TYPE}=CreateTime"));
        }
        let (ahead, behind) = (self.settings.ahead_ms(), self.settings.behind_ms());
        if behind < i64::MAX {
            let what =
                format!("rows of records older than {BEFORE_MAX}={behind} carry the time of their writing ({header})");
            self.note(&what, &format!("{BEFORE_MAX}={}", i64::MAX));
        }
        if ahead < ROW_AHEAD_MS {
            let what = format!(
                "rows of records further ahead than {AFTER_MAX}={ahead} carry the time of their writing ({header})"
            );
            self.note(&what, &format!("{AFTER_MAX}={ROW_AHEAD_MS}"));
        }
    }

    fn plugins(&mut self) {
        if !self.settings.is_compacted() && self.settings.number(RETENTION).is_some_and(|kept| kept >= 0) {
            let what = "it is not compacted, so a plugin that was published goes with its retention";
            self.note(what, &format!("{CLEANUP}=compact"));
        }
        let wanted = COMPONENT_BYTES.parse().unwrap_or(i64::MAX);
        if let Some(bytes) = self.settings.number(MESSAGE_BYTES).filter(|bytes| *bytes < wanted) {
            let what = format!("{MESSAGE_BYTES}={bytes}: a larger component cannot be published");
            self.note(&what, &format!("{MESSAGE_BYTES}={COMPONENT_BYTES}"));
        }
    }
}

#[cfg(test)]
mod tests;
