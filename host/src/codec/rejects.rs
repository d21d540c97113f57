//! The rejects of the codec: their codes and messages.

use std::borrow::Cow;

use super::value::RecordValue;
use crate::record::descriptor::{Input, Origin};
use crate::record::reject::Reject;
use crate::record::stage::Stage;

/// The most characters of a message about a schema. It fills several lines of a terminal and is small in a dead
/// letter's header. The registry's own words may have any length.
const MAX_CHARS: usize = 2_000;

/// The Avro value cannot be read.
pub fn bad_avro(message: impl Into<String>) -> Reject {
    Reject::new(Stage::Decode, "bad-avro", message)
}

/// The JSON value cannot be read.
pub fn bad_json(message: impl Into<String>) -> Reject {
    Reject::new(Stage::Decode, "bad-json", message)
}

/// The schema of the value cannot be fetched or read.
pub fn unknown_schema(message: impl Into<String>) -> Reject {
    let mut message = message.into();
    if let Some((end, _)) = message.char_indices().nth(MAX_CHARS) {
        message.truncate(end);
        message.push('…');
    }
    Reject::new(Stage::Decode, "unknown-schema", message)
}

/// The registry does not know the id of the schema.
pub fn unknown_id(id: u32) -> Reject {
    unknown_schema(format!(
        "the value is framed as Avro, but the registry knows no schema {id}"
    ))
}

/// The value is Avro, but there is no registry.
pub fn no_registry(id: u32) -> Reject {
    let message = format!("the value is Avro with schema {id}, but no schema registry is configured");
    Reject::new(Stage::Decode, "no-registry", message)
}

/// The record has no value, but the plugin takes fields of it.
pub fn tombstone() -> Reject {
    Reject::new(Stage::Decode, "tombstone", "the record has no value")
}

/// The record lacks something that may not be null.
pub fn missing_field(input: &Input) -> Reject {
    let message = format!("{} is missing", subject(input));
    Reject::new(Stage::Decode, "missing-field", message)
}

/// The record has a null where none may be.
pub fn null_field(input: &Input) -> Reject {
    let message = format!("{} is null, expected {}", subject(input), input.field.data_type);
    Reject::new(Stage::Decode, "null-field", message)
}

/// The value does not fit the input's data type.
pub fn bad_type(input: &Input, found: &RecordValue<'_>) -> Reject {
    let message = format!("{} is {found}, expected {}", subject(input), input.field.data_type);
    Reject::new(Stage::Decode, "bad-type", message)
}

/// The record does not fit into the columns of its batch.
pub fn batch_full() -> Reject {
    let message = "the values of the batch up to this record have more than 2 GiB";
    Reject::new(Stage::Decode, "bad-type", message)
}

fn subject(input: &Input) -> Cow<'_, str> {
    match &input.origin {
        Origin::Value(name) => format!("field {name}").into(),
        other => other.to_string().into(),
    }
}
