//! The headers that a dead letter gets behind its record's own. `record::letter` has the names and reads them back.
//!
//! Names and meaning are those of Connect's `DeadLetterQueueReporter` (KIP-298), and our own; values are strings.

use crate::record::display;
use crate::record::letter::headers as names;
use crate::record::reject::Stage;

use super::DeadLetter;

/// Name and value of every header that is added to the record's own.
pub fn of(letter: &DeadLetter) -> Vec<(&'static str, String)> {
    let position = &letter.record.position;
    let mut headers = vec![
        // First, since a letter is read back from here on.
        (names::TOPIC, position.partition.topic.to_string()),
        (names::PARTITION, position.partition.number.to_string()),
        (names::OFFSET, position.offset.to_string()),
        (names::CONNECTOR, "host".to_owned()),
        (names::TASK, position.partition.number.to_string()),
        (names::CONNECT_STAGE, connect_stage(letter.reject.stage).to_owned()),
        (names::CLASS, letter.plugin.name.to_string()),
        (names::EXCEPTION_CLASS, letter.reject.code.to_string()),
        (names::MESSAGE, letter.reject.message.clone()),
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
    headers
}

/// Our stages by the names of Connect's `Stage`.
fn connect_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Decode => "VALUE_CONVERTER",
        Stage::Transform => "TRANSFORMATION",
        Stage::Write => "TASK_PUT",
    }
}

#[cfg(test)]
mod tests;
