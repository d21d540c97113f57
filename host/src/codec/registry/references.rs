//! Fetches the schemas that a schema refers to, directly or not, each once.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use schema_registry_converter::schema_registry_common::{RawRegisteredSchema, RegisteredReference, SrCall};

use super::{Registry, RegistryError, in_path, no_schema};
use crate::codec::schema::{Document, Reference, Schema, SchemaError};

/// The most schemas that one schema may refer to, directly or not: far more than people write, and few enough to fetch
/// while records wait.
const MAX_SCHEMAS: usize = 200;

/// The most MiB that their texts may have together. They are held in memory while they are read.
const MAX_MIB: usize = 16;

/// A reference to a schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReferenceTo {
    /// The reference's name, nearly always that of the type.
    pub name: String,
    pub subject: String,
    pub version: u32,
}

/// The references in a registry's answer.
pub fn of(references: Option<Vec<RegisteredReference>>) -> Vec<ReferenceTo> {
    let reference = |reference: RegisteredReference| ReferenceTo {
        name: reference.name,
        subject: reference.subject,
        version: reference.version,
    };
    references.unwrap_or_default().into_iter().map(reference).collect()
}

/// The schemas that are being fetched for one schema.
struct Fetching<'r> {
    registry: &'r Registry,
    /// The schema that records name.
    id: u32,
    /// By subject and version. `None` while the schemas that it refers to are being fetched.
    known: HashMap<(String, u32), Option<Arc<Document>>>,
    bytes: usize,
}

impl Registry {
    /// Reads a schema's text with all schemas that it refers to.
    pub(super) async fn read_as(
        &self,
        id: u32,
        kind: Option<String>,
        text: &str,
        references: Vec<ReferenceTo>,
    ) -> Result<Arc<Schema>, RegistryError> {
        let mut fetching = Fetching {
            registry: self,
            id,
            known: HashMap::new(),
            bytes: 0,
        };
        let document = fetching.document(kind, text, references).await?;
        let schema = Schema::read(&document);
        Ok(Arc::new(schema.map_err(|cause| RegistryError::NotAvro { id, cause })?))
    }
}

impl Fetching<'_> {
    fn document<'a>(
        &'a mut self,
        kind: Option<String>,
        text: &'a str,
        references: Vec<ReferenceTo>,
    ) -> BoxFuture<'a, Result<Document, RegistryError>> {
        async move {
            if let Some(kind) = kind.filter(|kind| kind != "AVRO") {
                return Err(self.not_avro(SchemaError::Kind { kind }));
            }
            self.bytes += text.len();
            let mut documents = Vec::with_capacity(references.len());
            for reference in references {
                let document = self.referred(&reference).await?;
                documents.push(Reference {
                    name: reference.name,
                    document,
                });
            }
            Document::new(text, documents).map_err(|cause| self.not_avro(cause))
        }
        .boxed()
    }

    async fn referred(&mut self, reference: &ReferenceTo) -> Result<Arc<Document>, RegistryError> {
        let ReferenceTo { subject, version, .. } = reference;
        let key = (subject.clone(), *version);
        match self.known.get(&key) {
            Some(Some(document)) => return Ok(Arc::clone(document)),
            Some(None) => {
                return Err(self.not_avro(SchemaError::Circle {
                    subject: subject.clone(),
                    version: *version,
                }));
            }
            None => {}
        }
        if self.known.len() >= MAX_SCHEMAS || self.bytes > MAX_MIB << 20 {
            return Err(self.not_avro(SchemaError::TooMany {
                schemas: MAX_SCHEMAS,
                mib: MAX_MIB,
            }));
        }
        self.known.insert(key.clone(), None);
        let raw = self.fetched(reference).await?;
        let text = raw.schema.unwrap_or_default();
        let document = self.document(raw.schema_type, &text, of(raw.references)).await;
        let document = Arc::new(document.map_err(|error| under(reference, error))?);
        self.known.insert(key, Some(Arc::clone(&document)));
        Ok(document)
    }

    async fn fetched(&self, reference: &ReferenceTo) -> Result<RawRegisteredSchema, RegistryError> {
        let subject = in_path(&reference.subject);
        let call = SrCall::GetBySubjectAndVersion(&subject, reference.version);
        let said = match self.registry.ask(call).await {
            Ok(raw) if raw.schema.is_some() => return Ok(raw),
            Ok(_) => no_schema(),
            Err(said) => said,
        };
        Err(match self.registry.about_id(self.id, said).await {
            RegistryError::UnknownId { id } => RegistryError::UnknownReference {
                id,
                subject: reference.subject.clone(),
                version: reference.version,
            },
            other => other,
        })
    }

    fn not_avro(&self, cause: SchemaError) -> RegistryError {
        RegistryError::NotAvro { id: self.id, cause }
    }
}

/// Adds to the error which of the schemas cannot be read.
fn under(reference: &ReferenceTo, error: RegistryError) -> RegistryError {
    match error {
        RegistryError::NotAvro {
            id,
            cause: cause @ (SchemaError::Json(_) | SchemaError::Kind { .. }),
        } => RegistryError::NotAvro {
            id,
            cause: SchemaError::Reference {
                subject: reference.subject.clone(),
                version: reference.version,
                cause: Box::new(cause),
            },
        },
        other => other,
    }
}
