//! The topics that a plugin's rows go to, and which they must not be.

use anyhow::{Error, anyhow};

use crate::config::settings::{DeadLetters, From, Settings, To};
use crate::record::descriptor::Descriptor;

/// Whether rows go to topics: where `--to` is standard output, all are printed.
pub fn are_produced(settings: &Settings, descriptor: &Descriptor) -> bool {
    settings.to != To::Stdout && descriptor.topic_outputs().next().is_some()
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
    if reasons.is_empty() || settings.to == To::Stdout {
        Ok(())
    } else {
        Err(anyhow!(reasons.join("; ")))
    }
}

/// The present use of the topic, if that leaves no room for rows.
pub fn taken(settings: &Settings, topic: &str) -> Option<&'static str> {
    if matches!(&settings.from, From::Kafka { topic: read } if read == topic) {
        return Some("which is the one that records are read from: its rows would come back for ever");
    }
    match &settings.dead_letters {
        DeadLetters::Topic(letters) if letters == topic => Some("which is that of the dead letters"),
        _ => None,
    }
}
