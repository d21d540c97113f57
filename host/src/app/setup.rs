//! `host setup`: creates what the other verbs need and does not exist yet: keyspace and tables, the topic and its
//! dead-letter topic, the schema of the records, and the topics of the plugin's outputs. It prints a line for each
//! thing. What exists stays as it is.

use std::collections::BTreeSet;
use std::io::Write;

use super::failure::Failure;
use super::say::say;
use super::wire::Settings;
use super::wire::component;
use super::wire::services::kafka_failure;
use super::wire::topic_fit::{self, Flaw};
use super::wire::topics::{self as output, PARTITIONS};
use crate::config::settings::PluginFrom;
use crate::kafka::admin::{self, NewTopic};
use crate::record::descriptor::Descriptor;

/// The options of `host setup`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// `--replication-factor`; `None` is three, or what the cluster can carry.
    pub replication_factor: Option<u8>,
    pub plugin: Plugin,
}

/// The plugin whose outputs may go to topics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plugin {
    /// `--plugin` names it, so it must exist.
    Named,
    /// The plugin of the settings, if its file exists. Setting up works without one.
    #[default]
    IfThere,
}

/// Creates what is missing, and writes a line to `out` for each thing.
///
/// # Errors
/// A service does not answer (exit code 3), refuses (1), or a setting is wrong (2). What was created by then stays.
pub async fn run(settings: &Settings, options: Options, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    settings.to.setup(settings, options.replication_factor, out).await?;
    let partitions = settings.from.setup(settings, out).await?.unwrap_or(PARTITIONS);
    // This comes last, so that a wrong plugin does not prevent anything else from being set up.
    output_topics(settings, options.plugin, partitions, out).await
}

/// Prints the promises that the settings of existing topics cannot keep.
async fn existing_topics(
    settings: &Settings,
    descriptor: Option<&Descriptor>,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let cluster = admin::cluster(&settings.kafka).await.map_err(kafka_failure)?;
    let there = topic_fit::topics(settings, descriptor, &cluster).await;
    let there = there.map_err(kafka_failure)?;
    for topic in &there {
        for flaw in topic_fit::flaws(&settings.kafka.brokers, &there, topic) {
            let line = match flaw {
                Flaw::Note(text) => format!("note: {text}"),
                Flaw::Mismatch(text) => format!("does not fit: {text}"),
            };
            say(out, &line)?;
        }
    }
    Ok(())
}

/// Creates the topics of the plugin's outputs, with as many partitions as the topic of the records.
async fn output_topics(
    settings: &Settings,
    plugin: Plugin,
    partitions: u16,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let is_there = matches!(&settings.plugin.from, PluginFrom::File(file) if file.exists());
    let is_from_topic = settings.from.topic().is_some();
    if plugin == Plugin::IfThere && !is_there {
        return if is_from_topic {
            existing_topics(settings, None, out).await
        } else {
            Ok(())
        };
    }
    let plugin = component::load(&settings.plugin)?;
    let descriptor = plugin.descriptor();
    if output::are_produced(settings, descriptor) {
        output::refuse_loops(settings, descriptor).map_err(Failure::Usage)?;
        let names: BTreeSet<_> = descriptor.topic_outputs().map(|(.., topic)| topic).collect();
        for name in names {
            let new = NewTopic {
                name: name.to_owned(),
                partitions,
                config: Vec::new(),
            };
            output::create(settings, &new, out).await?;
        }
    } else if !is_from_topic {
        return Ok(());
    }
    existing_topics(settings, Some(descriptor), out).await
}
