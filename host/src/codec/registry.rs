//! Avro schemas from a Confluent-compatible schema registry, kept once fetched.
//!
//! Only successes are kept: an id that is unknown now may be registered a moment later, and a registry that is down
//! comes back. Whether and when to ask again is the pipeline's decision.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apache_avro::Schema;
use schema_registry_converter::async_impl::avro::get_avro_schema;
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_schema_by_id, get_schema_by_subject_and_version, post_schema,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{RawError, SchemaType, SuppliedSchema};

use crate::connection::RegistryConnection;

/// How long one request may take: long enough for a registry that starts up, short enough that a record does not wait
/// for minutes on a connection that hangs.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Confluent's error codes for "not found", which tell a registry's own 404 from that of any other web server.
/// <https://docs.confluent.io/platform/current/schema-registry/develop/api.html>
const SUBJECT_NOT_FOUND: u32 = 40401;
const VERSION_NOT_FOUND: u32 = 40402;
const SCHEMA_NOT_FOUND: u32 = 40403;

/// A schema registry; clones share the schemas.
#[derive(Clone)]
pub struct Registry {
    settings: SrSettings,
    /// For people: without credentials.
    url: Arc<str>,
    schemas: Arc<Mutex<HashMap<u32, Arc<Schema>>>>,
}

/// A schema as the registry keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSchema {
    pub id: u32,
    pub subject: String,
    /// The registry does not tell it in answer to a registration.
    pub version: Option<u32>,
    pub schema: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the schema registry's address {url} is not an http:// or https:// URL")]
    BadUrl { url: String },
    /// No answer, an answer that says the registry is in trouble, or one that no registry gives.
    #[error(
        "the schema registry at {url} does not answer as one (`make up` starts one here; SCHEMA_REGISTRY_URL names another, with its path)"
    )]
    Unreachable {
        url: String,
        #[source]
        cause: Cause,
    },
    #[error("the schema registry at {url} does not accept the login")]
    Login {
        url: String,
        #[source]
        cause: Cause,
    },
    #[error("the schema registry knows no schema with id {id}")]
    UnknownId { id: u32 },
    #[error("schema {id} cannot be read as Avro")]
    NotAvro {
        id: u32,
        #[source]
        cause: Cause,
    },
    /// The registry's own words, such as why a schema is incompatible.
    #[error("the schema registry refuses: {message}")]
    Refused { message: String },
}

/// What the library says, in words fit for a chain of causes: its own `Display` repeats its source.
#[derive(Debug)]
pub struct Cause(SRCError);

impl Registry {
    /// Prepares the client; nothing is sent yet. Several URLs, comma separated, are tried in turn.
    pub fn new(connection: &RegistryConnection) -> Result<Self, RegistryError> {
        let mut urls = Vec::new();
        for url in connection.url.split(',').map(str::trim) {
            let has_host = |rest: &str| !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']);
            let scheme = ["http://", "https://"]
                .into_iter()
                .find_map(|scheme| url.strip_prefix(scheme));
            if !scheme.is_some_and(has_host) {
                return Err(RegistryError::BadUrl {
                    url: without_credentials(url),
                });
            }
            urls.push(url.trim_end_matches('/').to_owned());
        }
        let shown: Vec<_> = urls.iter().map(|url| without_credentials(url)).collect();
        let shown = shown.join(", ");
        let mut urls = urls.into_iter();
        let mut builder = SrSettings::new_builder(urls.next().unwrap_or_default());
        for url in urls {
            builder.add_url(url);
        }
        if let Some(login) = &connection.auth {
            builder.set_basic_authorization(&login.user, Some(login.password.reveal()));
        }
        let settings = builder
            .set_timeout(REQUEST_TIMEOUT)
            .build()
            .map_err(|error| RegistryError::Unreachable {
                url: shown.clone(),
                cause: Cause(error),
            })?;
        Ok(Self {
            settings,
            url: shown.into(),
            schemas: Arc::default(),
        })
    }

    /// The schema with this id, the schemas that it refers to put in.
    pub async fn by_id(&self, id: u32) -> Result<Arc<Schema>, RegistryError> {
        if let Some(schema) = self.kept().get(&id) {
            return Ok(schema.clone());
        }
        let registered = get_schema_by_id(id, &self.settings)
            .await
            .map_err(|error| self.error(error, Some(id)))?;
        let avro = get_avro_schema(&self.settings, registered)
            .await
            .map_err(|error| self.error(error, Some(id)))?;
        let schema = Arc::new(avro.parsed.clone());
        self.kept().insert(id, schema.clone());
        Ok(schema)
    }

