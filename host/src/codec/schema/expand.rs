//! Makes shapes of a schema's text. Each record is made once, however often it is named, and records name each other by
//! place. So types may contain themselves, and types that name each other twice do not grow exponentially.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::scope::{Name, NamingContext, Scopes};
use super::shape::{Field, RecordShape, Shape, UUID_BYTES, UuidForm};
use super::{DURATION_BYTES, Document, SchemaError};

/// How many characters of a text that is not a type a message quotes.
const QUOTED_CHARS: usize = 60;

/// The work of making shapes.
pub struct Expansion<'d> {
    scopes: Scopes<'d>,
    /// The place of each record in the list, by the address of its JSON.
    known: HashMap<*const Json, usize>,
    /// Records that have a place in the list and are not made yet.
    waiting: Vec<(NamingContext<'d>, &'d Json)>,
    /// Number of records that have a place.
    count: usize,
}

impl<'d> Expansion<'d> {
    /// The shape of the document's values, and the records that it names.
    pub fn of(document: &'d Document) -> Result<(Shape, Vec<RecordShape>), SchemaError> {
        let (scopes, place) = Scopes::of(document);
        let mut expansion = Self {
            scopes,
            known: HashMap::new(),
            waiting: Vec::new(),
            count: 0,
        };
        let root = expansion.shape(place, &document.json)?;
        let mut records = Vec::new();
        while !expansion.waiting.is_empty() {
            for (place, json) in std::mem::take(&mut expansion.waiting) {
                records.push(expansion.record(place, json)?);
            }
        }
        note_those_without_bytes(&mut records);
        Ok((root, records))
    }

    fn shape(&mut self, place: NamingContext<'d>, json: &'d Json) -> Result<Shape, SchemaError> {
        match json {
            Json::String(name) => self.named(place, name),
            Json::Array(branches) => {
                let branches = branches.iter().map(|branch| self.shape(place, branch));
                Ok(Shape::Union(branches.collect::<Result<_, _>>()?))
            }
            Json::Object(object) => self.complex(place, json, object),
            other => Err(not_a_type(other)),
        }
    }

    fn named(&mut self, place: NamingContext<'d>, name: &'d str) -> Result<Shape, SchemaError> {
        Ok(match name {
            "null" => Shape::Null,
            "boolean" => Shape::Boolean,
            "int" => Shape::Int,
            "long" => Shape::Long,
            "float" => Shape::Float,
            "double" => Shape::Double,
            "bytes" => Shape::Bytes,
            "string" => Shape::String,
            name => {
                let (place, json) = self.scopes.find(place, name)?;
                return self.shape(place, json);
            }
        })
    }

    fn complex(
        &mut self,
        place: NamingContext<'d>,
        json: &'d Json,
        object: &'d Map<String, Json>,
    ) -> Result<Shape, SchemaError> {
        let kind = object.get("type").ok_or_else(|| not_a_type(json))?;
        let shape = match kind.as_str() {
            Some("record" | "error") => Shape::Record(self.placed(place, json)),
            Some("enum") => Shape::Enum(symbols(object)?),
            Some("fixed") => Shape::Fixed {
                bytes: size(object).ok_or_else(|| lacks("a fixed", "size"))?,
            },
            Some("array") => {
                let items = object.get("items").ok_or_else(|| lacks("an array", "items"))?;
                Shape::Array(Box::new(self.shape(place, items)?))
            }
            Some("map") => {
                let values = object.get("values").ok_or_else(|| lacks("a map", "values"))?;
                Shape::Map(Box::new(self.shape(place, values)?))
            }
            _ => self.shape(place, kind)?,
        };
        Ok(logical(object, shape))
    }

    /// The record's place in the list. A new record gets the next one.
    fn placed(&mut self, place: NamingContext<'d>, json: &'d Json) -> usize {
        let next = self.count;
        let index = *self.known.entry(std::ptr::from_ref(json)).or_insert(next);
        if index == next {
            self.count += 1;
            self.waiting.push((place, json));
        }
        index
    }

