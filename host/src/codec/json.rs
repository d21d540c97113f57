//! A JSON object to the fields that the plugin asks for; the others are checked for syntax and skipped.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::record::columns::DataType;
use crate::record::descriptor::{Input, Origin};

use super::cell::Found;
use super::fault::{self, Fault};

/// For each input the member that it takes, as it is written; of members with one name the last.
pub type Members<'a> = Vec<Option<&'a RawValue>>;

/// Reads the object. The other inputs, which take nothing from the value's fields, stay `None`.
pub fn members<'a>(bytes: &'a [u8], inputs: &[Input]) -> Result<Members<'a>, Fault> {
    if bytes.is_empty() {
        return Err(fault::bad_json("the value is empty, which is no JSON object"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| fault::bad_json(format!("the value is neither framed Avro nor JSON: {error}")))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = Object { inputs }
        .deserialize(&mut deserializer)
        .and_then(|members| deserializer.end().map(|()| members));
    members.map_err(|error| fault::bad_json(format!("the value is no JSON object: {error}")))
}

/// The member's value, for a column of this type.
pub fn found(raw: &RawValue, wanted: DataType) -> Result<Found<'_>, Fault> {
    let text = raw.get();
    if text == "null" {
        return Ok(Found::Null);
    }
    if wanted == DataType::Json {
        // Parsed to no end but to find out what skipping does not: nesting that is too deep, broken escapes.
        let parsed = serde_json::from_str::<serde_json::Value>(text);
        return match parsed {
            Ok(_) => Ok(Found::Json(text.to_owned())),
            Err(error) => Err(fault::bad_json(format!(
                "the value is no JSON that can be kept: {error}"
            ))),
        };
    }
    match text.as_bytes().first() {
        Some(b't') => Ok(Found::Boolean(true)),
        Some(b'f') => Ok(Found::Boolean(false)),
        Some(b'{') => Ok(Found::Structure("an object")),
        Some(b'[') => Ok(Found::Structure("an array")),
        Some(b'"') => match serde_json::from_str::<Text<'_>>(text) {
            Ok(Text(text)) => Ok(Found::Text(text)),
            Err(error) => Err(fault::bad_json(format!(
                "a string in the value cannot be read: {error}"
            ))),
        },
        _ => Ok(Found::Number(text.into())),
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Object<'i> {
    inputs: &'i [Input],
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = vec![None; self.inputs.len()];
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let takes = |input: &Input| matches!(&input.origin, Origin::Value(field) if *field == *name);
            if !self.inputs.iter().any(takes) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&RawValue>()?;
            for (member, input) in members.iter_mut().zip(self.inputs) {
                if takes(input) {
                    *member = Some(value);
                }
            }
        }
        Ok(members)
    }
}
