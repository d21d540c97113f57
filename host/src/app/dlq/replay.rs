//! `host dlq replay`: sends letters through decoder, plugin and sink again, with the write timestamps of their records.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::reading::{Reading, say_letters};
use super::{Conditions, dry_run, filter, place};
use crate::app::failure::Failure;
use crate::app::wire::Settings;
use crate::app::wire::component;
use crate::app::wire::services::{registry_failure, source_failure};
use crate::app::wire::sinks::{self, Sinks};
use crate::app::{say, signals};
use crate::codec::Decoder;
use crate::codec::registry::Registry;
use crate::dead_letter::file::{DeadLetterFile, Earlier};
use crate::dead_letter::topic::DeadLetterTopic;
use crate::dead_letter::{DeadLetterError, DeadLetters};
use crate::pipeline::batch::version::Version;
use crate::pipeline::flow::parts::Parts;
use crate::pipeline::flow::supervisor::{self, Ended};
use crate::pipeline::trouble::budget::{Allowance, Budget};
use crate::pipeline::watch::trace::Traces;
use crate::plugin::Plugin;
use crate::record::letter::filter::Filter;
use crate::record::letter::replay::Selection;
use crate::source::bounds::Bounds;
use crate::source::error::SourceError;
use crate::source::letters::replay::{Prepared, prepare};
use crate::source::letters::{LettersLocation, Tally, file};
use crate::source::{Running, Until};

/// The letters to replay, and whether they are replayed.
pub struct Options {
    pub conditions: Conditions,
    /// A record that was replayed this often is passed over.
    pub max_replays: u32,
    /// The lowest generation to write with, if it is to be higher than what earlier replays leave.
    pub generation: Option<u8>,
    pub mode: Mode,
}

/// Whether a replay writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Real,
    /// Writes nothing and commits nothing.
    Dry,
}

/// Replays the letters, or prints what a replay would do. The last lines go to `summary`, never mixed with rows.
pub async fn run(settings: &Settings, options: &Options, summary: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let filter = filter(&options.conditions)?;
    let plugin = Arc::new(component::load(&settings.plugin)?);
    let registry = Registry::new(&settings.registry).map_err(registry_failure)?;
    let decoder = Decoder::new(&plugin.descriptor().inputs, Some(registry));
    let place = place(settings);
    let letters = match &place {
        LettersLocation::File(path) => Letters::File(path.clone()),
        LettersLocation::Topic(topic) => {
            let fingerprint = fingerprint(settings, &plugin, &filter, options);
            let (topic, generation) = (topic.clone(), options.generation);
            let asked = tokio::task::spawn_blocking(move || prepare(&topic, &fingerprint, generation)).await;
            Letters::Topic(Box::new(answered(asked)?))
        }
    };
    let prepared = letters.prepared();
    let floor = prepared.map_or(options.generation.unwrap_or(1), Prepared::floor);
    let selection = Selection {
        filter,
        max_replays: options.max_replays,
        floor,
    };
    if options.mode == Mode::Dry {
        let reading = Reading {
            ranges: prepared.map(|prepared| prepared.ranges().clone()),
            place,
            selection,
        };
        return dry_run::run(&plugin, &decoder, reading, summary).await;
    }
    let (sinks, sink) = Sinks::open(settings, sinks::connect(settings), plugin.descriptor()).await?;
    let dead_letters = open_letters(settings, &place)?;
    // The letters are started last, since from here on this replay takes over from any other.
    let is_resumed = prepared.is_some_and(Prepared::is_resumed);
    let (running, tally) = letters.start(selection, settings.source.bounds).await?;
    let identity = plugin.identity();
    tracing::info!(plugin = %identity.name, version = %identity.version, digest = %identity.digest,
        generation = floor, resumed = is_resumed, "replaying");
    let version = Version { plugin, decoder, sink };
    let (budget, config) = (unlimited(settings), settings.pipeline.clone());
    let parts = Arc::new(Parts::new(version, dead_letters, budget, config, Traces::default()));
    let begun = Instant::now();
    let ended = tokio::select! {
        ended = supervisor::run(Arc::clone(&parts), running, Until::End, signals::first_then_abort()) => ended,
        () = sinks.closed() => return Ok(()),
    };
    say::counts(summary, &parts.watch.totals.counts(), begun.elapsed())?;
    say_letters(summary, tally.counts(), floor)
        .context("cannot write")
        .map_err(Failure::Failed)?;
    match (ended, place) {
        (Err(error), _) => Err(Failure::Failed(error.into())),
        (Ok(Ended::Stopped), LettersLocation::File(_)) => Err(Failure::Failed(anyhow::anyhow!(
            "stopped before the end of the file; a replay of it starts at its beginning"
        ))),
        (Ok(Ended::Stopped), LettersLocation::Topic(_)) => {
            tracing::info!("stopped; the same command goes on where it was");
            Ok(())
        }
        (Ok(Ended::AtEnd), _) => Ok(()),
    }
}

/// The letters, after their file or topic was found.
enum Letters {
    File(PathBuf),
    Topic(Box<Prepared>),
}

impl Letters {
    fn prepared(&self) -> Option<&Prepared> {
        match self {
            Self::Topic(prepared) => Some(prepared),
            Self::File(_) => None,
        }
    }

    async fn start(self, selection: Selection, bounds: Bounds) -> Result<(Running, Arc<Tally>), Failure> {
        match self {
            Self::File(path) => file::start(&path, selection, &bounds).map_err(source_failure),
            Self::Topic(prepared) => {
                answered(tokio::task::spawn_blocking(move || prepared.start(selection, &bounds)).await)
            }
        }
    }
}

/// Most of what was refused once may be refused again: that says nothing about the plugin.
fn unlimited(settings: &Settings) -> Budget {
    let unlimited = |share: Allowance| Allowance { percent: 100, ..share };
    let pipeline = &settings.pipeline;
    Budget::new(unlimited(pipeline.reject_budget), unlimited(pipeline.fault_budget))
}

/// Records that are refused again go to where they came from; out of a file, into a file beside it.
fn open_letters(settings: &Settings, place: &LettersLocation) -> Result<Arc<dyn DeadLetters>, Failure> {
    let usage = |error: DeadLetterError| Failure::Usage(error.into());
    Ok(match place {
        LettersLocation::Topic(topic) => Arc::new(DeadLetterTopic::new(&settings.kafka, &topic.name).map_err(usage)?),
        LettersLocation::File(path) => {
            let again = path.with_extension("again.ndjson");
            let letters = DeadLetterFile::new(Path::new(&again), Earlier::Replace);
            Arc::new(letters.map_err(usage)?)
        }
    })
}

/// A hash of plugin, settings, filter and sink. A replay with the same fingerprint continues the earlier one.
fn fingerprint(settings: &Settings, plugin: &Plugin, filter: &Filter, options: &Options) -> String {
    let sink = settings.to.identity();
    let mut given = settings.plugin.settings.clone();
    given.sort();
    let all = format!(
        "{:?}",
        (
            plugin.identity().digest,
            given,
            filter.to_string(),
            options.max_replays,
            options.generation,
            sink
        )
    );
    let digest = Sha256::digest(all.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn answered<T>(answer: Result<Result<T, SourceError>, tokio::task::JoinError>) -> Result<T, Failure> {
    answer
        .context("asking the brokers failed")
        .map_err(Failure::Failed)?
        .map_err(source_failure)
}
