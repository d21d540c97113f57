//! Reads an Avro schema as far as its records need it: the order of types, and the names of fields and symbols.
//!
//! Nothing else is checked. Names may have any characters, and defaults, docs and attributes any content, because the
//! bytes of a record do not depend on them. `scope` finds a type by its name, in the schema and in those that it refers
//! to. `expand` makes shapes of the text. Decision 0025 has the reasons.
//!
//! <https://avro.apache.org/docs/1.12.0/specification/>

use std::sync::Arc;

use serde_json::Value as Json;

use expand::Expansion;
pub use shape::{DURATION_BYTES, Field, MAX_SCALE, RecordShape, Shape, UUID_BYTES, UuidForm};

mod expand;
mod scope;
mod shape;

/// A schema's text, and the schemas that it refers to.
#[derive(Debug)]
pub struct Document {
    json: Json,
    references: Vec<Reference>,
}

/// A schema that another one refers to.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The reference's name in the registry, nearly always that of the type.
    pub name: String,
    pub document: Arc<Document>,
}

/// A schema with all names of types resolved.
#[derive(Debug, Clone)]
pub struct Schema {
    root: Shape,
    records: Vec<RecordShape>,
}

/// Why a schema does not tell how its records are encoded.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("its text is not JSON")]
    Json(#[source] serde_json::Error),
    #[error("it is of the kind {kind}")]
    Kind { kind: String },
    #[error("there is no type {name}, neither in it nor in the schemas that it refers to ({references})")]
    NoType { name: String, references: usize },
    #[error("{text} is not a type")]
    NotAType { text: String },
    #[error("{kind} lacks its {part}")]
    Lacks { kind: String, part: &'static str },
    #[error("field {field} of {record}")]
    Field {
        field: String,
        record: String,
        #[source]
        cause: Box<SchemaError>,
    },
    #[error("it refers to subject {subject} version {version}")]
    Reference {
        subject: String,
        version: u32,
        #[source]
        cause: Box<SchemaError>,
    },
    #[error("it refers to subject {subject} version {version}, which refers back to itself")]
    Circle { subject: String, version: u32 },
    #[error("it refers to more than {schemas} schemas, or to more than {mib} MiB of them")]
    TooMany { schemas: usize, mib: usize },
}

impl Document {
    /// Parses the text as JSON. Its types are not looked at yet.
    pub fn new(text: &str, references: Vec<Reference>) -> Result<Self, SchemaError> {
        let json = serde_json::from_str(text).map_err(SchemaError::Json)?;
        Ok(Self { json, references })
    }
}

impl Schema {
    /// Reads the text of a schema that refers to no other.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        Self::read(&Document::new(text, Vec::new())?)
    }

    /// Reads a schema with the schemas that it refers to.
    pub fn read(document: &Document) -> Result<Self, SchemaError> {
        let (root, records) = Expansion::of(document)?;
        Ok(Self { root, records })
    }

    /// The shape of a value of this schema.
    pub fn root(&self) -> &Shape {
        &self.root
    }

    /// The record at this place, as [`Shape::Record`] names it.
    pub fn record(&self, index: usize) -> Option<&RecordShape> {
        self.records.get(index)
    }

    /// Whether values of this shape take no bytes. A few bytes could then claim any number of them.
    pub fn takes_no_bytes(&self, shape: &Shape) -> bool {
        shape.takes_no_bytes(&self.records)
    }
}

#[cfg(test)]
mod tests;
