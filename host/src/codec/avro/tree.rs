//! A record's fields by apache-avro, as a tree of values: for what is wanted as JSON, and for what `straight` does not
//! read, so that every refusal is in the library's words.
//!
//! What the library lets pass is caught here: it takes the end of the bytes for a null, and leaves what follows unread.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use serde_json::Value as Json;

use crate::codec::cell::{Found, show_date, show_hex, show_timestamp};
use crate::codec::fault::{self, Fault};
use crate::record::columns::DataType;

use super::Plan;
use super::shape::Shape;
use super::show::{show_big_decimal, show_decimal, show_duration};

/// Reads the records of one plan.
pub struct Reader<'p> {
    pub(super) plan: &'p Plan,
    pub(super) datum: GenericDatumReader<'p>,
}

/// One record, read.
pub struct Datum<'p> {
    plan: &'p Plan,
    fields: Vec<(String, Value)>,
}

impl<'p> Reader<'p> {
    /// Reads one record, which must be all of the bytes.
    pub fn read(&self, bytes: &[u8]) -> Result<Datum<'p>, Fault> {
        // The library has asserts of its own; a record that trips one is poison, not the end of the program.
        catch_unwind(AssertUnwindSafe(|| self.read_unguarded(bytes)))
            .unwrap_or_else(|_| Err(fault::bad_avro("the Avro library breaks on this value")))
    }

    fn read_unguarded(&self, bytes: &[u8]) -> Result<Datum<'p>, Fault> {
        let mut rest = Bytes {
            rest: bytes,
            is_past_end: false,
        };
        let value = self.datum.read_value(&mut rest);
        if rest.is_past_end {
            return Err(fault::bad_avro("the Avro record ends before its last field"));
        }
        match value {
            Ok(Value::Record(_)) if !rest.rest.is_empty() => {
                let left = rest.rest.len();
                Err(fault::bad_avro(format!(
                    "{left} bytes are left over after the Avro record"
                )))
            }
            Ok(Value::Record(fields)) => Ok(Datum {
                plan: self.plan,
                fields,
            }),
            Ok(_) => Err(fault::bad_avro("the Avro value is no record")),
            Err(error) => Err(fault::bad_avro(format!("the Avro record cannot be read: {error}"))),
        }
    }
}

impl Datum<'_> {
    /// What the record holds for this input; `None` if it has no such field.
    pub fn found(&self, input: usize, wanted: DataType) -> Option<Found<'_>> {
        let field = self.plan.takes.get(input).copied().flatten()?;
        let (_, value) = self.fields.get(field)?;
        Some(found(value, self.plan.shapes.get(field)?, wanted))
    }

    /// The whole record as a JSON object.
    pub fn to_json(&self) -> String {
        let member = |((name, value), shape): (&(String, Value), &Shape)| (name.clone(), to_json(value, shape));
        let members = self.fields.iter().zip(&self.plan.shapes).map(member);
        Json::Object(members.collect()).to_string()
    }
}

fn found<'a>(value: &'a Value, shape: &Shape, wanted: DataType) -> Found<'a> {
    if let (Value::Union(branch, inner), Shape::Union(shapes)) = (value, shape) {
        return found(inner, shapes.get(*branch as usize).unwrap_or(&Shape::Other), wanted);
    }
    if wanted == DataType::Json && *value != Value::Null {
        return Found::Json(to_json(value, shape).to_string().into());
    }
    match value {
        Value::Null => Found::Null,
        Value::Boolean(value) => Found::Boolean(*value),
        Value::Int(value) | Value::TimeMillis(value) => Found::Integer(i64::from(*value)),
        Value::Long(value) | Value::TimeMicros(value) => Found::Integer(*value),
        Value::Float(value) => Found::Single(*value),
        Value::Double(value) => Found::Double(*value),
        Value::String(text) | Value::Enum(_, text) => Found::Text(text.into()),
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => Found::Bytes(bytes),
        Value::Decimal(decimal) => {
            let scale = match shape {
                Shape::Decimal { scale, .. } => *scale,
                _ => 0,
            };
            show_decimal(decimal.clone().into(), scale)
        }
        Value::BigDecimal(decimal) => show_big_decimal(decimal),
        Value::Uuid(uuid) => Found::Uuid(*uuid),
        Value::Date(days) => Found::Date(*days),
        Value::TimestampMillis(time) | Value::LocalTimestampMillis(time) => Found::Timestamp(*time),
        // Rounded down, so that times before 1970 keep their order.
        Value::TimestampMicros(time) | Value::LocalTimestampMicros(time) => Found::Timestamp(time.div_euclid(1_000)),
        Value::TimestampNanos(time) | Value::LocalTimestampNanos(time) => Found::Timestamp(time.div_euclid(1_000_000)),
        Value::Duration(duration) => Found::Text(show_duration(*duration).into()),
        Value::Array(_) => Found::Structure("an array"),
        Value::Map(_) => Found::Structure("a map"),
        Value::Record(_) => Found::Structure("a record"),
        Value::Union(..) => Found::Structure("a union"),
    }
}

/// As JSON: numbers and strings as such, decimals as strings, times as ISO 8601, bytes as `0x…`, maps by sorted key.
fn to_json(value: &Value, shape: &Shape) -> Json {
    match (value, shape) {
        (Value::Union(branch, inner), Shape::Union(shapes)) => {
            to_json(inner, shapes.get(*branch as usize).unwrap_or(&Shape::Other))
        }
        (Value::Record(fields), Shape::Record(shapes)) => {
            let member = |((name, value), shape): (&(String, Value), &Shape)| (name.clone(), to_json(value, shape));
            Json::Object(fields.iter().zip(shapes).map(member).collect())
        }
        (Value::Array(items), Shape::Array(shape)) => items.iter().map(|item| to_json(item, shape)).collect(),
        (Value::Map(items), Shape::Map(shape)) => {
            // A hash map's order changes from run to run; the same record must give the same text.
            let sorted: BTreeMap<_, _> = items.iter().collect();
            let member = |(key, value): (&String, &Value)| (key.clone(), to_json(value, shape));
            Json::Object(sorted.into_iter().map(member).collect())
        }
        (leaf, shape) => leaf_to_json(found(leaf, shape, DataType::Text)),
    }
}

fn leaf_to_json(leaf: Found<'_>) -> Json {
    match leaf {
        Found::Null | Found::Structure(_) => Json::Null,
        Found::Boolean(value) => value.into(),
        Found::Integer(value) => value.into(),
        // JSON has no infinities and no NaN: those are strings.
        Found::Single(value) => number(f64::from(value)).unwrap_or_else(|| value.to_string().into()),
        Found::Double(value) => number(value).unwrap_or_else(|| value.to_string().into()),
        Found::Number(text) | Found::Text(text) | Found::Json(text) => text.into(),
        Found::Bytes(bytes) => show_hex(bytes).into(),
        Found::Uuid(value) => value.to_string().into(),
        Found::Timestamp(time) => show_timestamp(time).map_or_else(|| time.into(), Json::from),
        Found::Date(days) => show_date(days).map_or_else(|| days.into(), Json::from),
    }
}

fn number(value: f64) -> Option<Json> {
    serde_json::Number::from_f64(value).map(Json::Number)
}

/// The bytes of one datum, and whether more was asked for than there is.
struct Bytes<'a> {
    rest: &'a [u8],
    is_past_end: bool,
}

impl Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.rest.len());
        if length == 0 && !buffer.is_empty() {
            self.is_past_end = true;
        }
        let (read, rest) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(read);
        self.rest = rest;
        Ok(length)
    }
}
