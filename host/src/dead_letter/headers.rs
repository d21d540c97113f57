//! The headers of a dead letter: Kafka Connect's names, so that existing tools show them, and our own under `host.`.
//!
//! Names and meaning are those of Connect's `DeadLetterQueueReporter` (KIP-298); values are strings.

use crate::record::reject::Stage;

use super::DeadLetter;

/// Name and value of every header that is added to the record's own.
pub fn of(letter: &DeadLetter) -> Vec<(&'static str, String)> {
    let position = &letter.record.position;
    let mut headers = vec![
        ("__connect.errors.topic", position.partition.topic.to_string()),
        ("__connect.errors.partition", position.partition.number.to_string()),
        ("__connect.errors.offset", position.offset.to_string()),
        ("__connect.errors.connector.name", "host".to_owned()),
        ("__connect.errors.task.id", position.partition.number.to_string()),
        ("__connect.errors.stage", connect_stage(letter.reject.stage).to_owned()),
        ("__connect.errors.class.name", letter.plugin.name.to_string()),
        ("__connect.errors.exception.class.name", letter.reject.code.to_string()),
        ("__connect.errors.exception.message", letter.reject.message.clone()),
        ("host.stage", letter.reject.stage.to_string()),
        ("host.code", letter.reject.code.to_string()),
        ("host.plugin.name", letter.plugin.name.to_string()),
        ("host.plugin.version", letter.plugin.version.to_string()),
        ("host.plugin.digest", letter.plugin.digest.to_string()),
        ("host.attempt", letter.attempt.to_string()),
        ("host.write-timestamp", letter.write_time.0.to_string()),
    ];
    if let Some(timestamp_ms) = letter.record.timestamp_ms {
        headers.push(("host.record-timestamp", timestamp_ms.to_string()));
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
