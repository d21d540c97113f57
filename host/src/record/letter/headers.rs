//! Names the headers of a dead letter, and reads a letter back from them. Some have Kafka Connect's names, so that
//! existing tools show them; our own begin with `host.`.
//!
//! Our headers come after the record's own, beginning with [`TOPIC`]. The record itself may be a dead letter, of
//! another program or of ours, with headers of the same names. So only the last block is ours, and everything before it
//! is the record's.

use std::str::FromStr;
use std::sync::Arc;

use chrono::DateTime;

use super::reference::{Held, Reference};
use super::replay::MAX_GENERATION;
use super::{Letter, NotALetter, PluginName};
use crate::record::position::{Offset, Partition, Position, WriteTime};
use crate::record::reject::Reject;
use crate::record::stage::Stage;
use crate::record::{Header, Record};

/// The record's topic. This is the first of our headers.
pub const TOPIC: &str = "__connect.errors.topic";
/// The record's partition.
pub const PARTITION: &str = "__connect.errors.partition";
/// The record's offset.
pub const OFFSET: &str = "__connect.errors.offset";
/// Is `host`, where Connect names a connector.
pub const CONNECTOR: &str = "__connect.errors.connector.name";
/// The record's partition, where Connect names a task.
pub const TASK: &str = "__connect.errors.task.id";
/// Connect's name for the stage that refused the record.
pub const CONNECT_STAGE: &str = "__connect.errors.stage";
/// The plugin's name, where Connect names a class.
pub const CLASS: &str = "__connect.errors.class.name";
/// The reject's code, where Connect names an exception.
pub const EXCEPTION_CLASS: &str = "__connect.errors.exception.class.name";
/// The reject's message.
pub const MESSAGE: &str = "__connect.errors.exception.message";
/// The stage that refused the record.
pub const STAGE: &str = "host.stage";
/// The reject's code.
pub const CODE: &str = "host.code";
/// The plugin's name.
pub const PLUGIN_NAME: &str = "host.plugin.name";
/// The plugin's version.
pub const PLUGIN_VERSION: &str = "host.plugin.version";
/// The digest of the plugin's component.
pub const PLUGIN_DIGEST: &str = "host.plugin.digest";
/// How often publishing the letter was tried, counted from 1.
pub const ATTEMPT: &str = "host.attempt";
/// The write timestamp that the record's rows would have had.
pub const WRITE_TIMESTAMP: &str = "host.write-timestamp";
/// The generation within the write timestamp.
pub const GENERATION: &str = "host.generation";
/// How often the record had been replayed.
pub const REPLAYS: &str = "host.replays";
/// When the record was rejected, in RFC 3339.
pub const REJECTED_AT: &str = "host.rejected-at";
/// The record's own timestamp in milliseconds since 1970, if it had one.
pub const RECORD_TIMESTAMP: &str = "host.record-timestamp";
/// Is [`BY_REFERENCE`] if the letter's topic could not hold the value. The record itself has it.
pub const VALUE: &str = "host.value";
/// The same for the record's own headers.
pub const HEADERS: &str = "host.headers";
/// The same for the key.
pub const KEY: &str = "host.key";
/// Bytes of the value, if it is not in the letter.
pub const VALUE_BYTES: &str = "host.value.bytes";
/// The fingerprint that identifies the record, if the letter does not hold all of it: `letter::reference::fingerprint`.
pub const RECORD_SHA256: &str = "host.record.sha256";
/// The value of [`VALUE`], [`HEADERS`] and [`KEY`] for a part that is not in the letter.
pub const BY_REFERENCE: &str = "by-reference";

