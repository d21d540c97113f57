//! The topics that a plugin's rows go to: creates missing ones, and refuses those from which rows would come back.

use std::io::Write;

use anyhow::{Error, anyhow};

use super::Settings;
use super::services::kafka_failure;
use crate::app::failure::Failure;
use crate::app::say::say;
use crate::config::settings::DeadLetters;
use crate::kafka::admin::{self, NewTopic, Topic};
use crate::record::descriptor::Descriptor;

/// The number of partitions of a new topic. As many hosts can share the work, and one host can still read them all.
pub const PARTITIONS: u16 = 3;

/// Whether rows go to topics. If `--to` is standard output, all rows are printed instead.
pub fn are_produced(settings: &Settings, descriptor: &Descriptor) -> bool {
    !settings.to.is_standard_output() && descriptor.topic_outputs().next().is_some()
}

/// Refuses an output to a topic from which its rows would come back.
pub fn refuse_loops(settings: &Settings, descriptor: &Descriptor) -> Result<(), Error> {
    let found = descriptor
        .topic_outputs()
        .filter_map(|(_, output, topic)| Some((output, topic, taken(settings, topic)?)));
    let reasons: Vec<_> = found
        .map(|(output, topic, what)| {
            format!(
                "output {} goes to topic {topic}, {what}; name another topic in the plugin",
                output.name
            )
        })
        .collect();
    if reasons.is_empty() || settings.to.is_standard_output() {
        Ok(())
    } else {
        Err(anyhow!(reasons.join("; ")))
    }
}

/// Why rows may not go to the topic: what it is used for already. `None` if they may.
pub fn taken(settings: &Settings, topic: &str) -> Option<&'static str> {
    if settings.from.topic() == Some(topic) {
        return Some("which is the one that records are read from: its rows would come back for ever");
    }
    match &settings.dead_letters {
        DeadLetters::Topic(letters) if letters == topic => Some("which is that of the dead letters"),
        _ => None,
    }
}

/// Creates the topic if it does not exist, and prints a line. Returns how many partitions the topic has.
pub async fn create(settings: &Settings, new: &NewTopic, out: &mut (dyn Write + Send)) -> Result<u16, Failure> {
    let answers = admin::create_topics(&settings.kafka, std::slice::from_ref(new)).await;
    let (topic, partitions) = (&new.name, new.partitions);
    match answers.map_err(kafka_failure)?.first() {
        Some(Topic::Existed { partitions }) => {
            say(out, &format!("topic {topic}: was there, {partitions} partitions"))?;
            Ok(u16::try_from(*partitions).unwrap_or(u16::MAX))
        }
        Some(Topic::Created { replicas }) => {
            let line = format!("topic {topic}: created, {partitions} partitions, replication factor {replicas}");
            say(out, &line)?;
            Ok(partitions)
        }
        None => Ok(partitions),
    }
}

/// The number of partitions in words.
pub fn partitions_text(partitions: usize) -> String {
    match partitions {
        1 => "1 partition".to_owned(),
        partitions => format!("{partitions} partitions"),
    }
}
