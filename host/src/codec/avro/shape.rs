//! What of a schema is needed beside the values: the scale of decimals, and that reading is safe.
//!
//! apache-avro reads recursively and reserves what the bytes claim. Two kinds of schema would let a few bytes exhaust
//! the stack or the memory, so they are refused: types that contain themselves, and arrays of items that take no bytes.

use apache_avro::Schema;
use apache_avro::schema::{Name, NamesRef, ResolvedSchema};

/// How deep types may nest: far more than people write, far less than a thread's stack holds.
const MAX_DEPTH: usize = 64;

/// How many types a schema may have with every reference put in: references to references double quickly.
const MAX_TYPES: usize = 10_000;

/// Digits of a decimal after its point: more could be meant to fill the memory.
pub const MAX_SCALE: i64 = 1_000;

/// A schema with its references put in.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Takes no bytes.
    Nothing,
    Leaf,
    Decimal {
        scale: i64,
    },
    Array(Box<Shape>),
    Map(Box<Shape>),
    Union(Vec<Shape>),
    Record(Vec<Shape>),
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
            Schema::Null => Shape::Nothing,
            Schema::Fixed(fixed) if fixed.size == 0 => Shape::Nothing,
            Schema::Decimal(decimal) => match i64::try_from(decimal.scale) {
                Ok(scale) if scale <= MAX_SCALE => Shape::Decimal { scale },
                _ => return Err(format!("has a decimal of a scale over {MAX_SCALE}")),
            },
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
            _ => Shape::Leaf,
        })
    }
}

impl Shape {
    fn takes_no_bytes(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Record(fields) => fields.iter().all(Self::takes_no_bytes),
            _ => false,
        }
    }
}
