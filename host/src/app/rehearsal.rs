//! A file through a plugin with nothing behind it: what `host try` shows and `host verify` expects.

use std::sync::Arc;

use anyhow::Context as _;

use super::failure::Failure;
use super::load_plugin;
use super::services::source_failure;
use crate::codec::Decoder;
use crate::config::settings::{From, Settings};
use crate::pipeline::isolate::Guest;
use crate::plugin::{Instance, Plugin};
use crate::record::Record;
use crate::record::descriptor::{Outcome, Rows};
use crate::record::reject::Reject;
use crate::source::gauge::Gauge;
use crate::source::{Event, Running, file};

/// A plugin and the file that it is rehearsed with.
pub struct Rehearsal {
    plugin: Plugin,
    decoder: Decoder,
    running: Running,
    instance: Option<Instance>,
    /// Tells the source that records are done with, or it would stop reading ahead.
    gauge: Option<Arc<Gauge>>,
    /// Rows of the file that are no rows.
    skipped: u64,
}

/// What became of some records, in the order of the file.
pub struct Scene {
    pub records: Vec<Record>,
    pub rows: Vec<Rows>,
    pub filtered: usize,
    /// By record.
    pub rejects: Vec<(usize, Reject)>,
}

impl Rehearsal {
    /// # Errors
    /// The plugin is none, or the file cannot be read.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let plugin = load_plugin(&settings.plugin)?;
        let started = match &settings.from {
            From::Csv(path) => file::start(file::Format::Csv, path, &settings.source),
            From::Ndjson(path) => file::start(file::Format::Ndjson, path, &settings.source),
            From::Kafka { .. } => {
                return Err(Failure::Usage(anyhow::anyhow!(
                    "this takes a file: FILE.csv or FILE.ndjson"
                )));
            }
        };
        let running = started.map_err(source_failure)?;
        let decoder = Decoder::new(&plugin.descriptor().inputs, None);
        Ok(Self {
            plugin,
            decoder,
            running,
            instance: None,
            gauge: None,
            skipped: 0,
        })
    }

    /// Fails where rows of the file were no rows, so that what was shown is not the whole of it.
    pub fn check_whole(&self) -> Result<(), Failure> {
        match self.skipped {
            0 => Ok(()),
            skipped => Err(Failure::Failed(anyhow::anyhow!(
                "{skipped} rows of the file could not be read and were skipped"
            ))),
        }
    }

    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The next records of the file; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Scene>, Failure> {
        loop {
            match self.running.events.recv().await {
                // A file is one partition.
                Some(Event::Assigned(assigned)) => self.gauge = assigned.into_iter().map(|file| file.gauge).next(),
                Some(Event::Records { records, .. }) => {
                    if let Some(gauge) = &self.gauge {
                        gauge.subtract(records.len(), records.iter().map(Record::size).sum());
                    }
                    return self.play(records).await.map(Some);
                }
                Some(Event::Skipped { rows }) => self.skipped += rows,
                Some(Event::Failed(error)) => return Err(source_failure(error)),
                Some(Event::End { .. }) | None => return Ok(None),
                Some(_) => {}
            }
        }
    }

    async fn play(&mut self, records: Vec<Record>) -> Result<Scene, Failure> {
        let decoded = self
            .decoder
            .decode(&records)
            .await
            .context("cannot decode")
            .map_err(Failure::Failed)?;
        let mut rejects = decoded.rejects;
        let mut outcome = Outcome::default();
        if decoded.batch.rows > 0 {
            let mut guest = Guest::new(&self.plugin, self.instance.take());
            outcome = guest
                .transform(&decoded.batch)
                .map_err(|error| Failure::Failed(error.into()))?;
            self.instance = guest.into_instance();
        }
        let record_of = |row: u32| decoded.rows[row as usize];
        rejects.extend(
            outcome
                .rejects
                .into_iter()
                .map(|(row, reject)| (record_of(row), reject)),
        );
        rejects.sort_by_key(|(record, _)| *record);
        let filtered = outcome.filtered.len();
        Ok(Scene {
            records,
            rows: outcome.rows,
            filtered,
            rejects,
        })
    }
}
