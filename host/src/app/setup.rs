//! `host setup`: creates what the other verbs need and is not there yet: keyspace and tables, the topic and its
//! dead-letter topic, the schema of the records, the topics of the plugin's outputs. Prints a line for each thing. What
//! is there stays as it is.

use std::collections::BTreeSet;
use std::io::Write;

use super::component;
use super::failure::Failure;
use super::services::{cassandra_failure, connect_failure, kafka_failure, registry_failure, schema_failure};
use super::topic_fit::{self, Flaw};
use super::topics as output;
use crate::cassandra::asking::Unanswered;
use crate::cassandra::nodes;
use crate::cassandra::schema::{self, State, WANTED_REPLICAS};
use crate::cassandra::session;
use crate::codec::registry::Registry;
use crate::config::settings::{DeadLetters, From, PluginFrom, Settings, To};
use crate::kafka::admin::{self, NewTopic, Topic};
use crate::kafka::producer::limits::{CLEANUP, MESSAGE_BYTES, Told, TopicSettings};
use crate::record::descriptor::Descriptor;
use crate::sink::cassandra::config::Config as CassandraConfig;

/// The project's tables. cqlsh runs the same files.
const CQL_FILES: [&str; 1] = [include_str!("../../../cql/ecommerce.cql")];

/// The schema of the records' values, registered where their subject has none.
const VALUE_SCHEMA: &str = include_str!("../../../schemas/ecommerce-orders-value.avsc");

/// Partitions of a new topic: as many hosts can share the work, and one still reads it all.
const PARTITIONS: u16 = 3;

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// `--replication-factor`; `None` is three, or what the cluster can carry.
    pub replication_factor: Option<u8>,
    pub plugin: Plugin,
}

/// The plugin whose outputs may go to topics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plugin {
    /// `--plugin` was said: there must be one.
    Named,
    /// The plugin of the settings, if its file is there: setting up works without one.
    #[default]
    IfThere,
}

pub async fn run(settings: &Settings, options: Options, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    match &settings.to {
        To::Cassandra { keyspace } => tables(&settings.cassandra, keyspace, options, out).await?,
        To::Sqlite(path) => say(
            out,
            &format!("{}: nothing to create, `host run` makes its tables", path.display()),
        )?,
        To::Stdout => {}
    }
    let partitions = match &settings.from {
        From::Kafka { topic } => {
            let partitions = topics(settings, topic, out).await?;
            value_schema(settings, topic, out).await?;
            partitions
        }
        From::Csv(path) | From::Ndjson(path) => {
            say(out, &format!("{}: nothing to create for a file", path.display()))?;
            PARTITIONS
        }
    };
    // Last: what is wrong with a plugin keeps nothing else from being set up.
    output_topics(settings, options.plugin, partitions, out).await
}

async fn tables(
    config: &CassandraConfig,
    keyspace: &str,
    options: Options,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let keyspace = schema::keyspace_name(keyspace).map_err(schema_failure)?;
    let session = session::connect(&config.session, &keyspace)
        .await
        .map_err(connect_failure)?;
    let asking = session.asking();
    let nodes = nodes::up(&asking).await.map_err(unanswered_failure)?;
    let replicas = match (options.replication_factor, &nodes) {
        (Some(factor), _) => usize::from(factor),
        (None, Ok(nodes)) => *nodes.clamp(&1, &WANTED_REPLICAS),
        (None, Err(unknown)) => {
            let why =
                format!("how many nodes Cassandra has is not known, and --replication-factor is not given: {unknown}");
            return Err(Failure::Unreachable(anyhow::Error::msg(why)));
        }
    };
    for file in CQL_FILES {
        let created = schema::create(&asking, file, &keyspace, replicas).await;
        for (index, thing) in created.map_err(schema_failure)?.into_iter().enumerate() {
            let state = match thing.state {
                State::Created => "created",
                State::WasThere => "was there",
            };
            // A file begins with its keyspace.
            let aside = if index == 0 {
                let factor = schema::replication_factor(&asking, &keyspace).await;
                let factor = factor.map_err(unanswered_failure)?.unwrap_or(replicas);
                match &nodes {
                    Ok(nodes) => format!(", {}", replication(factor, *nodes)),
                    Err(unknown) => format!(", replication factor {factor}; {unknown}"),
                }
            } else {
                String::new()
            };
            say(out, &format!("{}: {state}{aside}", thing.what))?;
        }
    }
    Ok(())
}

