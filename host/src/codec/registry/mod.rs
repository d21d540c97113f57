//! Fetches Avro schemas, with the schemas that they refer to, from a Confluent-compatible schema registry,
//! and keeps them.
//!
//! Only successes are kept: an id that is unknown now may be registered a moment later, and a registry that is down
//! comes back. The decoder and the pipeline decide whether and when to ask again. `error` says what an answer means,
//! and `references` fetches the schemas that a schema refers to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use schema_registry_converter::async_impl::schema_registry::{SrSettings, perform_sr_call};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{RawRegisteredSchema, SrCall};

use super::schema::Schema;
use crate::connection::RegistryConnection;
use error::Said;
pub use error::{RegistryCause, RegistryError};
pub use references::ReferenceTo;

mod error;
mod references;

/// How long one request may take: long enough for a registry that is starting, short enough that a record does not wait
/// minutes for a connection that hangs.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A subject that no registry has. The answer to a request for it tells a registry from any other web server.
const NO_SUBJECT: &str = "host-asks-whether-this-is-a-schema-registry";

/// A schema registry; clones share the schemas.
#[derive(Clone)]
pub struct Registry {
    /// One for each URL, in the order in which they are asked.
    addresses: Arc<[SrSettings]>,
    /// The URLs without credentials, for messages.
    url: Arc<str>,
    schemas: Arc<Mutex<HashMap<u32, Arc<Schema>>>>,
}

/// A schema as the registry keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSchema {
    pub id: u32,
    pub subject: String,
    /// `None` after a registration, since the registry's answer lacks it.
    pub version: Option<u32>,
    pub schema: String,
    /// `None` means Avro.
    pub kind: Option<String>,
    pub references: Vec<ReferenceTo>,
}

impl Registry {
    /// Prepares the client without sending anything. Several URLs, comma separated, are tried in turn.
    pub fn new(connection: &RegistryConnection) -> Result<Self, RegistryError> {
        let mut addresses = Vec::new();
        let mut shown = Vec::new();
        for url in connection.url.split(',').map(str::trim) {
            let has_host = |rest: &str| !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']);
            let scheme = ["http://", "https://"]
                .into_iter()
                .find_map(|scheme| url.strip_prefix(scheme));
            let url_shown = without_credentials(url.trim_end_matches('/'));
            if !scheme.is_some_and(has_host) {
                return Err(RegistryError::BadUrl { url: url_shown });
            }
            let mut builder = SrSettings::new_builder(url.trim_end_matches('/').to_owned());
            if let Some(login) = &connection.auth {
                builder.set_basic_authorization(&login.user, Some(login.password.reveal()));
            }
            let settings = builder.set_timeout(REQUEST_TIMEOUT).build();
            addresses.push(settings.map_err(|error| RegistryError::Unreachable {
                url: url_shown.clone(),
                cause: error.into(),
            })?);
            shown.push(url_shown);
        }
        Ok(Self {
            addresses: addresses.into(),
            url: shown.join(", ").into(),
            schemas: Arc::default(),
        })
    }

    /// The schema with this id, with the schemas that it refers to.
    pub async fn by_id(&self, id: u32) -> Result<Arc<Schema>, RegistryError> {
        // Ids are Java ints. A greater number comes from bytes that are not an id, and registries answer it in
        // different ways.
        if i32::try_from(id).is_err() {
            return Err(RegistryError::UnknownId { id });
        }
        if let Some(schema) = self.kept().get(&id) {
            return Ok(Arc::clone(schema));
        }
        let raw = match self.ask(SrCall::GetById(id)).await {
            Ok(raw) => raw,
            Err(said) => return Err(self.about_id(id, said).await),
        };
        let Some(text) = raw.schema.clone() else {
            return Err(self.about_id(id, no_schema()).await);
        };
        let schema = self
            .read_as(id, raw.schema_type, &text, references::of(raw.references))
            .await?;
        self.kept().insert(id, Arc::clone(&schema));
        Ok(schema)
    }

    /// The latest schema of a subject, or `None` if there is no such subject.
    pub async fn latest(&self, subject: &str) -> Result<Option<RegisteredSchema>, RegistryError> {
        match self.ask(SrCall::GetLatest(&in_path(subject))).await {
            Ok(RawRegisteredSchema {
                id: Some(id),
                schema: Some(schema),
                version,
                schema_type,
                references,
                ..
            }) => Ok(Some(RegisteredSchema {
                id,
                subject: subject.to_owned(),
                version,
                schema,
                kind: schema_type,
                references: references::of(references),
            })),
            Ok(_) => Err(self.about_subject(no_schema())),
            Err(Said::NotFound) => Ok(None),
            Err(said) => Err(self.about_subject(said)),
        }
    }

