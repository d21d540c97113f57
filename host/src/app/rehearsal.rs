//! A file through a plugin with nothing behind it: what `host try` shows and `host verify` expects.

use anyhow::Context as _;

use super::failure::Failure;
use super::records::FileRecords;
use super::{all_refused, component};
use crate::codec::Decoder;
use crate::config::settings::{From, Settings};
use crate::pipeline::watch::totals::Counts;
use crate::plugin::isolate::Guest;
use crate::plugin::{Instance, Plugin};
use crate::record::Record;
use crate::record::descriptor::{Outcome, Rows};
use crate::record::reject::Reject;

/// A plugin and the file that it is rehearsed with.
pub struct Rehearsal {
    plugin: Plugin,
    decoder: Decoder,
    file: FileRecords,
    from: From,
    counts: Counts,
    instance: Option<Instance>,
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
        let plugin = component::load(&settings.plugin)?;
        let file = FileRecords::open(settings)?;
        let decoder = Decoder::new(&plugin.descriptor().inputs, None);
        Ok(Self {
            plugin,
            decoder,
            file,
            from: settings.from.clone(),
            counts: Counts::default(),
            instance: None,
        })
    }

    /// Fails where rows of the file were no rows, so that what was shown is not the whole of it, and where no record came
    /// through.
    pub fn check_whole(&self) -> Result<(), Failure> {
        let mut counts = self.counts.clone();
        counts.skipped = self.file.skipped();
        all_refused::check(&self.from, self.plugin.descriptor(), &counts)?;
        self.file.check_whole()
    }

    /// What became of the records so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The next records of the file; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Scene>, Failure> {
        let Some(records) = self.file.next().await? else {
            return Ok(None);
        };
        let scene = play(&self.plugin, &self.decoder, &mut self.instance, records).await?;
        self.counts.records += scene.records.len() as u64;
        self.counts.rows_written += scene.rows.iter().map(|rows| rows.batch.rows as u64).sum::<u64>();
        self.counts.filtered += scene.filtered as u64;
        scene
            .rejects
            .iter()
            .for_each(|(_, reject)| self.counts.reject(&reject.code));
        Ok(Some(scene))
    }
}

/// What decoder and guest make of some records; `instance` is kept for the next ones.
pub async fn play(
    plugin: &Plugin,
    decoder: &Decoder,
    instance: &mut Option<Instance>,
    records: Vec<Record>,
) -> Result<Scene, Failure> {
    let taken = decoder
        .decode(&records)
        .await
        .context("cannot decode")
        .map_err(Failure::Failed)?;
    let mut rejects = taken.rejects;
    let mut outcome = Outcome::default();
    if taken.batch.rows > 0 {
        let mut guest = Guest::new(plugin, instance.take());
        outcome = guest
            .transform(&taken.batch)
            .map_err(|error| Failure::Failed(error.into()))?;
        *instance = guest.into_instance();
    }
    let record_of = |row: u32| taken.rows[row as usize];
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
