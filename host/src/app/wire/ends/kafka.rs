//! A topic of Kafka as a source: `kafka://BROKERS/TOPIC`.

use std::io::Write;
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::source::{Source, Start};
use crate::app::failure::Failure;
use crate::app::say::say;
use crate::app::wire::finding::Finding;
use crate::app::wire::records::{LATEST_RECORDS, Records};
use crate::app::wire::services::{kafka_failure, registry_failure};
use crate::app::wire::topics::{self, partitions_text};
use crate::app::wire::value_schema;
use crate::app::wire::{Settings, topic_fit};
use crate::codec::registry::Registry;
use crate::config::address;
use crate::config::ends::{AddressDefaults, Kind, Refusal, SourceEnd};
use crate::config::settings::DeadLetters;
use crate::kafka::admin::{self, NewTopic};
use crate::kafka::latest::{self, Wanted};
use crate::kafka::producer::limits::{CLEANUP, MESSAGE_BYTES, SettingsAnswer, TopicSettings};
use crate::pipeline::swap::latest::KEPT_RECORDS;
use crate::record::Record;
use crate::record::causes::chain;
use crate::record::descriptor::Descriptor;
use crate::source::error::SourceError;
use crate::source::nature::Nature;
use crate::source::{Until, kafka};
use crate::telemetry::otlp::Origin;

/// Topics of Kafka. `--from` names one; its brokers come from there or from the settings.
pub const KIND: Kind<Arc<dyn Source>> = Kind {
    form: "kafka://BROKERS/TOPIC",
    read,
};

/// The schema that `host setup` registers for the records' values if their subject has none.
const VALUE_SCHEMA: &str = include_str!("../../../../../schemas/ecommerce-orders-value.avsc");

/// How long a sample is read for, since a topic of many partitions takes too long.
const SAMPLING: Duration = Duration::from_secs(5);

/// So many batches are read ahead. The next one is fetched while this one is handled.
const BATCHES_AHEAD: usize = 1;

/// A topic by its name. The settings have the brokers.
#[derive(Debug)]
struct Topic(String);

/// The topic that the settings name.
pub fn usual(defaults: AddressDefaults<'_>) -> Arc<dyn Source> {
    Arc::new(Topic(defaults.topic.to_owned()))
}

fn read(text: &str, defaults: AddressDefaults<'_>) -> Option<Result<Arc<dyn Source>, Refusal>> {
    address::is_kafka(text).then(|| Ok(usual(defaults)))
}

impl SourceEnd for Topic {
    fn nature(&self) -> Nature {
        kafka::config::NATURE
    }

    fn topic(&self) -> Option<&str> {
        Some(&self.0)
    }
}

impl Source for Topic {
    fn place(&self) -> String {
        self.0.clone()
    }

    fn connect(&self, settings: &Settings, until: Until) -> Result<Start, SourceError> {
        let connected = kafka::connect(&settings.kafka, &self.0, &settings.source, until)?;
        Ok(Box::new(move || connected.start()))
    }

    fn origin(&self, settings: &Settings) -> Origin {
        Origin::Kafka {
            group: settings.source.group.clone(),
        }
    }

    fn subject(&self) -> Option<String> {
        Some(format!("{}-value", self.0))
    }

