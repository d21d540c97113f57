//! `host setup`: creates what the other verbs need and is not there yet: keyspace and tables, the topic and its
//! dead-letter topic, the schema of the records. Prints a line for each thing. What is there stays as it is.

use std::io::Write;

use super::failure::Failure;
use super::services::{connect_failure, kafka_failure, registry_failure, schema_failure};
use crate::codec::registry::Registry;
use crate::config::settings::{DeadLetters, From, Settings, To};
use crate::sink::cassandra::config::Config as CassandraConfig;
use crate::sink::cassandra::schema::{self, State, WANTED_REPLICAS};
use crate::sink::cassandra::session;
use crate::source::kafka_admin::{self, NewTopic, Topic};

/// The project's tables. cqlsh runs the same files.
const CQL_FILES: [&str; 1] = [include_str!("../../../cql/ecommerce.cql")];

/// The schema of the records' values, registered where their subject has none.
const VALUE_SCHEMA: &str = include_str!("../../../schemas/ecommerce-orders-value.avsc");

/// Partitions of a new topic: as many hosts can share the work, and one still reads it all.
const PARTITIONS: u16 = 3;

const RETENTION: &str = "retention.ms";
const FOR_EVER: &str = "-1";

/// A dead letter carries the timestamp of its record, and brokers delete by that: the letter of an old record would be
/// gone within minutes.
const KEPT_FOR_EVER: &[(&str, &str)] = &[(RETENTION, FOR_EVER)];

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// `--replication-factor`; `None` is three, or what the cluster can carry.
    pub replication_factor: Option<u8>,
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
    match &settings.from {
        From::Kafka { topic } => {
            topics(settings, topic, out).await?;
            value_schema(settings, topic, out).await
        }
        From::Csv(path) | From::Ndjson(path) => say(out, &format!("{}: nothing to create for a file", path.display())),
    }
}

async fn tables(
    config: &CassandraConfig,
    keyspace: &str,
    options: Options,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let keyspace = schema::keyspace_name(keyspace).map_err(schema_failure)?;
    let session = session::connect(config).await.map_err(connect_failure)?;
    let nodes = schema::nodes_up(&session);
    let replicas = options
        .replication_factor
        .map_or_else(|| nodes.clamp(1, WANTED_REPLICAS), usize::from);
    for file in CQL_FILES {
        let created = schema::create(&session, file, &keyspace, replicas).await;
        for (index, thing) in created.map_err(schema_failure)?.into_iter().enumerate() {
            let state = match thing.state {
                State::Created => "created",
                State::WasThere => "was there",
            };
            // A file begins with its keyspace.
            let aside = if index == 0 {
                let factor = schema::replication_factor(&session, &keyspace).unwrap_or(replicas);
                format!(", {}", replication(factor, nodes))
            } else {
                String::new()
            };
            say(out, &format!("{}: {state}{aside}", thing.what))?;
        }
    }
    Ok(())
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

async fn topics(settings: &Settings, topic: &str, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let mut wanted = vec![(topic, [].as_slice())];
    if let DeadLetters::Topic(dead_letters) = &settings.dead_letters {
        wanted.push((dead_letters, KEPT_FOR_EVER));
    }
    let new: Vec<NewTopic> = wanted
        .iter()
        .map(|(name, config)| NewTopic {
            name: (*name).to_owned(),
            partitions: PARTITIONS,
            config,
        })
        .collect();
    let answers = kafka_admin::create_topics(&settings.kafka, &new)
        .await
        .map_err(kafka_failure)?;
    for ((topic, config), answer) in wanted.iter().zip(answers) {
        let line = match answer {
            Topic::Created { replicas } => {
                format!("topic {topic}: created, {PARTITIONS} partitions, replication factor {replicas}")
            }
            Topic::Existed { partitions } => {
                let remark = if config.is_empty() {
                    String::new()
                } else {
                    retention(settings, topic).await?
                };
                format!("topic {topic}: was there, {partitions} partitions{remark}")
            }
        };
        say(out, &line)?;
    }
    Ok(())
}

/// What it means where an existing dead-letter topic does not keep its letters.
async fn retention(settings: &Settings, topic: &str) -> Result<String, Failure> {
    let kept = kafka_admin::topic_config(&settings.kafka, topic, RETENTION);
    let kept = kept.await.map_err(kafka_failure)?;
    Ok(match kept.filter(|kept| kept != FOR_EVER) {
        Some(kept) => format!(
            "; it deletes letters of records older than {RETENTION}={kept} within minutes, whenever they were published: \
             set {RETENTION}={FOR_EVER}"
        ),
        None => String::new(),
    })
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