    /// Reads a registered schema as [`Self::by_id`] does.
    pub async fn read(&self, registered: &RegisteredSchema) -> Result<Arc<Schema>, RegistryError> {
        let RegisteredSchema { id, schema, kind, .. } = registered;
        let references = registered.references.clone();
        self.read_as(*id, kind.clone(), schema, references).await
    }

    /// Registers the schema under the subject. A schema that is registered already keeps its id.
    pub async fn register(&self, subject: &str, schema: &str) -> Result<RegisteredSchema, RegistryError> {
        let body = serde_json::json!({"schema": schema, "schemaType": "AVRO"}).to_string();
        let registered = self.ask(SrCall::PostNew(&in_path(subject), &body)).await;
        let registered = registered.map_err(|said| self.about_subject(said))?;
        Ok(RegisteredSchema {
            id: registered.id.ok_or_else(|| self.about_subject(no_schema()))?,
            subject: subject.to_owned(),
            version: registered.version,
            schema: schema.to_owned(),
            kind: None,
            references: Vec::new(),
        })
    }

    /// Asks one address after the other until one has the answer. If none has it, returns the error that tells most.
    async fn ask(&self, call: SrCall<'_>) -> Result<RawRegisteredSchema, Said> {
        let mut said: Option<Said> = None;
        for address in &*self.addresses {
            match perform_sr_call(address, call).await {
                Ok(raw) => return Ok(raw),
                Err(error) => {
                    let next = Said::of(error);
                    if said.as_ref().is_none_or(|said| next.rank() > said.rank()) {
                        said = Some(next);
                    }
                }
            }
        }
        Err(said.unwrap_or_else(no_schema))
    }

    /// What an answer without a schema means for this id, or for an id that it refers to.
    async fn about_id(&self, id: u32, said: Said) -> RegistryError {
        match said {
            Said::NotFound => RegistryError::UnknownId { id },
            Said::Refusal(cause) => RegistryError::Refused {
                message: format!("schema {id}: {}", cause.message()),
            },
            Said::Unclear(cause) => match self.ask(SrCall::GetLatest(NO_SUBJECT)).await {
                // The server is a registry, so that was its answer about this id.
                Ok(_) | Err(Said::NotFound | Said::Refusal(_)) if cause.status() == Some(404) => {
                    RegistryError::UnknownId { id }
                }
                Ok(_) | Err(Said::NotFound | Said::Refusal(_)) => RegistryError::Refused {
                    message: format!("schema {id}: {}", cause.message()),
                },
                Err(Said::Login(cause)) => self.login(cause),
                Err(Said::Outage(cause)) => self.unreachable(cause),
                Err(Said::Unclear(_)) => self.unreachable(cause),
            },
            Said::Login(cause) => self.login(cause),
            Said::Outage(cause) => self.unreachable(cause),
        }
    }

    fn about_subject(&self, said: Said) -> RegistryError {
        match said {
            Said::NotFound => RegistryError::Refused {
                message: "there is no such subject".to_owned(),
            },
            Said::Refusal(cause) => RegistryError::Refused {
                message: cause.message(),
            },
            Said::Unclear(cause) if cause.code() != 0 && !matches!(cause.status(), Some(404 | 405)) => {
                RegistryError::Refused {
                    message: cause.message(),
                }
            }
            Said::Login(cause) => self.login(cause),
            // A 404 of another kind means that the path in the URL is wrong, or that the server is not a registry.
            Said::Unclear(cause) | Said::Outage(cause) => self.unreachable(cause),
        }
    }

    fn login(&self, cause: RegistryCause) -> RegistryError {
        RegistryError::Login {
            url: self.url.to_string(),
            cause,
        }
    }

    fn unreachable(&self, cause: RegistryCause) -> RegistryError {
        RegistryError::Unreachable {
            url: self.url.to_string(),
            cause,
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<u32, Arc<Schema>>> {
        self.schemas.lock()
    }
}

/// The answer is JSON but lacks the schema that was asked for.
fn no_schema() -> Said {
    Said::Unclear(SRCError::non_retryable_without_cause("the answer has no schema").into())
}

/// The subject, escaped as a part of a URL's path.
fn in_path(subject: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let part = |byte: u8| match Some(byte).filter(plain) {
        Some(byte) => char::from(byte).to_string(),
        None => format!("%{byte:02X}"),
    };
    subject.bytes().map(part).collect()
}

fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.rsplit('@').next().unwrap_or_default().to_owned();
    };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host_start = rest[..authority_end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[host_start..])
}

#[cfg(test)]
mod tests;
