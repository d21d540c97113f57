//! What a run asks of its servers before it starts, of all of them at once: each takes its time to be connected to. The
//! answers are looked at one after another, always in the same order, so that the same mistakes give the same message
//! whichever server is the quickest, and none waits for a server behind it.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::task::JoinSet;

use super::assemble::{check_registry, registry};
use super::failure::Failure;
use super::services::source_failure;
use super::sinks;
use crate::codec::registry::Registry;
use crate::config::settings::{DeadLetters as DeadLettersSetting, From, Settings};
use crate::dead_letter::{DeadLetterError, DeadLetters, file::DeadLetterFile, file::Earlier, topic::DeadLetterTopic};
use crate::kafka::topic::check_topic;
use crate::sink::cassandra::Cluster;
use crate::source::{Running, Until, file, kafka};

/// The requests that are under way. One whose answer is not taken is given up.
pub struct Asked {
    pub source: Answer<Source>,
    pub registry: Answer<Option<Registry>>,
    pub cluster: Answer<Option<Cluster>>,
    pub dead_letters: Answer<Option<Arc<dyn DeadLetters>>>,
}

/// An answer that is waited for.
pub struct Answer<T>(JoinSet<Result<T, Failure>>);

/// Something to read from, found to be there.
pub enum Source {
    /// It has not joined a group yet.
    Kafka(Box<kafka::Connected>),
    File,
}

impl Asked {
    /// Asks; nothing is made anywhere yet. Within a runtime.
    pub fn all(settings: &Settings, until: Until) -> Self {
        let settings = Arc::new(settings.clone());
        let [one, two, three, four] = std::array::from_fn(|_| Arc::clone(&settings));
        Self {
            source: Answer::blocking(move || source(&one, until)),
            registry: Answer::of(async move {
                // Reads the system's certificates first, which takes as long as a server takes to answer.
                let registry = registry(&two)?;
                check_registry(&two, registry.as_ref()).await?;
                Ok(registry)
            }),
            cluster: Answer::of(async move { sinks::connect(&three).await }),
            dead_letters: Answer::blocking(move || dead_letter_topic(&four)),
        }
    }
}

impl<T: Send + 'static> Answer<T> {
    fn of(question: impl Future<Output = Result<T, Failure>> + Send + 'static) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(question);
        Self(tasks)
    }

    fn blocking(question: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn_blocking(question);
        Self(tasks)
    }

    /// Waits for it.
    pub async fn get(mut self) -> Result<T, Failure> {
        let answered = self.0.join_next().await.expect("there is one question in it");
        answered.context("asking the servers failed").map_err(Failure::Failed)?
    }
}

impl Source {
    /// Starts to read. From here on partitions are ours.
    pub fn start(self, settings: &Settings) -> Result<Running, Failure> {
        let started = match (self, &settings.from) {
            (Self::Kafka(connected), _) => connected.start(),
            (Self::File, From::Csv(path)) => file::start(file::Format::Csv, path, &settings.source.bounds),
            (Self::File, From::Ndjson(path)) => file::start(file::Format::Ndjson, path, &settings.source.bounds),
            (Self::File, From::Kafka { .. }) => unreachable!("a topic is no file"),
        };
        started.map_err(source_failure)
    }
}

/// Checks that there is something to read. Blocks.
fn source(settings: &Settings, until: Until) -> Result<Source, Failure> {
    let checked = match &settings.from {
        From::Kafka { topic } => kafka::connect(&settings.kafka, topic, &settings.source, until)
            .map(Box::new)
            .map(Source::Kafka),
        From::Csv(path) => file::check(file::Format::Csv, path).map(|()| Source::File),
        From::Ndjson(path) => file::check(file::Format::Ndjson, path).map(|()| Source::File),
    };
    checked.map_err(source_failure)
}

/// Where dead letters go to a topic, that it is there. Blocks.
fn dead_letter_topic(settings: &Settings) -> Result<Option<Arc<dyn DeadLetters>>, Failure> {
    let DeadLettersSetting::Topic(topic) = &settings.dead_letters else {
        return Ok(None);
    };
    check_topic(&settings.kafka, topic).map_err(source_failure)?;
    let letters = DeadLetterTopic::new(&settings.kafka, topic).map_err(dead_letter_failure)?;
    Ok(Some(Arc::new(letters)))
}

/// The topic that was found, or the file, which is made now.
pub fn dead_letters(settings: &Settings, topic: Option<Arc<dyn DeadLetters>>) -> Result<Arc<dyn DeadLetters>, Failure> {
    match (topic, &settings.dead_letters) {
        (Some(topic), _) => Ok(topic),
        (None, DeadLettersSetting::File(path)) => {
            let earlier = if matches!(settings.from, From::Kafka { .. }) {
                Earlier::Keep
            } else {
                Earlier::Replace
            };
            Ok(Arc::new(
                DeadLetterFile::new(path, earlier).map_err(dead_letter_failure)?,
            ))
        }
        (None, DeadLettersSetting::Topic(_)) => unreachable!("a topic is asked for early"),
    }
}

fn dead_letter_failure(error: DeadLetterError) -> Failure {
    Failure::Usage(error.into())
}
