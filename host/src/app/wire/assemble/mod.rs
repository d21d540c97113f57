//! Makes a version of a component: compiled, checked against the schema of its records and the tables of its rows, with
//! the decoder and the sink that it needs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use sha2::{Digest as _, Sha256};

use super::Settings;
use super::finding::Finding;
use super::services::registry_failure;
use super::sinks::Sinks;
use super::{trust, value_schema};
use crate::app::failure::Failure;
use crate::codec::Decoder;
use crate::codec::registry::{Registry, RegistryError};
use crate::codec::schema::Schema;
use crate::connection::RegistryConnection;
use crate::pipeline::batch::version::Version;
use crate::pipeline::swap::swapper::{Assemble, Candidate};
use crate::plugin::{Plugin, PluginEngine, aside};
use crate::record::Record;
use crate::record::causes::chain;
use crate::record::descriptor::{Descriptor, Digest};

/// An answer of the registry is used again for this long, so that swapping back and forth costs it nothing. A candidate
/// that does not fit such an answer is compared with a new one before it is refused.
const FRESH: Duration = Duration::from_secs(5);

/// Makes versions of candidates for one run. The sinks of all of them write over the connections of [`Sinks`].
pub struct Assembler {
    engine: PluginEngine,
    settings: Settings,
    registry: Option<Registry>,
    sinks: Sinks,
    seen: Mutex<Option<Seen>>,
}

/// The registry's last answer, and when it came.
struct Seen {
    at: Instant,
    schema: Option<ValueSchema>,
}

/// The schema of a topic's values.
struct ValueSchema {
    subject: String,
    schema: Arc<Schema>,
}

/// Makes the client of the registry, which all versions share, since making one takes longer than a swap. `None` if
/// records have no schema.
pub fn registry(settings: &Settings) -> Result<Option<Registry>, Failure> {
    match settings.from.subject() {
        Some(_) => Registry::new(&settings.registry).map(Some).map_err(registry_failure),
        None => Ok(None),
    }
}

/// Makes the decoder for the plugin's inputs.
pub fn decoder(plugin: &Plugin, registry: Option<&Registry>) -> Decoder {
    Decoder::new(&plugin.descriptor().inputs, registry.cloned())
}

/// Checks that the registry answers. The default one may be away, which is only logged, since a topic of JSON needs
/// none.
pub async fn check_registry(settings: &Settings, registry: Option<&Registry>) -> Result<(), Failure> {
    value_schema(settings, registry).await.map(drop)
}

/// The latest schema of the topic's values, by its name, where there is one.
async fn value_schema(settings: &Settings, registry: Option<&Registry>) -> Result<Option<ValueSchema>, Failure> {
    let (Some(subject), Some(registry)) = (settings.from.subject(), registry) else {
        return Ok(None);
    };
    match registry.latest(&subject).await {
        Err(error @ RegistryError::Unreachable { .. }) if settings.registry.url == RegistryConnection::DEFAULT_URL => {
            tracing::debug!(
                error = chain(&error),
                "the registry does not answer; records in Avro would wait for it"
            );
            Ok(None)
        }
        Err(error) => Err(registry_failure(error)),
        Ok(None) => Ok(None),
        Ok(Some(found)) => match registry.read(&found).await {
            Ok(schema) => Ok(Some(ValueSchema { subject, schema })),
            // The plugin is not to blame, and the topic may hold records of other schemas.
            Err(error) => {
                let error = value_schema::unreadable(&subject, error)?;
                tracing::warn!(error, "the plugin is not compared with the topic's schema");
                Ok(None)
            }
        },
    }
}

/// Why the plugin does not fit the schema. It fits if there is none.
fn misfits(schema: Option<&ValueSchema>, descriptor: &Descriptor) -> Vec<String> {
    let findings =
        schema.map(|ValueSchema { subject, schema }| value_schema::compare(subject, schema, &descriptor.inputs));
    let misfit = |finding| match finding {
        Finding::Mismatch(text) => Some(text),
        Finding::Fits(_) | Finding::Note(_) => None,
    };
    findings.into_iter().flatten().filter_map(misfit).collect()
}

impl Assembler {
    /// Makes an assembler for a run with these settings. `registry` is `None` where records have no schema.
    pub fn new(engine: PluginEngine, settings: Settings, registry: Option<Registry>, sinks: Sinks) -> Self {
        Self {
            engine,
            settings,
            registry,
            sinks,
            seen: Mutex::default(),
        }
    }

    /// Why the plugin does not fit the topic's schema.
    async fn schema_misfits(&self, descriptor: &Descriptor) -> Vec<String> {
        let fits = |seen: &Seen| seen.at.elapsed() < FRESH && misfits(seen.schema.as_ref(), descriptor).is_empty();
        if self.seen().as_ref().is_some_and(fits) {
            return Vec::new();
        }
        match value_schema(&self.settings, self.registry.as_ref()).await {
            Ok(schema) => {
                let misfits = misfits(schema.as_ref(), descriptor);
                let at = Instant::now();
                *self.seen() = Some(Seen { at, schema });
                misfits
            }
            Err(failure) => vec![failure.to_string()],
        }
    }

    fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock()
    }

    async fn version(&self, candidate: Candidate, warm: Vec<Arc<Version>>) -> Result<Version, Vec<String>> {
        let (engine, setting) = (self.engine.clone(), self.settings.plugin.clone());
        let loading = aside::run(move || {
            let Candidate { bytes, signature } = candidate;
            trust::check(&setting, &bytes, || Ok(signature)).map_err(|error| vec![chain(&error)])?;
            let digest = Digest(Sha256::digest(&bytes).into());
            if let Some(same) = warm.iter().find(|version| version.digest() == digest) {
                return Ok(Arc::clone(&same.plugin));
            }
            Plugin::load_aside(&engine, &bytes, &setting.settings, setting.limits)
                .map(Arc::new)
                .map_err(|error| vec![chain(&error)])
        });
        let plugin = loading.await.map_err(|error| vec![error])??;
        let mut reasons = self.schema_misfits(plugin.descriptor()).await;
        let sink = match self.sinks.for_another(&self.settings, plugin.descriptor()).await {
            Ok(sink) => Some(sink),
            Err(reason) => {
                reasons.push(reason);
                None
            }
        };
        match sink {
            Some(sink) if reasons.is_empty() => Ok(Version {
                decoder: decoder(&plugin, self.registry.as_ref()),
                plugin,
                sink,
            }),
            _ => Err(reasons),
        }
    }
}

impl Assemble for Assembler {
    fn assemble(&self, candidate: Candidate, warm: Vec<Arc<Version>>) -> BoxFuture<'_, Result<Version, Vec<String>>> {
        Box::pin(self.version(candidate, warm))
    }

    fn sample(&self) -> BoxFuture<'_, Vec<Vec<Record>>> {
        self.settings.from.sample(&self.settings)
    }
}

#[cfg(test)]
mod tests;
