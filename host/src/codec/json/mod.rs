//! Reads the members of a JSON object that the plugin asks for. The others are only checked for syntax.
//!
//! `direct` reads nearly every object. `serde_json` reads the others, and words what is wrong with them. Either way a
//! value is a piece of the record's text; only escapes cause a copy.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::rejects;
use super::spare::Spare;
use super::value::RecordValue;
use crate::record::columns::DataType;
use crate::record::descriptor::{Input, Origin};
use crate::record::reject::Reject;
use checked::Checked;
use escapes::unescaped;

mod checked;
mod direct;
mod escapes;

/// Which members the inputs take.
pub struct Plan {
    /// The names of the members, each once.
    names: Vec<String>,
    /// For each input the place of its name, or `None` if it does not take a member.
    takes: Vec<Option<usize>>,
    /// Whether `direct` may look for all of the names.
    is_plain: bool,
}

/// For each name of the plan its member. If members share a name, the last one counts.
#[derive(Default)]
pub struct Members<'a>(Vec<Option<Member<'a>>>);

/// The value of a member.
#[derive(Debug, Clone, Copy)]
pub enum Member<'a> {
    /// A string without escapes, without its quotes.
    Text(&'a str),
    /// Any value, as it is written.
    Raw(&'a RawValue),
}

impl Plan {
    /// Makes the plan for these inputs.
    pub fn new(inputs: &[Input]) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut place = |input: &Input| {
            let Origin::Value(name) = &input.origin else {
                return None;
            };
            names.iter().position(|known| known == name).or_else(|| {
                names.push(name.clone());
                Some(names.len() - 1)
            })
        };
        let takes = inputs.iter().map(&mut place).collect();
        let is_plain = names.iter().all(|name| direct::is_plain(name));
        Self { names, takes, is_plain }
    }

    /// Reads the object into `members`, and drops whatever they held before.
    pub fn read<'a>(&self, bytes: &'a [u8], members: &mut Members<'a>) -> Result<(), Reject> {
        if bytes.is_empty() {
            return Err(rejects::bad_json("the value is empty, which is not a JSON object"));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| rejects::bad_json(format!("the value is neither framed Avro nor JSON: {error}")))?;
        self.empty(members);
        if self.is_plain && direct::read(text, &self.names, &mut members.0).is_some() {
            return Ok(());
        }
        self.empty(members);
        let object = Object {
            names: &self.names,
            members: &mut members.0,
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        deserializer
            .deserialize_map(object)
            .and_then(|()| deserializer.end())
            .map_err(|error| rejects::bad_json(format!("the value is not a JSON object: {error}")))
    }

    fn empty(&self, members: &mut Members<'_>) {
        members.0.clear();
        members.0.resize(self.names.len(), None);
    }

    /// The member that this input takes.
    pub fn member<'a>(&self, members: &Members<'a>, input: usize) -> Option<Member<'a>> {
        members.0.get((*self.takes.get(input)?)?).copied().flatten()
    }
}

/// The member's value, for a column of this type.
pub fn found<'a>(member: Member<'a>, wanted: DataType, spare: &mut Spare) -> Result<RecordValue<'a>, Reject> {
    let text = match member {
        Member::Text(text) if wanted == DataType::Json => {
            return Ok(RecordValue::Json(spare.write(format_args!("\"{text}\""))));
        }
        Member::Text(text) => return Ok(RecordValue::Text(text.into())),
        Member::Raw(raw) => raw.get(),
    };
    if text == "null" {
        return Ok(RecordValue::Null);
    }
    if wanted == DataType::Json {
        return match serde_json::from_str::<Checked>(text) {
            Ok(Checked) => Ok(RecordValue::Json(text.into())),
            Err(error) => Err(rejects::bad_json(format!(
                "the value is not JSON that can be kept: {error}"
            ))),
        };
    }
    match text.as_bytes().first() {
        Some(b't') => Ok(RecordValue::Boolean(true)),
        Some(b'f') => Ok(RecordValue::Boolean(false)),
        Some(b'{') => Ok(RecordValue::Structure("an object")),
        Some(b'[') => Ok(RecordValue::Structure("an array")),
        Some(b'"') => string(text, spare).map(RecordValue::Text),
        _ => Ok(RecordValue::Number(text.into())),
    }
}

/// The text that a string stands for. The string's syntax has been checked, except for its escapes.
fn string<'a>(quoted: &'a str, spare: &mut Spare) -> Result<Cow<'a, str>, Reject> {
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if let Some(inside) = inside {
        if !inside.contains('\\') {
            return Ok(inside.into());
        }
        if let Some(text) = unescaped(inside, spare.take()) {
            return Ok(text.into());
        }
    }
    // The library words what is wrong.
    let Text(text) = serde_json::from_str(quoted)
        .map_err(|error| rejects::bad_json(format!("a string in the value cannot be read: {error}")))?;
    Ok(text)
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Object<'m, 'a> {
    names: &'m [String],
    members: &'m mut [Option<Member<'a>>],
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Name(self.names))? {
            let Some(place) = place else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value()?;
            if let Some(member) = self.members.get_mut(place) {
                *member = Some(Member::Raw(value));
            }
        }
        Ok(())
    }
}

/// Reads a member's name as its place among the wanted names.
struct Name<'m>(&'m [String]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| wanted == name))
    }
}

#[cfg(test)]
mod tests;
