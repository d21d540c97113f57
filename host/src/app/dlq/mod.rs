//! `host dlq`: lists and shows dead letters, and sends them through the pipeline again.

mod dry_run;
pub mod list;
mod one_letter;
mod reading;
pub mod replay;
pub mod show;
pub mod value;

use super::failure::Failure;
use super::wire::Settings;
use crate::config::settings::DeadLetters;
use crate::pipeline::commit::write_time::now_ms;
use crate::record::letter::filter::Filter;
use crate::source::letters::{LettersLocation, LettersTopic};

/// `--where KEY=VALUE`, as typed.
pub type Conditions = Vec<(String, String)>;

/// Where the dead letters of these settings are.
fn place(settings: &Settings) -> LettersLocation {
    match &settings.dead_letters {
        DeadLetters::Topic(name) => LettersLocation::Topic(LettersTopic {
            connection: settings.kafka.clone(),
            name: name.clone(),
            group: format!("{}.dlq-replay", settings.source.group),
        }),
        DeadLetters::File(path) => LettersLocation::File(path.clone()),
    }
}

fn filter(conditions: &Conditions) -> Result<Filter, Failure> {
    Filter::parse(conditions, now_ms()).map_err(|error| Failure::Usage(error.into()))
}

fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    use anyhow::Context as _;
    result.context("cannot write").map_err(Failure::Failed)
}
