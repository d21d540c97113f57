//! Reads a dead letter from its line of JSON in a file. `dead_letter::file` writes such lines.

use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reference::Held;
use super::replay::MAX_GENERATION;
use super::{Letter, NotALetter, PluginName};
use crate::record::position::{Offset, Partition, Position, WriteTime};
use crate::record::reject::Reject;
use crate::record::stage::Stage;
use crate::record::{Header, Record};

#[derive(Deserialize)]
struct Line<'a> {
    code: String,
    message: String,
    stage: String,
    topic: String,
    line: Option<u64>,
    partition: Option<i32>,
    offset: i64,
    record_timestamp: Option<i64>,
    write_timestamp: i64,
    #[serde(default)]
    generation: u8,
    #[serde(default)]
    replays: u32,
    attempt: u32,
    rejected_at: Option<String>,
    plugin: LinePlugin,
    #[serde(borrow, default)]
    headers: Vec<(String, &'a RawValue)>,
    #[serde(borrow)]
    key: &'a RawValue,
    #[serde(borrow)]
    value: &'a RawValue,
}

#[derive(Deserialize)]
struct LinePlugin {
    name: String,
    version: String,
    digest: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hex {
    hex: String,
}

/// Reads the letter on one line.
///
/// # Errors
/// If the line does not have the form that we write.
pub fn read(text: &str) -> Result<Letter, NotALetter> {
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| NotALetter::Line(error.to_string()))?;
    let stage: Stage = line.stage.parse().map_err(|_| unreadable("stage", &line.stage))?;
    if line.generation > MAX_GENERATION {
        return Err(unreadable("generation", &line.generation.to_string()));
    }
    let rejected_at = line.rejected_at.as_deref().map(|text| {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| unreadable("rejected_at", text));
        time.map(|time| time.timestamp_millis())
    });
    let header = |(key, value): (String, &RawValue)| -> Result<Header, NotALetter> {
        Ok(Header {
            key,
            value: bytes("headers", value)?,
        })
    };
    let record = Record {
        position: Position {
            partition: Arc::new(Partition {
                topic: line.topic.into(),
                number: line.partition.unwrap_or(0),
            }),
            offset: Offset(line.offset),
            line: line.line,
        },
        timestamp_ms: line.record_timestamp,
        key: bytes("key", line.key)?,
        value: if is_plain_object(line.value.get()) {
            Some(Bytes::copy_from_slice(line.value.get().as_bytes()))
        } else {
            bytes("value", line.value)?
        },
        headers: line.headers.into_iter().map(header).collect::<Result<_, _>>()?,
        redriven: None,
    };
    Ok(Letter {
        record,
        reject: Reject::new(stage, line.code, line.message),
        plugin: PluginName {
            name: line.plugin.name,
            version: line.plugin.version,
            digest: line.plugin.digest,
        },
        attempt: line.attempt,
        write_time: WriteTime(line.write_timestamp),
        generation: line.generation,
        replays: line.replays,
        rejected_at_ms: rejected_at.transpose()?,
        held: Held::Whole,
    })
}

/// Whether the value is a JSON object on one line that cannot be taken for `{"hex": …}`. A letter holds such a value
/// byte for byte. Blanks around it would be lost, so it must have none.
pub fn is_plain_object(value: &str) -> bool {
    let is_object = value.starts_with('{') && value.ends_with('}') && !value.contains(['\n', '\r']);
    is_object && !value.starts_with("{\"hex\"") && serde_json::from_str::<&RawValue>(value).is_ok()
}

/// Reads bytes: a string stands for its text, `{"hex": "…"}` for its bytes, and null for nothing.
fn bytes(name: &'static str, raw: &RawValue) -> Result<Option<Bytes>, NotALetter> {
    let text = raw.get();
    if text == "null" {
        return Ok(None);
    }
    if let Ok(text) = serde_json::from_str::<String>(text) {
        return Ok(Some(text.into()));
    }
    let hex = serde_json::from_str::<Hex>(text).ok();
    let bytes = hex.and_then(|Hex { hex }| from_hexadecimal(&hex));
    bytes.map(Some).ok_or_else(|| unreadable(name, text))
}

fn from_hexadecimal(text: &str) -> Option<Bytes> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    digits
        .chunks(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

fn unreadable(name: &'static str, text: &str) -> NotALetter {
    NotALetter::Unreadable {
        name,
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Result<Option<Bytes>, NotALetter> {
        let line = format!(
            "{{\"code\":\"c\",\"message\":\"m\",\"stage\":\"decode\",\"topic\":\"t\",\"partition\":3,\"offset\":7,\
             \"record_timestamp\":null,\"write_timestamp\":16,\"attempt\":1,\
             \"plugin\":{{\"name\":\"p\",\"version\":\"1\",\"digest\":\"sha256:00\"}},\"key\":null,\"value\":{json}}}"
        );
        read(&line).map(|letter| letter.record.value)
    }

    #[test]
    fn an_object_is_its_own_bytes_a_string_its_text_hex_its_bytes() {
        let bytes = |text: &'static [u8]| Ok(Some(Bytes::from_static(text)));
        assert_eq!(value(r#"{ "a" :1.0,"a":2}"#), bytes(br#"{ "a" :1.0,"a":2}"#));
        assert_eq!(value(r#""{\"a\":1}\n""#), bytes(b"{\"a\":1}\n"));
        assert_eq!(value(r#"{"hex":"00fF"}"#), bytes(b"\x00\xff"));
        assert_eq!(value("null"), Ok(None));
        for odd in [r#"{"hex":"0"}"#, r#"{"hex":"zz"}"#, "7", "[]"] {
            assert!(value(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn what_is_no_line_of_ours_is_said_and_no_panic() {
        for line in ["", "{}", "null", "{\"code\":1}", "{\"code\":\"c\",\"message\":\"m\"}"] {
            assert!(matches!(read(line), Err(NotALetter::Line(_))), "{line}");
        }
    }
}
