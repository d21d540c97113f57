//! Writes dead letters to a file, one JSON object a line. They are synced to disk before they count as published.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{DeadLetter, DeadLetterError, DeadLetters, LetterFault};
use crate::record::display;
use crate::record::letter::line::is_plain_object;

/// The first key of every line. A file of an earlier run is recognised by it.
const FIRST_KEY: &str = "code";

/// A file of dead letters, which is created when the first one comes.
pub struct DeadLetterFile {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

/// What to do with the letters of an earlier run in the same file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// The source (a file) begins again every time, and so do its letters.
    Replace,
    /// The source (Kafka) goes on after its commit point, so the earlier letters would be lost.
    Keep,
}

impl DeadLetterFile {
    /// Prepares the file at this path.
    ///
    /// # Errors
    /// If a file of this name holds something else than dead letters, or if its folder does not exist.
    pub fn new(path: &Path, earlier: Earlier) -> Result<Self, DeadLetterError> {
        if !is_replaceable(path).map_err(|cause| error(path, cause))? {
            let cause = std::io::Error::new(
                ErrorKind::AlreadyExists,
                "it exists and holds something else; name another file with --dead-letters",
            );
            return Err(error(path, cause));
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
            && !folder.is_dir()
        {
            let cause = std::io::Error::new(ErrorKind::NotFound, "its folder does not exist");
            return Err(error(path, cause));
        }
        if earlier == Earlier::Replace {
            match std::fs::remove_file(path) {
                Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(error(path, cause)),
                _ => {}
            }
        }
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(None),
        })
    }

    fn append(&self, letters: &[DeadLetter]) -> std::io::Result<()> {
        let mut lines = Vec::new();
        for letter in letters {
            serde_json::to_writer(&mut lines, &to_json(letter)?)?;
            lines.push(b'\n');
        }
        let mut file = self.file.lock();
        if file.is_none() {
            *file = Some(OpenOptions::new().create(true).append(true).open(&self.path)?);
        }
        if let Some(file) = file.as_mut() {
            let end = file.metadata()?.len();
            if let Err(error) = file.write_all(&lines).and_then(|()| file.sync_data()) {
                // Half a line would spoil the next line, so it is cut off.
                file.set_len(end)?;
                return Err(error);
            }
        }
        Ok(())
    }
}

fn is_replaceable(path: &Path) -> std::io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut start = Vec::new();
    std::io::Read::take(BufReader::new(file), 64).read_until(b':', &mut start)?;
    Ok(start.is_empty() || start == format!("{{\"{FIRST_KEY}\":").as_bytes())
}

/// One line without its line end. `record::letter::line` reads it back.
pub(super) fn to_json(letter: &DeadLetter) -> serde_json::Result<Box<RawValue>> {
    let position = &letter.record.position;
    let mut object = Map::new();
    object.insert(FIRST_KEY.into(), json!(letter.reject.code));
    object.insert("message".into(), json!(letter.reject.message));
    object.insert("stage".into(), json!(letter.reject.stage.to_string()));
    object.insert("topic".into(), json!(position.partition.topic.as_ref()));
    match position.line {
        Some(line) => object.insert("line".into(), json!(line)),
        None => object.insert("partition".into(), json!(position.partition.number)),
    };
    object.insert("offset".into(), json!(position.offset.0));
    object.insert("record_timestamp".into(), json!(letter.record.timestamp_ms));
    object.insert("write_timestamp".into(), json!(letter.write_time.0));
    object.insert("generation".into(), json!(letter.generation));
    object.insert("replays".into(), json!(letter.replays));
    object.insert("attempt".into(), json!(letter.attempt));
    object.insert("rejected_at".into(), json!(display::timestamp(letter.rejected_at_ms)));
    object.insert(
        "plugin".into(),
        json!({
            "name": letter.plugin.name.as_ref(),
            "version": letter.plugin.version.as_ref(),
            "digest": letter.plugin.digest.to_string(),
        }),
    );
    if !letter.record.headers.is_empty() {
        let headers = letter
            .record
            .headers
            .iter()
            .map(|header| json!([header.key, bytes(header.value.as_ref())]));
        object.insert("headers".into(), headers.collect());
    }
    object.insert("key".into(), bytes(letter.record.key.as_ref()));
    let text = serde_json::to_string(&object)?;
    // A value that is a JSON object on one line is kept byte for byte. Any other value becomes a string or hex.
    let value = match letter.record.value.as_deref().map(std::str::from_utf8) {
        Some(Ok(value)) if is_plain_object(value) => value.to_owned(),
        _ => serde_json::to_string(&bytes(letter.record.value.as_ref()))?,
    };
    RawValue::from_string(format!(
        "{},\"value\":{value}}}",
        text.strip_suffix('}').unwrap_or(&text)
    ))
}

/// Bytes as a string if they are UTF-8, or else as `{"hex": "…"}`.
fn bytes(bytes: Option<&Bytes>) -> Value {
    let Some(bytes) = bytes else { return Value::Null };
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}

fn error(path: &Path, cause: std::io::Error) -> DeadLetterError {
    let path = path.display().to_string();
    let words = format!("the dead-letter file {path} cannot be written");
    DeadLetterError::new(LetterFault::Away, &path, words, cause)
}

impl DeadLetters for DeadLetterFile {
    fn publish<'a>(&'a self, letters: &'a [DeadLetter]) -> BoxFuture<'a, Vec<Result<(), DeadLetterError>>> {
        let result = self.append(letters).map_err(|cause| error(&self.path, cause));
        Box::pin(std::future::ready(letters.iter().map(|_| result.clone()).collect()))
    }
}
