//! Writes Avro's binary encoding: the values that a cell can become, and a field's default.
//!
//! <https://avro.apache.org/docs/1.12.0/specification/#binary-encoding>

use serde_json::Value as Json;

use crate::codec::schema::{Schema, Shape, UuidForm};

/// How deep defaults may be nested. A record's default includes those of its fields, and types may contain themselves.
const MAX_NESTED: usize = 32;

/// A value that a cell can become.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    String(String),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
    TimestampMillis(i64),
    TimestampMicros(i64),
}

impl Value {
    /// Appends the encoded value.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::String(text) => bytes(text.as_bytes(), out),
            Self::Int(value) | Self::Date(value) => long(i64::from(*value), out),
            Self::Long(value) | Self::TimestampMillis(value) | Self::TimestampMicros(value) => long(*value, out),
            Self::Float(value) => out.extend(value.to_le_bytes()),
            Self::Double(value) => out.extend(value.to_le_bytes()),
            Self::Boolean(value) => out.push(u8::from(*value)),
        }
    }
}

/// Writes a zigzag varint: the lowest bit is the sign, and each byte has seven bits.
pub fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            out.push(low & 0x7F);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Writes a place in a union or an enum, or a count.
pub fn count(value: usize, out: &mut Vec<u8>) {
    // A list in memory is never longer.
    long(i64::try_from(value).unwrap_or(i64::MAX), out);
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    count(bytes.len(), out);
    out.extend(bytes);
}

/// Encodes a default. `None` if it is not of the field's type, which nothing else checks.
pub fn default(json: &Json, shape: &Shape, schema: &Schema) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    write_default(json, shape, schema, MAX_NESTED, &mut out)?;
    Some(out)
}

fn write_default(json: &Json, shape: &Shape, schema: &Schema, depth: usize, out: &mut Vec<u8>) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match shape {
        Shape::Null => json.as_null()?,
        Shape::Boolean => out.push(u8::from(json.as_bool()?)),
        Shape::Int | Shape::Date | Shape::TimeMillis => long(i32::try_from(json.as_i64()?).ok()?.into(), out),
        Shape::Long | Shape::TimeMicros | Shape::Timestamp { .. } => long(json.as_i64()?, out),
        Shape::Float => {
            let value: f32 = json.as_number()?.to_string().parse().ok()?;
            out.extend(Some(value).filter(|value| value.is_finite())?.to_le_bytes());
        }
        Shape::Double => out.extend(json.as_f64()?.to_le_bytes()),
        Shape::String | Shape::Uuid(UuidForm::Text) => bytes(json.as_str()?.as_bytes(), out),
        Shape::Bytes | Shape::BigDecimal | Shape::Decimal { bytes: None, .. } | Shape::Uuid(UuidForm::Bytes) => {
            bytes(&latin(json)?, out);
        }
        Shape::Fixed { bytes } | Shape::Decimal { bytes: Some(bytes), .. } => fixed(json, *bytes, out)?,
        Shape::Uuid(UuidForm::Fixed) => fixed(json, crate::codec::schema::UUID_BYTES, out)?,
        Shape::Duration => fixed(json, crate::codec::schema::DURATION_BYTES, out)?,
        Shape::Enum(symbols) => count(symbols.iter().position(|symbol| json == symbol)?, out),
        Shape::Array(items) => {
            let list = json.as_array()?;
            if !list.is_empty() {
                count(list.len(), out);
            }
            list.iter()
                .try_for_each(|item| write_default(item, items, schema, depth, out))?;
            out.push(0);
        }
        Shape::Map(values) => {
            let members = json.as_object()?;
            if !members.is_empty() {
                count(members.len(), out);
            }
            for (key, value) in members {
                bytes(key.as_bytes(), out);
                write_default(value, values, schema, depth, out)?;
            }
            out.push(0);
        }
        // The first branch that the default fits is taken. It should be the first one.
        Shape::Union(branches) => {
            let start = out.len();
            let fits = |(place, branch): (usize, &Shape)| {
                out.truncate(start);
                count(place, out);
                write_default(json, branch, schema, depth, out)
            };
            branches.iter().enumerate().find_map(fits)?;
        }
        Shape::Record(index) => {
            let members = json.as_object()?;
            for field in &schema.record(*index)?.fields {
                let value = members.get(&field.name).or(field.default.as_ref())?;
                write_default(value, &field.shape, schema, depth, out)?;
            }
        }
    }
    Some(())
}

/// The bytes of a default, which JSON writes as characters with these numbers.
fn latin(json: &Json) -> Option<Vec<u8>> {
    json.as_str()?
        .chars()
        .map(|character| u8::try_from(u32::from(character)).ok())
        .collect()
}

fn fixed(json: &Json, size: usize, out: &mut Vec<u8>) -> Option<()> {
    out.extend(latin(json).filter(|bytes| bytes.len() == size)?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str, of: &str) -> Option<Vec<u8>> {
        let schema = Schema::parse(of).expect("a schema");
        default(&serde_json::from_str(json).expect("JSON"), schema.root(), &schema)
    }

    #[test]
    fn a_default_is_written_as_a_value_is() {
        assert_eq!(written("-65", r#""int""#).as_deref(), Some([0x81, 0x01].as_slice()));
        assert_eq!(
            written(r#""a""#, r#"["null", "string"]"#).as_deref(),
            Some(b"\x02\x02a".as_slice())
        );
        assert_eq!(
            written("[1]", r#"{"type": "array", "items": "long"}"#).as_deref(),
            Some([2, 2, 0].as_slice())
        );
        assert_eq!(
            written("[]", r#"{"type": "array", "items": "long"}"#).as_deref(),
            Some([0].as_slice())
        );
        let map = r#"{"type": "map", "values": "boolean"}"#;
        assert_eq!(
            written(r#"{"k": true}"#, map).as_deref(),
            Some(b"\x02\x02k\x01\0".as_slice())
        );
        assert_eq!(
            written(r#""\u00ff""#, r#""bytes""#).as_deref(),
            Some([2, 0xFF].as_slice())
        );
        assert_eq!(
            written(r#""b""#, r#"{"type": "enum", "name": "E", "symbols": ["a", "b"]}"#).as_deref(),
            Some([2].as_slice())
        );
        let record = r#"{"type": "record", "name": "R", "fields": [{"name": "n", "type": "int", "default": 1}]}"#;
        assert_eq!(written("{}", record).as_deref(), Some([2].as_slice()));
    }

    #[test]
    fn a_default_of_another_type_is_none() {
        for (json, of) in [
            ("null", r#""string""#),
            (r#""0""#, r#""long""#),
            ("3000000000", r#""int""#),
            ("1e300", r#""float""#),
            (r#""ab""#, r#"{"type": "fixed", "name": "F", "size": 1}"#),
            (
                "{}",
                r#"{"type": "record", "name": "R", "fields": [{"name": "r", "type": "R", "default": {}}]}"#,
            ),
        ] {
            assert_eq!(written(json, of), None, "{json} of {of}");
        }
    }
}
