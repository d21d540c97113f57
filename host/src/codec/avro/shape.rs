//! A schema as reading needs it: what the bytes of each type are, and that reading is safe.
//!
//! apache-avro reads recursively and reserves what the bytes claim. Three kinds of schema would let a few bytes exhaust
//! the stack or the memory, so they are refused: types that contain themselves, arrays of items that take no bytes, and
//! fixeds of a size that no record has.

use apache_avro::Schema;
use apache_avro::schema::{DecimalSchema, InnerDecimalSchema, Name, NamesRef, ResolvedSchema, UuidSchema};

use super::MAX_ALLOCATION_BYTES;

/// How deep types may nest: far more than people write, far less than a thread's stack holds.
const MAX_DEPTH: usize = 64;

/// How many types a schema may have with every reference put in: references to references double quickly.
const MAX_TYPES: usize = 10_000;

/// Digits of a decimal after its point: more could be meant to fill the memory.
pub const MAX_SCALE: i64 = 1_000;

/// The bytes of a uuid that is a fixed.
pub const UUID_BYTES: usize = 16;

/// The bytes of a duration: months, days and milliseconds.
pub const DURATION_BYTES: usize = 12;

/// A schema with its references put in.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Null,
    Boolean,
    /// An int, which may be a time.
    Int,
    /// A long, which may be a time.
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed {
        bytes: usize,
    },
    Enum(Vec<String>),
    Decimal {
        scale: i64,
        /// `None` if the length stands before the digits.
        bytes: Option<usize>,
    },
    Uuid(UuidForm),
    Date,
    /// A long.
    Timestamp {
        units_a_millisecond: i64,
    },
    Duration,
    Array(Box<Shape>),
    Map(Box<Shape>),
    Union(Vec<Shape>),
    Record(Vec<Shape>),
    /// What apache-avro reads, if it does: a big decimal, and types of a size that they cannot have.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UuidForm {
    Text,
    Bytes,
    Fixed,
}

struct Expansion<'s> {
    names: &'s NamesRef<'s>,
    open: Vec<Name>,
    types: usize,
}

/// The shapes of the record's fields, or why it cannot be read, to follow "schema 7".
pub fn of_record(schema: &Schema) -> Result<Vec<Shape>, String> {
    let resolved = ResolvedSchema::try_from(schema).map_err(|error| format!("cannot be used: {error}"))?;
    let mut expansion = Expansion {
        names: resolved.get_names(),
        open: Vec::new(),
        types: 0,
    };
    match expansion.expand(schema, None, 0)? {
        Shape::Record(shapes) => Ok(shapes),
        _ => Err(format!(
            "is no record but {:?}",
            apache_avro::schema::SchemaKind::from(schema)
        )),
    }
}

impl Expansion<'_> {
    fn expand(&mut self, schema: &Schema, namespace: Option<&str>, depth: usize) -> Result<Shape, String> {
        self.types += 1;
        if depth > MAX_DEPTH || self.types > MAX_TYPES {
            return Err(format!(
                "nests deeper than {MAX_DEPTH} or has more than {MAX_TYPES} types"
            ));
        }
        Ok(match schema {
            Schema::Array(array) => {
                let items = self.expand(&array.items, namespace, depth + 1)?;
                if items.takes_no_bytes() {
                    return Err("has an array of items that take no bytes, which could be of any length".to_owned());
                }
                Shape::Array(Box::new(items))
            }
            Schema::Map(map) => Shape::Map(Box::new(self.expand(&map.types, namespace, depth + 1)?)),
            Schema::Union(union) => {
                let branches = union.variants().iter();
                Shape::Union(
                    branches
                        .map(|branch| self.expand(branch, namespace, depth + 1))
                        .collect::<Result<_, _>>()?,
                )
            }
            Schema::Record(record) => {
                let name = record.name.fully_qualified_name(namespace).into_owned();
                if self.open.contains(&name) {
                    return Err(format!(
                        "is recursive: {} contains itself, which is not supported",
                        name.name()
                    ));
                }
                self.open.push(name.clone());
                let field =
                    |field: &apache_avro::schema::RecordField| self.expand(&field.schema, name.namespace(), depth + 1);
                let fields = record.fields.iter().map(field).collect::<Result<_, _>>()?;
                self.open.pop();
                Shape::Record(fields)
            }
            Schema::Ref { name } => {
                let name = name.fully_qualified_name(namespace);
                let target: &Schema = self
                    .names
                    .get(&*name)
                    .ok_or_else(|| format!("lacks the type {}", name.name()))?;
                self.expand(target, name.namespace(), depth + 1)?
            }
            leaf => self::leaf(leaf)?,
        })
    }
}

