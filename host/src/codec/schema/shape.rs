//! The shapes of types: how their values are encoded.

use std::sync::Arc;

use serde_json::Value as Json;

/// The most digits of a decimal after its point. More could fill the memory on purpose.
pub const MAX_SCALE: i64 = 1_000;

/// Bytes of a UUID that is a fixed.
pub const UUID_BYTES: usize = 16;

/// Bytes of a duration: months, days and milliseconds.
pub const DURATION_BYTES: usize = 12;

/// A type with its name resolved.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed {
        bytes: usize,
    },
    Enum(Arc<[String]>),
    Decimal {
        scale: i64,
        /// `None` if the length is encoded before the digits.
        bytes: Option<usize>,
    },
    /// A decimal that carries its own scale.
    BigDecimal,
    Uuid(UuidForm),
    Date,
    /// Encoded as an int.
    TimeMillis,
    /// Encoded as a long.
    TimeMicros,
    /// Encoded as a long.
    Timestamp {
        units_a_millisecond: i64,
    },
    Duration,
    Array(Box<Shape>),
    Map(Box<Shape>),
    Union(Vec<Shape>),
    /// A place among the schema's records, since types may contain themselves.
    Record(usize),
}

/// How a UUID is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UuidForm {
    Text,
    Bytes,
    Fixed,
}

/// A record type.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordShape {
    /// The name with its namespace.
    pub name: String,
    pub fields: Vec<Field>,
    pub(super) takes_no_bytes: bool,
}

/// A field of a record type.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub aliases: Vec<String>,
    /// The default as it is written. It need not be of the field's type.
    pub default: Option<Json>,
    pub shape: Shape,
}

impl RecordShape {
    /// The place of the field with this name, or else of the first field with this alias.
    pub fn place(&self, name: &str) -> Option<usize> {
        let has_alias = |field: &Field| field.aliases.iter().any(|alias| alias == name);
        let by_name = self.fields.iter().position(|field| field.name == name);
        by_name.or_else(|| self.fields.iter().position(has_alias))
    }
}

impl Shape {
    pub(super) fn takes_no_bytes(&self, records: &[RecordShape]) -> bool {
        match self {
            Self::Null | Self::Fixed { bytes: 0 } => true,
            Self::Record(index) => records.get(*index).is_some_and(|record| record.takes_no_bytes),
            _ => false,
        }
    }

    /// The name of the type in a schema, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Fixed { .. } => "fixed",
            Self::Enum(_) => "enum",
            Self::Decimal { .. } => "decimal",
            Self::BigDecimal => "big-decimal",
            Self::Uuid(_) => "uuid",
            Self::Date => "date",
            Self::TimeMillis => "time-millis",
            Self::TimeMicros => "time-micros",
            Self::Timestamp { .. } => "timestamp",
            Self::Duration => "duration",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(_) => "record",
        }
    }
}
