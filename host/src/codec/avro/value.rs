//! Reads one value of a type: takes it as it is, skips it, or makes JSON of it.
//!
//! A value that is taken is checked. A value that is skipped only has to end where its type says. A plugin that does
//! not ask for a value need not care about a string that is not UTF-8, an invalid UUID or an unknown symbol of an enum.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use uuid::Uuid;

use crate::codec::cell::{show_date, show_hex, show_timestamp};
use crate::codec::schema::{DURATION_BYTES, Schema, Shape, UUID_BYTES, UuidForm};
use crate::codec::value::RecordValue;
use crate::record::columns::DataType;

use super::cursor::{Cursor, Wrong};
use super::show::{show_big_decimal, show_decimal, show_duration};

/// Takes a value for a column of the wanted type.
pub fn wanted<'a>(
    cursor: &mut Cursor<'a>,
    shape: &'a Shape,
    schema: &'a Schema,
    wanted: DataType,
) -> Option<RecordValue<'a>> {
    if wanted != DataType::Json {
        return take(cursor, shape, schema);
    }
    Some(match json(cursor, shape, schema)? {
        Json::Null => RecordValue::Null,
        value => RecordValue::Json(value.to_string().into()),
    })
}

/// Takes a value. For a structure it gives only its kind.
fn take<'a>(cursor: &mut Cursor<'a>, shape: &'a Shape, schema: &'a Schema) -> Option<RecordValue<'a>> {
    Some(match shape {
        Shape::Union(branches) => {
            let branch = cursor.one_of(branches, "branch")?;
            return take(cursor, branch, schema);
        }
        Shape::String => RecordValue::Text(cursor.text()?.into()),
        Shape::Null => RecordValue::Null,
        Shape::Boolean => RecordValue::Boolean(cursor.boolean()?),
        Shape::Int | Shape::TimeMillis => RecordValue::Integer(cursor.int()?.into()),
        Shape::Long | Shape::TimeMicros => RecordValue::Integer(cursor.long()?),
        Shape::Float => RecordValue::Single(f32::from_le_bytes(cursor.array()?)),
        Shape::Double => RecordValue::Double(f64::from_le_bytes(cursor.array()?)),
        Shape::Bytes => RecordValue::Bytes(cursor.bytes()?),
        Shape::Fixed { bytes } => RecordValue::Bytes(cursor.take(*bytes)?),
        Shape::Enum(symbols) => RecordValue::Text(cursor.one_of(symbols, "symbol")?.into()),
        Shape::Decimal { scale, bytes } => show_decimal(digits(cursor, *bytes)?, *scale),
        Shape::BigDecimal => big_decimal(cursor)?,
        Shape::Uuid(form) => RecordValue::Uuid(uuid(cursor, *form)?),
        Shape::Date => RecordValue::Date(cursor.int()?),
        // Division rounds down, so that times before 1970 keep their order.
        Shape::Timestamp { units_a_millisecond } => {
            RecordValue::Timestamp(cursor.long()?.div_euclid(*units_a_millisecond))
        }
        Shape::Duration => RecordValue::Text(show_duration(cursor.array()?).into()),
        Shape::Array(_) => structure(cursor, shape, schema, "an array")?,
        Shape::Map(_) => structure(cursor, shape, schema, "a map")?,
        Shape::Record(_) => structure(cursor, shape, schema, "a record")?,
    })
}

/// Skips a structure, of which no single value can be made.
fn structure(
    cursor: &mut Cursor<'_>,
    shape: &Shape,
    schema: &Schema,
    kind: &'static str,
) -> Option<RecordValue<'static>> {
    skip(cursor, shape, schema)?;
    Some(RecordValue::Structure(kind))
}

/// Skips a value.
pub fn skip(cursor: &mut Cursor<'_>, shape: &Shape, schema: &Schema) -> Option<()> {
    match shape {
        Shape::Null => Some(()),
        Shape::Union(branches) => {
            let branch = cursor.one_of(branches, "branch")?;
            skip(cursor, branch, schema)
        }
        Shape::String | Shape::Bytes | Shape::BigDecimal | Shape::Uuid(UuidForm::Text | UuidForm::Bytes) => {
            cursor.bytes().map(drop)
        }
        Shape::Boolean => cursor.take(1).map(drop),
        Shape::Int
        | Shape::Long
        | Shape::Enum(_)
        | Shape::Date
        | Shape::TimeMillis
        | Shape::TimeMicros
        | Shape::Timestamp { .. } => cursor.long().map(drop),
        Shape::Float => cursor.take(size_of::<f32>()).map(drop),
        Shape::Double => cursor.take(size_of::<f64>()).map(drop),
        Shape::Fixed { bytes } => cursor.take(*bytes).map(drop),
        Shape::Decimal { bytes, .. } => digits(cursor, *bytes).map(drop),
        Shape::Uuid(UuidForm::Fixed) => cursor.take(UUID_BYTES).map(drop),
        Shape::Duration => cursor.take(DURATION_BYTES).map(drop),
        Shape::Array(items) if schema.takes_no_bytes(items) => cursor.empty_blocks(),
        Shape::Array(items) => cursor.nest(|cursor| cursor.blocks(|cursor| skip(cursor, items, schema))),
        Shape::Map(values) => cursor.nest(|cursor| {
            cursor.blocks(|cursor| {
                cursor.bytes()?;
                skip(cursor, values, schema)
            })
        }),
        Shape::Record(index) => {
            let record = schema.record(*index)?;
            let mut fields = record.fields.iter();
            cursor.nest(|cursor| fields.try_for_each(|field| skip(cursor, &field.shape, schema)))
        }
    }
}

