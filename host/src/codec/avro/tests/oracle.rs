//! Reads a datum with apache-avro, as a second opinion.

use std::collections::BTreeMap;
use std::io::{self, Read};

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use num_bigint::BigInt;
use serde_json::Value as Json;

use crate::codec::avro::show::{show_big_decimal, show_decimal};
use crate::codec::cell::{show_date, show_hex, show_timestamp};
use crate::codec::schema::{Schema, Shape};
use crate::codec::value::RecordValue;
use crate::record::columns::DataType;

/// The values of the record's fields, or `None` if the library refuses the datum. Faults that the library lets pass are
/// caught here: it takes the end of the bytes for a null, and leaves bytes after the record unread.
pub fn read(schema: &apache_avro::Schema, bytes: &[u8]) -> Option<Vec<Value>> {
    let mut rest = Bytes {
        rest: bytes,
        is_past_end: false,
    };
    let reader = GenericDatumReader::builder(schema).build().expect("a schema");
    let value = reader.read_value(&mut rest).ok()?;
    match value {
        Value::Record(fields) if rest.rest.is_empty() && !rest.is_past_end => {
            Some(fields.into_iter().map(|(_, value)| value).collect())
        }
        _ => None,
    }
}

pub fn found<'a>(value: &'a Value, shape: &Shape, schema: &Schema, wanted: DataType) -> RecordValue<'a> {
    if let (Value::Union(branch, inner), Shape::Union(shapes)) = (value, shape) {
        return found(inner, &shapes[*branch as usize], schema, wanted);
    }
    if wanted == DataType::Json && *value != Value::Null {
        return to_json(value, shape, schema).map_or(TOO_LONG, |json| RecordValue::Json(json.to_string().into()));
    }
    match value {
        Value::Null => RecordValue::Null,
        Value::Boolean(value) => RecordValue::Boolean(*value),
        Value::Int(value) | Value::TimeMillis(value) => RecordValue::Integer(i64::from(*value)),
        Value::Long(value) | Value::TimeMicros(value) => RecordValue::Integer(*value),
        Value::Float(value) => RecordValue::Single(*value),
        Value::Double(value) => RecordValue::Double(*value),
        Value::String(text) | Value::Enum(_, text) => RecordValue::Text(text.into()),
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => RecordValue::Bytes(bytes),
        Value::Decimal(decimal) => {
            let Shape::Decimal { scale, .. } = shape else {
                panic!("a decimal of shape {shape:?}");
            };
            show_decimal(&BigInt::from(decimal.clone()).to_signed_bytes_be(), *scale)
        }
        Value::BigDecimal(decimal) => {
            let (number, scale) = decimal.as_bigint_and_exponent();
            show_big_decimal(&number.to_signed_bytes_be(), scale)
        }
        Value::Uuid(uuid) => RecordValue::Uuid(*uuid),
        Value::Date(days) => RecordValue::Date(*days),
        Value::TimestampMillis(time) | Value::LocalTimestampMillis(time) => RecordValue::Timestamp(*time),
        Value::TimestampMicros(time) | Value::LocalTimestampMicros(time) => {
            RecordValue::Timestamp(time.div_euclid(1_000))
        }
        Value::TimestampNanos(time) | Value::LocalTimestampNanos(time) => {
            RecordValue::Timestamp(time.div_euclid(1_000_000))
        }
        Value::Duration(duration) => {
            let (months, days) = (u32::from(duration.months()), u32::from(duration.days()));
            let millis = u32::from(duration.millis());
            RecordValue::Text(format!("P{months}M{days}DT{}.{:03}S", millis / 1_000, millis % 1_000).into())
        }
        Value::Array(_) => RecordValue::Structure("an array"),
        Value::Map(_) => RecordValue::Structure("a map"),
        Value::Record(_) => RecordValue::Structure("a record"),
        Value::Union(..) => RecordValue::Structure("a union"),
    }
}

/// `None` if a number in it is too long to be shown: the library has no such bound, and the codec refuses the value for it.
pub fn to_json(value: &Value, shape: &Shape, schema: &Schema) -> Option<Json> {
    Some(match (value, shape) {
        (Value::Union(branch, inner), Shape::Union(shapes)) => to_json(inner, &shapes[*branch as usize], schema)?,
        (Value::Record(fields), Shape::Record(index)) => {
            let shapes = schema.record(*index).expect("a record").fields.iter();
            let member = |((name, value), field): (&(String, Value), &crate::codec::schema::Field)| {
                Some((name.clone(), to_json(value, &field.shape, schema)?))
            };
            Json::Object(fields.iter().zip(shapes).map(member).collect::<Option<_>>()?)
        }
        (Value::Array(items), Shape::Array(shape)) => {
            let items = items.iter().map(|item| to_json(item, shape, schema));
            Json::Array(items.collect::<Option<_>>()?)
        }
        (Value::Map(items), Shape::Map(shape)) => {
            let sorted: BTreeMap<_, _> = items.iter().collect();
            let member = |(key, value): (&String, &Value)| Some((key.clone(), to_json(value, shape, schema)?));
            Json::Object(sorted.into_iter().map(member).collect::<Option<_>>()?)
        }
        (leaf, shape) => match found(leaf, shape, schema, DataType::Text) {
            RecordValue::Null => Json::Null,
            RecordValue::Structure(_) => return None,
            RecordValue::Boolean(value) => value.into(),
            RecordValue::Integer(value) => value.into(),
            RecordValue::Single(value) => number(f64::from(value)).unwrap_or_else(|| value.to_string().into()),
            RecordValue::Double(value) => number(value).unwrap_or_else(|| value.to_string().into()),
            RecordValue::Number(text) | RecordValue::Text(text) | RecordValue::Json(text) => text.into(),
            RecordValue::Bytes(bytes) => show_hex(bytes).into(),
            RecordValue::Uuid(value) => value.to_string().into(),
            RecordValue::Timestamp(time) => show_timestamp(time).map_or_else(|| time.into(), Json::from),
            RecordValue::Date(days) => show_date(days).map_or_else(|| days.into(), Json::from),
        },
    })
}

fn number(value: f64) -> Option<Json> {
    serde_json::Number::from_f64(value).map(Json::Number)
}

pub const TOO_LONG: RecordValue<'static> = RecordValue::Structure("a number that is too long");

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
