//! `host explain`: fetches one record and shows what is in it, the plugin's outcome for it, and the statements that
//! would write it. Nothing is written.

mod fixture;
mod outcome;
mod write_time;

use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;

use crate::app::dlq::value::{Shown, Values};
use crate::app::failure::Failure;
use crate::app::wire::Settings;
use crate::app::wire::component;
use crate::app::wire::services::{registry_failure, source_failure};
use crate::codec::registry::Registry;
use crate::codec::{CodecError, Decoder};
use crate::kafka::fetch::{FetchError, Fetched, Wanted, fetch};
use crate::pipeline::batch::make::{MakeError, Warm, make};
use crate::plugin::Plugin;
use crate::record::display::{hexadecimal, text, timestamp};
use crate::record::{Record, columns::Batch};

/// `TOPIC/PARTITION@OFFSET`, as the program writes positions everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `None` means the topic of the settings.
    pub topic: Option<String>,
    pub partition: i32,
    pub offset: i64,
}

/// The options of `host explain`.
pub struct Options {
    pub address: Address,
    /// At most so many earlier records are read to work out the write timestamp.
    pub behind: u32,
    /// Where to write the record as a fixture.
    pub save: Option<PathBuf>,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write it as TOPIC/PARTITION@OFFSET, for example ecommerce-orders/0@17".to_owned();
        let (place, offset) = text.rsplit_once('@').ok_or_else(wrong)?;
        let (topic, partition) = match place.rsplit_once('/') {
            Some((topic, partition)) => (Some(topic), partition),
            None => (None, place),
        };
        match (partition.parse(), offset.parse()) {
            (Ok(partition), Ok(offset)) if partition >= 0 && offset >= 0 && topic != Some("") => Ok(Self {
                topic: topic.map(str::to_owned),
                partition,
                offset,
            }),
            _ => Err(wrong()),
        }
    }
}

/// Fetches the record, calls the plugin with it alone, and prints both with what a run would write. A record that is
/// rejected is explained like any other.
///
/// # Errors
/// The plugin cannot be loaded, the brokers or the registry do not answer, or the record is not there.
pub async fn run(settings: &Settings, options: &Options, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let plugin = Arc::new(component::load(&settings.plugin)?);
    let Fetched { record, before, known } = fetched(settings, options).await?;
    let time = write_time::of(&record, &before, known, settings.pipeline.generation);
    let registry = Registry::new(&settings.registry).map_err(registry_failure)?;
    let decoder = Decoder::new(&plugin.descriptor().inputs, Some(registry));
    let made = make(&plugin, &decoder, std::slice::from_ref(&record), &mut Warm::default()).await;
    let made = made.map_err(|error| match error {
        MakeError::Codec(CodecError::RegistryUnreachable(error) | CodecError::RegistryLogin(error)) => {
            registry_failure(error)
        }
        MakeError::Guest(error) => Failure::Failed(error.into()),
    })?;
    let value = Values::new(&settings.registry).show(&record).await;
    let input = made.input.clone();
    let outcome = outcome::of(made, &time);
    if let Some(path) = &options.save {
        fixture::save(path, &plugin, &record, &input)?;
    }
    let explained = outcome::explained(settings, &plugin, outcome, &record, &time).await?;
    let shown = show_record(out, &record, &value)
        .and_then(|()| show_input(out, &plugin, &input))
        .and_then(|()| writeln!(out, "{explained}"))
        .and_then(|()| writeln!(out, "\n{time}"));
    shown.context("cannot write").map_err(Failure::Failed)
}

async fn fetched(settings: &Settings, options: &Options) -> Result<Fetched, Failure> {
    let Address {
        topic,
        partition,
        offset,
    } = options.address.clone();
    let wanted = Wanted {
        topic: topic.unwrap_or_else(|| settings.topic.clone()),
        partition,
        offset,
        behind: options.behind,
        group: settings.source.group.clone(),
    };
    let connection = settings.kafka.clone();
    let fetched = tokio::task::spawn_blocking(move || fetch(&connection, &wanted)).await;
    fetched
        .context("asking the brokers failed")
        .map_err(Failure::Failed)?
        .map_err(|error| match error {
            FetchError::Client(error) => source_failure(error),
            error => Failure::Usage(error.into()),
        })
}

fn show_record(out: &mut dyn Write, record: &Record, value: &Shown) -> std::io::Result<()> {
    let bytes = |part: &[u8]| match std::str::from_utf8(part) {
        Ok(text) => format!("{text:?}"),
        Err(_) => hexadecimal(part),
    };
    writeln!(out, "record     {}", record.position)?;
    match record.timestamp_ms {
        Some(ms) => writeln!(out, "timestamp  {} ({ms} ms)", timestamp(ms))?,
        None => writeln!(out, "timestamp  none")?,
    }
    let key = record.key.as_deref().map_or_else(|| "none".to_owned(), bytes);
    writeln!(out, "key        {key}")?;
    for header in &record.headers {
        let value = header.value.as_deref().map_or_else(|| "null".to_owned(), bytes);
        writeln!(out, "header     {} = {value}", header.key)?;
    }
    let size = record.value.as_ref().map_or(0, Bytes::len);
    match value {
        Shown::Nothing => writeln!(out, "value      none (a tombstone)"),
        Shown::Json { format, text } => {
            let schema = schema_id(record).map_or_else(String::new, |id| format!(", schema {id}"));
            writeln!(out, "value      {size} bytes, {format}{schema}")?;
            text.lines().try_for_each(|line| writeln!(out, "  {line}"))
        }
        Shown::Text(text) => writeln!(out, "value      {size} bytes, text\n  {text}"),
        Shown::Hexadecimal { digits, why } => writeln!(out, "value      {size} bytes, {why}\n  {digits}"),
    }
}

/// The schema's id in Confluent's framing.
fn schema_id(record: &Record) -> Option<u32> {
    match record.value.as_deref()? {
        [0, a, b, c, d, ..] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => None,
    }
}

fn show_input(out: &mut dyn Write, plugin: &Plugin, batch: &Batch) -> std::io::Result<()> {
    writeln!(out, "\ninput of {}", plugin.identity().name)?;
    if batch.rows == 0 {
        return writeln!(out, "  none: the record does not decode");
    }
    let inputs = &plugin.descriptor().inputs;
    let width = inputs.iter().map(|input| input.field.name.len()).max().unwrap_or(0);
    for (input, column) in inputs.iter().zip(&batch.columns) {
        let value = text(&input.field, column, 0).map_or_else(|| "null".to_owned(), |text| format!("{text:?}"));
        let (name, kind, origin) = (&input.field.name, input.field.data_type, &input.origin);
        writeln!(out, "  {name:width$}  {value}  ({kind}, from {origin})")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_the_program_prints() {
        let address = |topic: Option<&str>, partition, offset| {
            Ok(Address {
                topic: topic.map(str::to_owned),
                partition,
                offset,
            })
        };
        assert_eq!(
            "ecommerce-orders/2@17".parse(),
            address(Some("ecommerce-orders"), 2, 17)
        );
        assert_eq!("2@17".parse(), address(None, 2, 17));
        for wrong in [
            "",
            "orders",
            "orders/2",
            "orders@5",
            "orders/x@5",
            "orders/1@-5",
            "orders/-1@5",
            "/1@5",
            "orders/1@",
        ] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