/// Makes JSON of a value: numbers and strings as such, decimals as strings, times in ISO 8601, bytes as `0x…`, and maps
/// by sorted key.
pub fn json<'a>(cursor: &mut Cursor<'a>, shape: &'a Shape, schema: &'a Schema) -> Option<Json> {
    match shape {
        Shape::Union(branches) => {
            let branch = cursor.one_of(branches, "branch")?;
            json(cursor, branch, schema)
        }
        Shape::Record(index) => {
            let record = schema.record(*index)?;
            let mut members = serde_json::Map::with_capacity(record.fields.len());
            cursor.nest(|cursor| {
                for field in &record.fields {
                    members.insert(field.name.clone(), json(cursor, &field.shape, schema)?);
                }
                Some(Json::Object(members))
            })
        }
        Shape::Array(items) if schema.takes_no_bytes(items) => cursor.refuse(Wrong::ItemsOfNothing),
        Shape::Array(items) => {
            let mut list = Vec::new();
            cursor.nest(|cursor| {
                cursor.blocks(|cursor| {
                    list.push(json(cursor, items, schema)?);
                    Some(())
                })
            })?;
            Some(list.into())
        }
        Shape::Map(values) => {
            // Members are sorted by key, whatever their order in the bytes. If a key comes twice, the
            // last value counts.
            let mut members = BTreeMap::new();
            cursor.nest(|cursor| {
                cursor.blocks(|cursor| {
                    let key = cursor.text()?.to_owned();
                    members.insert(key, json(cursor, values, schema)?);
                    Some(())
                })
            })?;
            Some(Json::Object(members.into_iter().collect()))
        }
        leaf => match take(cursor, leaf, schema)? {
            RecordValue::Structure(_) => cursor.refuse(Wrong::LongDecimal),
            leaf => Some(leaf_to_json(leaf)),
        },
    }
}

fn leaf_to_json(leaf: RecordValue<'_>) -> Json {
    match leaf {
        RecordValue::Null | RecordValue::Structure(_) => Json::Null,
        RecordValue::Boolean(value) => value.into(),
        RecordValue::Integer(value) => value.into(),
        // JSON has no infinities and no NaN, so those become strings.
        RecordValue::Single(value) => number(f64::from(value)).unwrap_or_else(|| value.to_string().into()),
        RecordValue::Double(value) => number(value).unwrap_or_else(|| value.to_string().into()),
        RecordValue::Number(text) | RecordValue::Text(text) | RecordValue::Json(text) => text.into(),
        RecordValue::Bytes(bytes) => show_hex(bytes).into(),
        RecordValue::Uuid(value) => value.to_string().into(),
        RecordValue::Timestamp(time) => show_timestamp(time).map_or_else(|| time.into(), Json::from),
        RecordValue::Date(days) => show_date(days).map_or_else(|| days.into(), Json::from),
    }
}

fn number(value: f64) -> Option<Json> {
    serde_json::Number::from_f64(value).map(Json::Number)
}

/// Reads the digits of a decimal, whose length is fixed by the type or stands before them.
fn digits<'a>(cursor: &mut Cursor<'a>, bytes: Option<usize>) -> Option<&'a [u8]> {
    match bytes {
        Some(length) => cursor.take(length),
        None => cursor.bytes(),
    }
}

/// Reads bytes that hold the digits and then the scale.
fn big_decimal(cursor: &mut Cursor<'_>) -> Option<RecordValue<'static>> {
    let mut inner = Cursor::new(cursor.bytes()?);
    match inner.bytes().zip(inner.long()) {
        Some((digits, scale)) => Some(show_big_decimal(digits, scale)),
        None => cursor.refuse(Wrong::BigDecimal),
    }
}

fn uuid(cursor: &mut Cursor<'_>, form: UuidForm) -> Option<Uuid> {
    let found = match form {
        UuidForm::Text => Uuid::parse_str(cursor.text()?).ok(),
        UuidForm::Bytes => Uuid::from_slice(cursor.bytes()?).ok(),
        UuidForm::Fixed => Some(Uuid::from_bytes(cursor.array()?)),
    };
    found.or_else(|| cursor.refuse(Wrong::Uuid))
}
