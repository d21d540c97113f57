//! An Avro datum, read with the schema that it was written with, to the fields that the plugin asks for.
//!
//! A plan is made once a schema: which field of the record each input takes, by name or by alias. apache-avro reads the
//! bytes; what it lets pass is caught here: it takes the end of the bytes for a null, and leaves what follows unread.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::RecordField;
use apache_avro::types::Value;
use bigdecimal::BigDecimal;
use num_bigint::BigInt;
use serde_json::Value as Json;

use crate::record::columns::DataType;
use crate::record::descriptor::{Input, Origin};

use super::cell::{Found, show_date, show_hex, show_timestamp};
use super::fault::{self, Fault};
use shape::{MAX_SCALE, Shape};

mod shape;

/// The most that one string, array or map may claim to need. More than any record has (Kafka's own default is 1 MiB a
/// record); less than what would hurt, since lengths come from bytes that anybody may have written.
const MAX_ALLOCATION_BYTES: usize = 64 * 1024 * 1024;

/// How records of one schema become rows.
pub struct Plan {
    schema: Arc<Schema>,
    shapes: Vec<Shape>,
    /// For each input the field of the record that it takes; `None` if its origin is no field, or the schema has none.
    takes: Vec<Option<usize>>,
}

/// Reads the records of one plan.
pub struct Reader<'p> {
    plan: &'p Plan,
    datum: GenericDatumReader<'p>,
}

/// One record, read.
pub struct Datum<'p> {
    plan: &'p Plan,
    fields: Vec<(String, Value)>,
}

/// Sets apache-avro's bound for the whole process; the first call counts.
pub fn bound_allocations() {
    apache_avro::util::max_allocation_bytes(MAX_ALLOCATION_BYTES);
}

impl Plan {
    /// Fails if no record of this schema can be read, or lacks a field that may not be null.
    pub fn new(id: u32, schema: Arc<Schema>, inputs: &[Input]) -> Result<Self, Fault> {
        let shapes = shape::of_record(&schema).map_err(|why| fault::bad_avro(format!("schema {id} {why}")))?;
        let fields = match &*schema {
            Schema::Record(record) => record.fields.as_slice(),
            _ => &[],
        };
        let mut takes = Vec::with_capacity(inputs.len());
        for input in inputs {
            let Origin::Value(name) = &input.origin else {
                takes.push(None);
                continue;
            };
            let has_alias = |field: &RecordField| field.aliases.iter().any(|alias| alias == name);
            let by_name = fields.iter().position(|field| field.name == *name);
            let found = by_name.or_else(|| fields.iter().position(has_alias));
            if found.is_none() && !input.field.nullable {
                return Err(fault::missing_field(input));
            }
            takes.push(found);
        }
        Ok(Self { schema, shapes, takes })
    }

    pub fn reader(&self) -> Result<Reader<'_>, Fault> {
        let datum = GenericDatumReader::builder(&self.schema)
            .build()
            .map_err(|error| fault::bad_avro(format!("the schema cannot be used: {error}")))?;
        Ok(Reader { plan: self, datum })
    }
}

impl<'p> Reader<'p> {
    /// Reads one record, which must be all of the bytes.
    pub fn read(&self, bytes: &[u8]) -> Result<Datum<'p>, Fault> {
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

/// 1,024 decimal digits are 3,402 bits: showing a number takes time by the square of its length.
const MAX_DECIMAL_BITS: u64 = 3_402;

fn found<'a>(value: &'a Value, shape: &Shape, wanted: DataType) -> Found<'a> {
    if let (Value::Union(branch, inner), Shape::Union(shapes)) = (value, shape) {
        return found(inner, shapes.get(*branch as usize).unwrap_or(&Shape::Leaf), wanted);
    }
    if wanted == DataType::Json && *value != Value::Null {
        return Found::Json(to_json(value, shape).to_string());
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
        Value::Decimal(decimal) => match BigInt::from(decimal.clone()) {
            number if number.bits() > MAX_DECIMAL_BITS => Found::Structure("a decimal of over a thousand digits"),
            number => Found::Number(show_decimal(number, shape).into()),
        },
        Value::BigDecimal(decimal) => match decimal.as_bigint_and_exponent() {
            (number, scale) if number.bits() > MAX_DECIMAL_BITS || scale.abs() > MAX_SCALE => {
                Found::Structure("a decimal of over a thousand digits")
            }
            _ => Found::Number(decimal.to_string().into()),
        },
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
            to_json(inner, shapes.get(*branch as usize).unwrap_or(&Shape::Leaf))
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
        Found::Number(text) | Found::Text(text) => text.into(),
        Found::Json(text) => text.into(),
        Found::Bytes(bytes) => show_hex(bytes).into(),
        Found::Uuid(value) => value.to_string().into(),
        Found::Timestamp(time) => show_timestamp(time).map_or_else(|| time.into(), Json::from),
        Found::Date(days) => show_date(days).map_or_else(|| days.into(), Json::from),
    }
}

fn number(value: f64) -> Option<Json> {
    serde_json::Number::from_f64(value).map(Json::Number)
}

fn show_decimal(number: BigInt, shape: &Shape) -> String {
    let scale = match shape {
        Shape::Decimal { scale } => *scale,
        _ => 0,
    };
    BigDecimal::new(number, scale).to_plain_string()
}

/// ISO 8601; Avro counts months, days and milliseconds apart, since none of them is a whole number of another.
fn show_duration(duration: apache_avro::Duration) -> String {
    let (months, days) = (u32::from(duration.months()), u32::from(duration.days()));
    let millis = u32::from(duration.millis());
    format!("P{months}M{days}DT{}.{:03}S", millis / 1_000, millis % 1_000)
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