    /// Reads the latest records of the topic, as many as come within the time.
    fn sample(&self, settings: &Settings) -> BoxFuture<'static, Vec<Vec<Record>>> {
        let wanted = self.latest(settings, KEPT_RECORDS as u64, KEPT_RECORDS);
        let kafka = settings.kafka.clone();
        let end = Instant::now() + SAMPLING;
        let reading = tokio::task::spawn_blocking(move || {
            let mut sample = Vec::new();
            let read = latest::read(&kafka, &wanted, |records| {
                sample.push(records);
                if Instant::now() < end {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            if let Err(error) = read {
                tracing::warn!(
                    error = chain(&error),
                    "cannot read all records that the candidate was to be tried on"
                );
            }
            sample
        });
        async move { reading.await.unwrap_or_default() }.boxed()
    }

    /// Reads the latest records of each partition, without joining a group.
    fn records(&self, settings: &Settings, limit: Option<NonZeroU64>) -> Result<Records, Failure> {
        let per_partition = limit.map_or(LATEST_RECORDS, NonZeroU64::get);
        let wanted = self.latest(settings, per_partition, settings.pipeline.batch_records);
        let connection = settings.kafka.clone();
        let (out, batches) = mpsc::channel(BATCHES_AHEAD);
        // The task ends by itself when the receiver of its batches is dropped.
        drop(tokio::task::spawn_blocking(move || {
            let read = latest::read(&connection, &wanted, |batch| match out.blocking_send(Ok(batch)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            });
            if let Err(error) = read {
                let _ = out.blocking_send(Err(error.into()));
            }
        }));
        Ok(Records::Batches(batches))
    }

    fn check<'a>(
        &'a self,
        settings: &'a Settings,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Vec<Finding>, Failure>> {
        async move {
            let mut findings = Vec::new();
            find_topics(settings, &self.0, &mut findings).await?;
            compare_schema(settings, &self.0, descriptor, &mut findings).await?;
            Ok(findings)
        }
        .boxed()
    }

    fn setup<'a>(
        &'a self,
        settings: &'a Settings,
        out: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Option<u16>, Failure>> {
        async move {
            let partitions = create_topics(settings, &self.0, out).await?;
            register_schema(settings, &self.0, out).await?;
            Ok(Some(partitions))
        }
        .boxed()
    }
}

impl Topic {
    fn latest(&self, settings: &Settings, per_partition: u64, batch_records: usize) -> Wanted {
        Wanted {
            topic: self.0.clone(),
            per_partition,
            batch_records,
            group: settings.source.group.clone(),
        }
    }
}

/// Finds whether the topic and its dead-letter topic exist.
async fn find_topics(settings: &Settings, topic: &str, findings: &mut Vec<Finding>) -> Result<(), Failure> {
    let cluster = admin::cluster(&settings.kafka).await.map_err(kafka_failure)?;
    let mut names = vec![topic];
    if let DeadLetters::Topic(dead_letters) = &settings.dead_letters {
        names.push(dead_letters);
    }
    findings.extend(names.into_iter().map(|name| match cluster.topics.get(name) {
        Some(partitions) => Finding::Fits(format!("topic {name}: {}", partitions_text(*partitions))),
        None => Finding::Mismatch(format!("topic {name} is not there; `host setup` creates it")),
    }));
    Ok(())
}

/// Compares the schema of the records with what the plugin takes.
async fn compare_schema(
    settings: &Settings,
    topic: &str,
    descriptor: &Descriptor,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let subject = format!("{topic}-value");
    let registry = Registry::new(&settings.registry).map_err(registry_failure)?;
    match registry.latest(&subject).await.map_err(registry_failure)? {
        Some(found) => {
            let version = found
                .version
                .map(|version| format!(" version {version}"))
                .unwrap_or_default();
            let name = format!("{subject}{version}");
            findings.extend(match registry.read(&found).await {
                Ok(schema) => value_schema::compare(&name, &schema, &descriptor.inputs),
                Err(error) => vec![Finding::Mismatch(value_schema::unreadable(&name, error)?)],
            });
        }
        None => findings.push(Finding::Note(format!(
            "schema {subject} is not there: JSON records can be read, Avro ones cannot; `host setup` registers it"
        ))),
    }
    Ok(())
}

/// Creates the topic and its dead-letter topic. Returns how many partitions the topic has.
async fn create_topics(settings: &Settings, topic: &str, out: &mut (dyn Write + Send)) -> Result<u16, Failure> {
    let new = |name: &str, config| NewTopic {
        name: name.to_owned(),
        partitions: topics::PARTITIONS,
        config,
    };
    let found = topics::create(settings, &new(topic, Vec::new()), out).await?;
    if let DeadLetters::Topic(dead_letters) = &settings.dead_letters {
        let answers = admin::settings(&settings.kafka, &[topic]).await;
        let answer = answers.map_err(kafka_failure)?.into_iter().next();
        let records = match &answer {
            Some(SettingsAnswer::Settings(records)) => Some(records),
            Some(SettingsAnswer::Forbidden | SettingsAnswer::NoTopic) | None => None,
        };
        topics::create(settings, &new(dead_letters, for_letters(records)), out).await?;
    }
    Ok(found)
}

/// The settings that a dead-letter topic needs beside this topic of records.
fn for_letters(records: Option<&TopicSettings>) -> Vec<(&'static str, String)> {
    vec![
        // A dead letter carries the timestamp of its record, and brokers delete by that: the letter of an old record
        // would be gone within minutes.
        (topic_fit::RETENTION, topic_fit::FOR_EVER.to_owned()),
        // The brokers' default may be compaction, which deletes letters and refuses those without a key.
        (CLEANUP, "delete".to_owned()),
        (MESSAGE_BYTES, topic_fit::letter_bytes(records).to_string()),
    ]
}

/// Registers the schema of the records if their subject has none.
async fn register_schema(settings: &Settings, topic: &str, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
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