    /// The latest schema of a subject; `None` where there is no such subject.
    pub async fn latest(&self, subject: &str) -> Result<Option<RegisteredSchema>, RegistryError> {
        match get_schema_by_subject_and_version(&self.settings, subject, None).await {
            Ok(found) => Ok(Some(RegisteredSchema {
                id: found.id,
                subject: subject.to_owned(),
                version: found.version,
                schema: found.schema,
            })),
            Err(error) if matches!(error_code(&error), Some(SUBJECT_NOT_FOUND | VERSION_NOT_FOUND)) => Ok(None),
            Err(error) => Err(self.error(error, None)),
        }
    }

    /// Registers the schema under the subject; one that is there already keeps its id.
    pub async fn register(&self, subject: &str, schema: &str) -> Result<RegisteredSchema, RegistryError> {
        let supplied = SuppliedSchema::new(None, SchemaType::Avro, schema.to_owned());
        let registered = post_schema(&self.settings, subject.to_owned(), supplied)
            .await
            .map_err(|error| self.error(error, None))?;
        Ok(RegisteredSchema {
            id: registered.id,
            subject: subject.to_owned(),
            version: registered.version,
            schema: schema.to_owned(),
        })
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Arc<Schema>>> {
        self.schemas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sorts what the library says. It gives the HTTP status in its text only.
    fn error(&self, error: SRCError, id: Option<u32>) -> RegistryError {
        let error = innermost(error);
        let unreachable = |error| RegistryError::Unreachable {
            url: self.url.to_string(),
            cause: Cause(error),
        };
        match (status(&error), error_code(&error), id) {
            (Some(401 | 403), _, _) => RegistryError::Login {
                url: self.url.to_string(),
                cause: Cause(error),
            },
            (Some(404), Some(SCHEMA_NOT_FOUND), Some(id)) => RegistryError::UnknownId { id },
            // A schema that this one refers to was deleted: no record of it can be read any more.
            (Some(404), Some(SUBJECT_NOT_FOUND | VERSION_NOT_FOUND), Some(id)) => RegistryError::Refused {
                message: format!("schema {id} refers to a schema that is not there: {}", message(&error)),
            },
            // A 404 of some other kind: the path in the URL is wrong, or it is no registry at all. Not the record's fault.
            (Some(404 | 405 | 408 | 429 | 500..), _, _) => unreachable(error),
            (Some(_), Some(code), _) if code > 0 => RegistryError::Refused {
                message: message(&error),
            },
            // An answer that the library could not make sense of, and that a registry may give.
            (None, _, Some(id)) if !error.retriable && !is_answer_of_no_registry(&error) => RegistryError::NotAvro {
                id,
                cause: Cause(error),
            },
            // No answer at all, or one that no registry gives.
            (Some(_) | None, _, _) => unreachable(error),
        }
    }
}

/// The library wraps an error under a schema reference into one that hides its kind.
fn innermost(error: SRCError) -> SRCError {
    let inner = error.source().and_then(|source| source.downcast_ref::<SRCError>());
    match inner.cloned() {
        Some(inner) => innermost(inner),
        None => error,
    }
}

fn status(error: &SRCError) -> Option<u16> {
    let after = error.error.split_once("failed with status ")?.1;
    after.split(' ').next()?.parse().ok()
}

fn raw(error: &SRCError) -> Option<&RawError> {
    error.source()?.downcast_ref()
}

fn error_code(error: &SRCError) -> Option<u32> {
    raw(error).map(|raw| raw.error_code)
}

fn message(error: &SRCError) -> String {
    raw(error).map_or_else(|| error.error.clone(), |raw| raw.message.clone())
}

/// Success by its status, but not the JSON that a registry sends.
fn is_answer_of_no_registry(error: &SRCError) -> bool {
    error.error.starts_with("could not parse to RawRegisteredSchema") || error.error.starts_with("Could not get")
}

fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.rsplit('@').next().unwrap_or_default().to_owned();
    };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host_start = rest[..authority_end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[host_start..])
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.error)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests;
