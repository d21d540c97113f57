//! Asks all servers of a run at once before it starts, since each takes some time to connect to. The answers are looked
//! at in a fixed order, so that the same mistake gives the same message whichever server is the quickest.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::task::JoinSet;

use super::Settings;
use super::assemble::{check_registry, registry};
use super::ends::source::Start;
use super::ends::store::Tables;
use super::services::source_failure;
use super::sinks;
use crate::app::failure::Failure;
use crate::codec::registry::Registry;
use crate::config::settings::DeadLetters as DeadLettersSetting;
use crate::dead_letter::{DeadLetterError, DeadLetters, file::DeadLetterFile, file::Earlier, topic::DeadLetterTopic};
use crate::kafka::topic::check_topic;
use crate::source::Until;

/// The requests that are under way. A request is given up if its answer is dropped.
pub struct Asked {
    pub source: Answer<Start>,
    pub registry: Answer<Option<Registry>>,
    pub tables: Answer<Arc<dyn Tables>>,
    pub dead_letters: Answer<OpenLetters>,
}

/// An answer that may not have come yet.
pub struct Answer<T>(JoinSet<Result<T, Failure>>);

/// Opens the place of dead letters, which has been checked. A file is created or emptied only now.
type OpenLetters = Box<dyn FnOnce() -> Result<Arc<dyn DeadLetters>, DeadLetterError> + Send>;

impl Asked {
    /// Sends all requests. Nothing is created anywhere yet. It must be called within a runtime.
    pub fn all(settings: &Settings, until: Until) -> Self {
        let settings = Arc::new(settings.clone());
        let [one, two, three, four] = std::array::from_fn(|_| Arc::clone(&settings));
        Self {
            source: Answer::blocking(move || one.from.connect(&one, until).map_err(source_failure)),
            registry: Answer::of(async move {
                // Making the client reads the system's certificates, which takes as long as a request.
                let registry = registry(&two)?;
                check_registry(&two, registry.as_ref()).await?;
                Ok(registry)
            }),
            tables: Answer::of(async move { sinks::connect(&three).await }),
            dead_letters: Answer::blocking(move || dead_letters(&four)),
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

    /// Waits for the answer.
    pub async fn get(mut self) -> Result<T, Failure> {
        let answered = self.0.join_next().await.expect("there is one question in it");
        answered.context("asking the servers failed").map_err(Failure::Failed)?
    }
}

/// Checks that the dead-letter topic exists, if dead letters go to one. Blocks.
fn dead_letters(settings: &Settings) -> Result<OpenLetters, Failure> {
    match &settings.dead_letters {
        DeadLettersSetting::Topic(topic) => {
            check_topic(&settings.kafka, topic).map_err(source_failure)?;
            let letters = DeadLetterTopic::new(&settings.kafka, topic).map_err(dead_letter_failure)?;
            Ok(Box::new(move || Ok(Arc::new(letters))))
        }
        DeadLettersSetting::File(path) => {
            // A run that reads everything again also writes all of its dead letters again.
            let earlier = if settings.from.nature().resumes {
                Earlier::Keep
            } else {
                Earlier::Replace
            };
            let path = path.clone();
            Ok(Box::new(move || Ok(Arc::new(DeadLetterFile::new(&path, earlier)?))))
        }
    }
}

/// Exit code 2: where dead letters go is a setting.
pub fn dead_letter_failure(error: DeadLetterError) -> Failure {
    Failure::Usage(error.into())
}