    fn record(&mut self, place: NamingContext<'d>, json: &'d Json) -> Result<RecordShape, SchemaError> {
        let around = Name {
            namespace: place.namespace,
            own: "record",
        };
        let name = Name::of(json, place.namespace).unwrap_or(around);
        let inner = NamingContext {
            namespace: name.namespace,
            ..place
        };
        let fields = json.get("fields").and_then(Json::as_array);
        let fields = fields.ok_or_else(|| lacks(&name.full(), "fields"))?;
        let field = |field: &'d Json| {
            let own = field.get("name").and_then(Json::as_str);
            let own = own.ok_or_else(|| lacks(&format!("a field of {}", name.full()), "name"))?;
            let shape = match field.get("type") {
                Some(json) => self.shape(inner, json),
                None => Err(lacks("a field", "type")),
            };
            let aliases = field.get("aliases").and_then(Json::as_array).into_iter().flatten();
            Ok(Field {
                name: own.to_owned(),
                aliases: aliases.filter_map(Json::as_str).map(str::to_owned).collect(),
                default: field.get("default").cloned(),
                shape: shape.map_err(|cause| SchemaError::Field {
                    field: own.to_owned(),
                    record: name.full(),
                    cause: Box::new(cause),
                })?,
            })
        };
        Ok(RecordShape {
            fields: fields.iter().map(field).collect::<Result<_, _>>()?,
            name: name.full(),
            takes_no_bytes: false,
        })
    }
}

/// Marks records that have only nulls, fixeds of no bytes, and other such records.
fn note_those_without_bytes(records: &mut [RecordShape]) {
    loop {
        let is_new = |record: &RecordShape| {
            let mut fields = record.fields.iter();
            !record.takes_no_bytes && fields.all(|field| field.shape.takes_no_bytes(records))
        };
        let Some(next) = records.iter().position(is_new) else {
            return;
        };
        records[next].takes_no_bytes = true;
    }
}

fn symbols(object: &Map<String, Json>) -> Result<std::sync::Arc<[String]>, SchemaError> {
    let symbols = object.get("symbols").and_then(Json::as_array);
    let symbols = symbols.ok_or_else(|| lacks("an enum", "symbols"))?;
    let text = |symbol: &Json| symbol.as_str().map(str::to_owned).ok_or_else(|| not_a_type(symbol));
    symbols.iter().map(text).collect()
}

fn size(object: &Map<String, Json>) -> Option<usize> {
    object.get("size")?.as_u64()?.try_into().ok()
}

/// Applies the logical type beside a type, if it is known and fits. Otherwise the type stands alone, as the
/// specification wants it.
fn logical(object: &Map<String, Json>, shape: Shape) -> Shape {
    let stamp = |units_a_millisecond| Shape::Timestamp { units_a_millisecond };
    let Some(logical) = object.get("logicalType").and_then(Json::as_str) else {
        return shape;
    };
    match (logical, shape) {
        ("decimal", shape) => decimal(object, shape),
        ("big-decimal", Shape::Bytes) => Shape::BigDecimal,
        ("uuid", Shape::String) => Shape::Uuid(UuidForm::Text),
        ("uuid", Shape::Bytes) => Shape::Uuid(UuidForm::Bytes),
        ("uuid", Shape::Fixed { bytes: UUID_BYTES }) => Shape::Uuid(UuidForm::Fixed),
        ("date", Shape::Int) => Shape::Date,
        ("time-millis", Shape::Int) => Shape::TimeMillis,
        ("time-micros", Shape::Long) => Shape::TimeMicros,
        ("timestamp-millis" | "local-timestamp-millis", Shape::Long) => stamp(1),
        ("timestamp-micros" | "local-timestamp-micros", Shape::Long) => stamp(1_000),
        ("timestamp-nanos" | "local-timestamp-nanos", Shape::Long) => stamp(1_000_000),
        ("duration", Shape::Fixed { bytes: DURATION_BYTES }) => Shape::Duration,
        (_, shape) => shape,
    }
}

fn decimal(object: &Map<String, Json>, shape: Shape) -> Shape {
    let bytes = match shape {
        Shape::Bytes => None,
        Shape::Fixed { bytes } => Some(bytes),
        other => return other,
    };
    let precision = object.get("precision").and_then(Json::as_i64);
    let scale = object.get("scale").map_or(Some(0), Json::as_i64);
    match (precision, scale) {
        (Some(precision), Some(scale)) if precision >= 1 && (0..=precision).contains(&scale) => {
            Shape::Decimal { scale, bytes }
        }
        _ => shape,
    }
}

fn lacks(kind: &str, part: &'static str) -> SchemaError {
    SchemaError::Lacks {
        kind: kind.to_owned(),
        part,
    }
}

fn not_a_type(json: &Json) -> SchemaError {
    let mut text: String = json.to_string().chars().take(QUOTED_CHARS + 1).collect();
    if text.chars().count() > QUOTED_CHARS {
        text.pop();
        text.push('…');
    }
    SchemaError::NotAType { text }
}
