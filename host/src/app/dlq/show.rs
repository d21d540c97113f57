//! `host dlq show`: shows everything that is in a letter.

use std::collections::BTreeSet;
use std::io::Write;
use std::str::FromStr;

use serde_json::{Value, json};

use super::value::{Shown, Values};
use super::{Conditions, filter, one_letter, place, written};
use crate::app::failure::Failure;
use crate::app::say::OutputFormat;
use crate::app::wire::Settings;
use crate::app::wire::services::source_failure;
use crate::record::display::{hexadecimal, timestamp};
use crate::record::letter::reference::Held;
use crate::record::letter::{Found, Letter};
use crate::record::{Header, Record};
use crate::source::error::SourceError;
use crate::source::letters::read::{Ranges, References, read};

/// `PARTITION@OFFSET` of a letter in its topic, or its line in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    pub partition: i32,
    pub offset: i64,
}

/// The options of `host dlq show`.
pub struct Options {
    /// If this is empty, all letters that the conditions take are shown.
    pub letters: Vec<Address>,
    pub conditions: Conditions,
    pub form: OutputFormat,
}

impl FromStr for Address {
    type Err = String;

    /// The part before the last `/` is the topic that `list` shows with it.
    fn from_str(text: &str) -> Result<Self, String> {
        let short = text.rsplit('/').next().unwrap_or(text);
        let (partition, offset) = short.split_once('@').unwrap_or(("0", short));
        match (partition.parse(), offset.parse()) {
            (Ok(partition), Ok(offset)) if partition >= 0 && offset >= 0 => Ok(Self { partition, offset }),
            _ => Err("write it as PARTITION@OFFSET of the letter, of a file as its line".to_owned()),
        }
    }
}

/// Prints the letters at the given addresses that the conditions also take, or all that they take if there are no
/// addresses.
///
/// # Errors
/// A condition is wrong (exit code 2), a letter is not there (1), or the letters cannot be read.
pub async fn run(settings: &Settings, options: &Options, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let filter = filter(&options.conditions)?;
    let values = Values::new(&settings.registry);
    let wanted: BTreeSet<_> = options.letters.iter().copied().collect();
    if wanted.is_empty() {
        return show(
            read(place(settings), None, References::Restored),
            &|found| found.letter.as_ref().is_ok_and(|letter| filter.takes(letter)),
            &values,
            options.form,
            out,
        )
        .await
        .map(drop);
    }
    let mut ranges = Ranges::new();
    for address in &wanted {
        let range = ranges
            .entry(address.partition)
            .or_insert(address.offset..address.offset + 1);
        range.start = range.start.min(address.offset);
        range.end = range.end.max(address.offset + 1);
    }
    let is_wanted = |found: &Found| {
        let at = &found.at;
        let address = Address {
            partition: at.partition.number,
            offset: at.offset.0,
        };
        wanted.contains(&address) && found.letter.as_ref().map_or(true, |letter| filter.takes(letter))
    };
    let shown = show(
        read(place(settings), Some(ranges), References::Restored),
        &is_wanted,
        &values,
        options.form,
        out,
    )
    .await?;
    match wanted.len().saturating_sub(shown) {
        0 => Ok(()),
        missing => Err(Failure::Failed(anyhow::anyhow!(
            "{missing} of the letters asked for are not there; `host dlq list` shows which are"
        ))),
    }
}

/// Shows the letters that are wanted, and returns how many there were.
async fn show(
    mut reading: tokio::sync::mpsc::Receiver<Result<Found, SourceError>>,
    is_wanted: &(dyn Fn(&Found) -> bool + Sync),
    values: &Values,
    form: OutputFormat,
    out: &mut (dyn Write + Send),
) -> Result<usize, Failure> {
    let mut shown = 0;
    while let Some(found) = reading.recv().await {
        let found = found.map_err(source_failure)?;
        if !is_wanted(&found) {
            continue;
        }
        let record = found.letter.as_ref().map_or(&found.message, |letter| &letter.record);
        let value = values.show(record).await;
        written(match form {
            OutputFormat::Json => writeln!(out, "{}", in_json(&found, record, &value)),
            OutputFormat::Text => {
                let between = if shown > 0 { "\n" } else { "" };
                write!(out, "{between}{}", in_words(&found, record, &value))
            }
        })?;
        shown += 1;
    }
    Ok(shown)
}