fn unanswered_failure(unanswered: Unanswered) -> Failure {
    cassandra_failure(unanswered.into())
}

/// The replication factor aloud, with what it means for QUORUM where that is not what one would want.
fn replication(factor: usize, nodes: usize) -> String {
    let quorum = factor / 2 + 1;
    let remark = if nodes < quorum {
        format!(": QUORUM needs {quorum} of them and cannot be met")
    } else if factor < WANTED_REPLICAS {
        format!(": with {WANTED_REPLICAS} of each QUORUM would go on with one down")
    } else {
        String::new()
    };
    let are = if nodes == 1 { "node is" } else { "nodes are" };
    format!("replication factor {factor}, {nodes} {are} up{remark}")
}

/// The topic and that of its dead letters; how many partitions the first one has.
async fn topics(settings: &Settings, topic: &str, out: &mut (dyn Write + Send)) -> Result<u16, Failure> {
    let new = |name: &str, config| NewTopic {
        name: name.to_owned(),
        partitions: PARTITIONS,
        config,
    };
    let found = create(settings, &new(topic, Vec::new()), out).await?;
    if let DeadLetters::Topic(dead_letters) = &settings.dead_letters {
        let told = admin::settings(&settings.kafka, &[topic]).await;
        let told = told.map_err(kafka_failure)?.into_iter().next();
        let records = match &told {
            Some(Told::Settings(records)) => Some(records),
            Some(Told::Untold | Told::NoTopic) | None => None,
        };
        create(settings, &new(dead_letters, for_letters(records)), out).await?;
    }
    Ok(found)
}

/// The settings that a dead-letter topic needs beside this topic of records.
fn for_letters(records: Option<&TopicSettings>) -> Vec<(&'static str, String)> {
    vec![
        // A dead letter carries the timestamp of its record, and brokers delete by that: the letter of an old record
        // would be gone within minutes.
        (topic_fit::RETENTION, topic_fit::FOR_EVER.to_owned()),
        // Whatever the brokers' default is: compaction takes letters away, and refuses those without a key.
        (CLEANUP, "delete".to_owned()),
        (MESSAGE_BYTES, topic_fit::letter_bytes(records).to_string()),
    ]
}

/// Creates the topic where it is not there, and says so; how many partitions it has.
async fn create(settings: &Settings, new: &NewTopic, out: &mut (dyn Write + Send)) -> Result<u16, Failure> {
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

/// Promises that the settings of existing topics do not keep.
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

/// The topics of the plugin's outputs, with as many partitions as that of the records.
async fn output_topics(
    settings: &Settings,
    plugin: Plugin,
    partitions: u16,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let is_there = matches!(&settings.plugin.from, PluginFrom::File(file) if file.exists());
    let is_from_topic = matches!(settings.from, From::Kafka { .. });
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
            create(settings, &new, out).await?;
        }
    } else if !is_from_topic {
        return Ok(());
    }
    existing_topics(settings, Some(descriptor), out).await
}

async fn value_schema(settings: &Settings, topic: &str, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let subject = format!("{topic}-value");
    let registry = Registry::new(&settings.registry).map_err(registry_failure)?;
    let (schema, state) = match registry.latest(&subject).await.map_err(registry_failure)? {
        Some(schema) => (schema, "was there"),
        None => (
            registry
                .register(&subject, VALUE_SCHEMA)
                .await
                .map_err(registry_failure)?,
            "registered",
        ),
    };
    say(out, &format!("schema {subject}: {state}, id {}", schema.id))
}

/// A line of output; one that cannot be written ends the verb.
fn say(out: &mut (dyn Write + Send), line: &str) -> Result<(), Failure> {
    writeln!(out, "{line}").map_err(|error| Failure::Failed(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replication_factor_says_what_it_means_for_quorum() {
        assert_eq!(replication(3, 3), "replication factor 3, 3 nodes are up");
        assert_eq!(
            replication(1, 1),
            "replication factor 1, 1 node is up: with 3 of each QUORUM would go on with one down"
        );
        assert_eq!(
            replication(3, 1),
            "replication factor 3, 1 node is up: QUORUM needs 2 of them and cannot be met"
        );
        assert_eq!(replication(3, 2), "replication factor 3, 2 nodes are up");
    }
}