fn leaf(schema: &Schema) -> Result<Shape, String> {
    if fixed_bytes(schema) > MAX_ALLOCATION_BYTES {
        return Err(format!("has a fixed of over {} MiB", MAX_ALLOCATION_BYTES >> 20));
    }
    Ok(match schema {
        Schema::Null => Shape::Null,
        Schema::Boolean => Shape::Boolean,
        Schema::Int | Schema::TimeMillis => Shape::Int,
        Schema::Long | Schema::TimeMicros => Shape::Long,
        Schema::Float => Shape::Float,
        Schema::Double => Shape::Double,
        Schema::Bytes => Shape::Bytes,
        Schema::String => Shape::String,
        Schema::Fixed(fixed) => Shape::Fixed { bytes: fixed.size },
        Schema::Enum(symbols) => Shape::Enum(symbols.symbols.clone()),
        Schema::Decimal(decimal) => self::decimal(decimal)?,
        Schema::Uuid(UuidSchema::String) => Shape::Uuid(UuidForm::Text),
        Schema::Uuid(UuidSchema::Bytes) => Shape::Uuid(UuidForm::Bytes),
        Schema::Uuid(UuidSchema::Fixed(fixed)) if fixed.size == UUID_BYTES => Shape::Uuid(UuidForm::Fixed),
        Schema::Date => Shape::Date,
        Schema::TimestampMillis | Schema::LocalTimestampMillis => Shape::Timestamp { units_a_millisecond: 1 },
        Schema::TimestampMicros | Schema::LocalTimestampMicros => Shape::Timestamp {
            units_a_millisecond: 1_000,
        },
        Schema::TimestampNanos | Schema::LocalTimestampNanos => Shape::Timestamp {
            units_a_millisecond: 1_000_000,
        },
        Schema::Duration(fixed) if fixed.size == DURATION_BYTES => Shape::Duration,
        _ => Shape::Other,
    })
}

/// What apache-avro reserves for a fixed before it reads one.
fn fixed_bytes(schema: &Schema) -> usize {
    match schema {
        Schema::Fixed(fixed) | Schema::Duration(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => fixed.size,
        Schema::Decimal(decimal) => match &decimal.inner {
            InnerDecimalSchema::Fixed(fixed) => fixed.size,
            InnerDecimalSchema::Bytes => 0,
        },
        _ => 0,
    }
}

fn decimal(decimal: &DecimalSchema) -> Result<Shape, String> {
    let scale = i64::try_from(decimal.scale).ok().filter(|scale| *scale <= MAX_SCALE);
    let scale = scale.ok_or_else(|| format!("has a decimal of a scale over {MAX_SCALE}"))?;
    let bytes = match &decimal.inner {
        InnerDecimalSchema::Bytes => None,
        InnerDecimalSchema::Fixed(fixed) => Some(fixed.size),
    };
    Ok(Shape::Decimal { scale, bytes })
}

impl Shape {
    fn takes_no_bytes(&self) -> bool {
        match self {
            Self::Null | Self::Fixed { bytes: 0 } => true,
            Self::Record(fields) => fields.iter().all(Self::takes_no_bytes),
            _ => false,
        }
    }
}