fn in_json(found: &Found, record: &Record, value: &Shown) -> Value {
    let mut object = one_letter::json(found);
    object.insert("key".into(), record.key.as_deref().map(bytes).into());
    let headers = record.headers.iter();
    let headers = headers.map(|Header { key, value }| json!([key, value.as_deref().map(bytes)]));
    object.insert("headers".into(), headers.collect());
    object.insert("value".into(), value.json());
    Value::Object(object)
}

fn in_words(found: &Found, record: &Record, value: &Shown) -> String {
    let mut lines = vec![format!("letter       {}", found.at)];
    match &found.letter {
        Ok(letter) => lines.extend(reason(letter)),
        Err(why) => {
            lines.push(format!("             not a dead letter of host: {why}"));
            if let Some(made_ms) = record.timestamp_ms {
                lines.push(format!("made         {}", timestamp(made_ms)));
            }
        }
    }
    lines.push(format!("key          {}", quoted(record.key.as_deref())));
    if !record.headers.is_empty() {
        lines.push("headers".to_owned());
        let header = |header: &Header| format!("  {}  {}", header.key, quoted(header.value.as_deref()));
        lines.extend(record.headers.iter().map(header));
    }
    let size = record.value.as_ref().map_or(0, bytes::Bytes::len);
    let held = found.letter.as_ref().map_or(&Held::Whole, |letter| &letter.held);
    match held {
        Held::Whole => {}
        Held::Restored(_) => lines.push(format!("             not in the letter: read from {}", record.position)),
        Held::ByReference(reference) | Held::Gone { reference, .. } => {
            let why = match held {
                Held::Gone { why, .. } => why.as_str(),
                _ => "it was not read",
            };
            lines.push(format!(
                "value        {} bytes, only at {}: {why}",
                reference.bytes, record.position
            ));
        }
    }
    match value {
        Shown::Nothing if matches!(held, Held::ByReference(_) | Held::Gone { .. }) => {}
        Shown::Nothing => lines.push("value        null (a tombstone)".to_owned()),
        Shown::Json { format, text } => lines.push(format!("value        {format}, {size} bytes\n{text}")),
        Shown::Text(text) => lines.push(format!("value        text, {size} bytes\n{text}")),
        Shown::Hexadecimal { digits, why } => {
            lines.push(format!("value        {size} bytes, shown in hex: {why}\n{digits}"));
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn reason(letter: &Letter) -> Vec<String> {
    let Letter { record, reject, .. } = letter;
    let made = one_letter::time(record.timestamp_ms);
    let rejected = one_letter::time(letter.rejected_at_ms);
    let plugin = &letter.plugin;
    vec![
        format!("record       {} of {made}", record.position),
        format!("rejected     {rejected}, {}, {reject}", reject.stage),
        format!("plugin       {} {} {}", plugin.name, plugin.version, plugin.digest),
        format!(
            "write time   {}, generation {}, replayed {} times",
            letter.write_time.0, letter.generation, letter.replays
        ),
    ]
}

fn quoted(bytes: Option<&[u8]>) -> String {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => "null".to_owned(),
        Some((_, Ok(text))) => format!("{text:?}"),
        Some((bytes, Err(_))) => hexadecimal(bytes),
    }
}

/// Bytes in the form that letters in files have.
fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({"hex": hexadecimal(bytes).trim_start_matches("0x")}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_named_as_list_shows_it_or_shorter() {
        let address = Ok(Address {
            partition: 3,
            offset: 17,
        });
        assert_eq!("3@17".parse::<Address>(), address);
        assert_eq!("orders-dlq/3@17".parse::<Address>(), address);
        assert_eq!(
            "17".parse::<Address>(),
            Ok(Address {
                partition: 0,
                offset: 17
            })
        );
        for bad in ["", "@", "3@", "x@1", "-1@2", "1@-2", "1@2@3"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