/// Reads the letter that a record of a dead-letter topic holds.
///
/// # Errors
/// If another program wrote it, or if its headers do not have our form.
pub fn read(message: &Record) -> Result<Letter, NotALetter> {
    let is_first = |header: &Header| header.key == TOPIC;
    let start = message.headers.iter().rposition(is_first);
    let (own, ours) = message.headers.split_at(start.ok_or(NotALetter::Missing(TOPIC))?);
    let ours = Block(ours);
    // This header comes first, since it tells our letters from those of Kafka Connect.
    let code = ours.text(CODE)?.to_owned();
    let generation = ours.read_or(GENERATION, 0)?;
    if generation > MAX_GENERATION {
        return Err(unreadable(GENERATION, &generation));
    }
    let write_time: i64 = ours.read(WRITE_TIMESTAMP)?;
    let rejected_at = ours.find(REJECTED_AT)?.map(|text| {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| unreadable(REJECTED_AT, &text));
        time.map(|time| time.timestamp_millis())
    });
    let record = Record {
        position: Position {
            partition: Arc::new(Partition {
                topic: ours.text(TOPIC)?.into(),
                number: ours.read(PARTITION)?,
            }),
            offset: Offset(ours.read(OFFSET)?),
            line: None,
        },
        timestamp_ms: match ours.find(RECORD_TIMESTAMP)? {
            Some(_) => Some(ours.read(RECORD_TIMESTAMP)?),
            None => None,
        },
        key: message.key.clone(),
        value: message.value.clone(),
        headers: own.to_vec(),
        redriven: None,
    };
    Ok(Letter {
        record,
        reject: Reject::new(ours.read::<Stage>(STAGE)?, code, ours.text(MESSAGE)?),
        plugin: PluginName {
            name: ours.text(PLUGIN_NAME)?.to_owned(),
            version: ours.text(PLUGIN_VERSION)?.to_owned(),
            digest: ours.text(PLUGIN_DIGEST)?.to_owned(),
        },
        attempt: ours.read(ATTEMPT)?,
        write_time: WriteTime(write_time),
        generation,
        replays: ours.read_or(REPLAYS, 0)?,
        rejected_at_ms: rejected_at.transpose()?,
        held: held(&ours)?,
    })
}

/// Where to find the record's parts.
fn held(ours: &Block<'_>) -> Result<Held, NotALetter> {
    let mut is_whole = true;
    for name in [VALUE, HEADERS, KEY] {
        match ours.find(name)? {
            None => {}
            Some(BY_REFERENCE) => is_whole = false,
            Some(text) => return Err(unreadable(name, &text)),
        }
    }
    if is_whole {
        return Ok(Held::Whole);
    }
    Ok(Held::ByReference(Reference {
        bytes: ours.read_or(VALUE_BYTES, 0)?,
        sha256: ours.text(RECORD_SHA256)?.to_owned(),
    }))
}

fn unreadable(name: &'static str, text: &impl ToString) -> NotALetter {
    NotALetter::Unreadable {
        name,
        text: text.to_string(),
    }
}

/// Our headers of one letter.
struct Block<'a>(&'a [Header]);

impl<'a> Block<'a> {
    fn find(&self, name: &'static str) -> Result<Option<&'a str>, NotALetter> {
        let Some(header) = self.0.iter().rev().find(|header| header.key == name) else {
            return Ok(None);
        };
        let bytes = header.value.as_deref().unwrap_or_default();
        let text = std::str::from_utf8(bytes);
        text.map(Some)
            .map_err(|_| unreadable(name, &String::from_utf8_lossy(bytes)))
    }

    fn text(&self, name: &'static str) -> Result<&'a str, NotALetter> {
        self.find(name)?.ok_or(NotALetter::Missing(name))
    }

    fn read<T: FromStr>(&self, name: &'static str) -> Result<T, NotALetter> {
        let text = self.text(name)?;
        text.parse().map_err(|_| unreadable(name, &text))
    }

    /// Reads a header that early letters did not have.
    fn read_or<T: FromStr>(&self, name: &'static str, otherwise: T) -> Result<T, NotALetter> {
        match self.find(name)? {
            Some(_) => self.read(name),
            None => Ok(otherwise),
        }
    }
}
