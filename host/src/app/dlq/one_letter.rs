//! Shows a letter in words and as JSON, without its value.

use serde_json::{Map, Value, json};

use crate::record::display;
use crate::record::letter::reference::Held;
use crate::record::letter::{Found, Letter};

/// Where a letter has one line, longer messages are cut.
const MESSAGE_CHARS: usize = 120;

/// `2017-10-02T10:56:33Z`, or `-`.
pub fn time(time_ms: Option<i64>) -> String {
    time_ms.map_or_else(|| "-".to_owned(), display::timestamp)
}

/// `order_enrich 0.1.0 (0a1b2c3d)`
pub fn plugin(letter: &Letter) -> String {
    let plugin = &letter.plugin;
    let hex = plugin.digest.strip_prefix("sha256:").unwrap_or(&plugin.digest);
    let short: String = hex.chars().take(8).collect();
    format!("{} {} ({short})", plugin.name, plugin.version)
}

/// `orders-dlq/0@5  orders/2@17  2026-11-21T06:00:00Z  bad-uuid: …`
pub fn line(found: &Found) -> String {
    match &found.letter {
        Ok(letter) => format!(
            "{}  {}  {}  {}: {}{}",
            found.at,
            letter.record.position,
            time(letter.time_ms()),
            letter.reject.code,
            on_one_line(&letter.reject.message),
            if letter.held == Held::Whole {
                ""
            } else {
                " (value by reference)"
            }
        ),
        Err(why) => format!("{}  not a dead letter of host: {why}", found.at),
    }
}

fn on_one_line(message: &str) -> String {
    let flat = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &flat[..end]),
        None => flat,
    }
}

/// The letter as a JSON object, without its key, headers and value. A record that is not a letter has `not_a_letter` with
/// the reason.
pub fn json(found: &Found) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("letter".into(), found.at.to_string().into());
    let letter = match &found.letter {
        Ok(letter) => letter,
        Err(why) => {
            object.insert("not_a_letter".into(), why.to_string().into());
            return object;
        }
    };
    let position = &letter.record.position;
    object.insert("topic".into(), position.partition.topic.as_ref().into());
    match position.line {
        Some(line) => object.insert("line".into(), line.into()),
        None => object.insert("partition".into(), position.partition.number.into()),
    };
    object.insert("offset".into(), position.offset.0.into());
    object.insert("code".into(), letter.reject.code.as_ref().into());
    object.insert("message".into(), letter.reject.message.as_str().into());
    object.insert("stage".into(), letter.reject.stage.to_string().into());
    let plugin = &letter.plugin;
    let plugin = json!({"name": plugin.name, "version": plugin.version, "digest": plugin.digest});
    object.insert("plugin".into(), plugin);
    let rejected_at = letter.rejected_at_ms.map(display::timestamp);
    object.insert("rejected_at".into(), rejected_at.into());
    object.insert("record_timestamp".into(), letter.record.timestamp_ms.into());
    object.insert("write_timestamp".into(), letter.write_time.0.into());
    object.insert("generation".into(), letter.generation.into());
    object.insert("replays".into(), letter.replays.into());
    object.insert("attempt".into(), letter.attempt.into());
    if letter.held != Held::Whole {
        object.insert("by_reference".into(), by_reference(&letter.held));
    }
    object
}

/// `{"bytes": 1048009, "is_there": true}`, and why it is not.
fn by_reference(held: &Held) -> Value {
    match held {
        Held::Whole => Value::Null,
        Held::ByReference(reference) => json!({"bytes": reference.bytes}),
        Held::Restored(reference) => json!({"bytes": reference.bytes, "is_there": true}),
        Held::Gone { reference, why } => json!({"bytes": reference.bytes, "is_there": false, "why": why}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters_and_stands_on_one_line() {
        assert_eq!(on_one_line("a\n  b\tc"), "a b c");
        let cut = on_one_line(&"ü".repeat(MESSAGE_CHARS + 1));
        assert_eq!(cut.chars().count(), MESSAGE_CHARS + 1);
        assert!(cut.ends_with("ü…"));
        assert_eq!(on_one_line(&"ü".repeat(MESSAGE_CHARS)).chars().count(), MESSAGE_CHARS);
    }
}
