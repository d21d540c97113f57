//! Makes the headers that a dead letter gets after its record's own. `record::letter` has their names and
//! reads them back.
//!
//! Names and meaning are those of Connect's `DeadLetterQueueReporter` (KIP-298), and our own. Values are strings.

use std::borrow::Cow;

use crate::record::display;
use crate::record::letter::headers as names;
use crate::record::letter::reference::Reference;
use crate::record::stage::Stage;

use super::DeadLetter;
use super::form::{LetterForm, Part};

/// Name and value of every header that a letter of this form adds to the record's own.
pub fn of(letter: &DeadLetter, form: LetterForm) -> Vec<(&'static str, String)> {
    let position = &letter.record.position;
    let mut headers = vec![
        // This header comes first, since a letter is read back from here on.
        (names::TOPIC, position.partition.topic.to_string()),
        (names::PARTITION, position.partition.number.to_string()),
        (names::OFFSET, position.offset.to_string()),
        (names::CONNECTOR, "host".to_owned()),
        (names::TASK, position.partition.number.to_string()),
        (names::CONNECT_STAGE, connect_stage(letter.reject.stage).to_owned()),
        (names::CLASS, letter.plugin.name.to_string()),
        (names::EXCEPTION_CLASS, letter.reject.code.to_string()),
        (
            names::MESSAGE,
            cut(&letter.reject.message, form.message_bytes()).into_owned(),
        ),
        (names::STAGE, letter.reject.stage.to_string()),
        (names::CODE, letter.reject.code.to_string()),
        (names::PLUGIN_NAME, letter.plugin.name.to_string()),
        (names::PLUGIN_VERSION, letter.plugin.version.to_string()),
        (names::PLUGIN_DIGEST, letter.plugin.digest.to_string()),
        (names::ATTEMPT, letter.attempt.to_string()),
        (names::WRITE_TIMESTAMP, letter.write_time.0.to_string()),
        (names::GENERATION, letter.generation.to_string()),
        (names::REPLAYS, letter.replays.to_string()),
        (names::REJECTED_AT, display::timestamp(letter.rejected_at_ms)),
    ];
    if let Some(timestamp_ms) = letter.record.timestamp_ms {
        headers.push((names::RECORD_TIMESTAMP, timestamp_ms.to_string()));
    }
    if form.is_by_reference() {
        let reference = Reference::of(&letter.record);
        let parts = [
            (
                names::VALUE,
                letter.record.value.is_some() && form.value() == Part::ByReference,
            ),
            (names::HEADERS, form.headers() == Part::ByReference),
            (
                names::KEY,
                letter.record.key.is_some() && form.key() == Part::ByReference,
            ),
        ];
        let missing = parts.into_iter().filter(|(_, is_missing)| *is_missing);
        headers.extend(missing.map(|(name, _)| (name, names::BY_REFERENCE.to_owned())));
        headers.push((names::VALUE_BYTES, reference.bytes.to_string()));
        headers.push((names::RECORD_SHA256, reference.sha256));
    }
    headers
}

/// Cuts a text to at most this many bytes, and appends its full length.
fn cut(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return text.into();
    }
    let end = text.floor_char_boundary(bytes);
    format!("{}… ({} bytes)", &text[..end], text.len()).into()
}

/// The name of our stage in Connect's `Stage`.
fn connect_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Decode => "VALUE_CONVERTER",
        Stage::Transform => "TRANSFORMATION",
        // The last one is never that of a reject.
        Stage::Write | Stage::DeadLetters => "TASK_PUT",
    }
}

#[cfg(test)]
mod tests;
