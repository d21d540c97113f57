//! Runs the records of a file through a plugin and writes nothing, for `host try` and `host verify`.

use std::sync::Arc;

use anyhow::anyhow;

use crate::app::failure::Failure;
use crate::app::wire::Settings;
use crate::app::wire::ends::source::Source;
use crate::app::wire::records::SourceRecords;
use crate::app::wire::services::{make_failure, source_failure};
use crate::app::wire::{all_refused, component};
use crate::codec::Decoder;
use crate::pipeline::batch::make::{Made, Warm, make};
use crate::pipeline::watch::totals::Counts;
use crate::plugin::Plugin;
use crate::record::Record;
use crate::source::Until;

/// A plugin and the file whose records go through it.
pub struct FileRun {
    plugin: Arc<Plugin>,
    decoder: Decoder,
    file: SourceRecords,
    from: Arc<dyn Source>,
    counts: Counts,
    warm: Warm,
}

impl FileRun {
    /// Loads the plugin and opens the file.
    ///
    /// # Errors
    /// The component is not a plugin, the source is not a file, or it cannot be read.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let plugin = Arc::new(component::load(&settings.plugin)?);
        if settings.from.nature().is_endless {
            return Err(Failure::Usage(anyhow!("this takes a file: FILE.csv or FILE.ndjson")));
        }
        let started = settings.from.start(settings, Until::End);
        let file = SourceRecords::of(started.map_err(source_failure)?);
        let decoder = Decoder::new(&plugin.descriptor().inputs, None);
        Ok(Self {
            plugin,
            decoder,
            file,
            from: Arc::clone(&settings.from),
            counts: Counts::default(),
            warm: Warm::default(),
        })
    }

    /// Fails if lines of the file were skipped because they are not valid rows, or if every record was rejected.
    pub fn check_whole(&self) -> Result<(), Failure> {
        let mut counts = self.counts.clone();
        counts.skipped = self.file.skipped();
        all_refused::check(&*self.from, self.plugin.descriptor(), &counts)?;
        self.file.check_whole()
    }

    /// The counts of the records so far, by what became of them.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The plugin that the records go through.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Runs the next records of the file through the plugin. `None` means that the file has ended.
    pub async fn next(&mut self) -> Result<Option<(Vec<Record>, Made)>, Failure> {
        let Some(records) = self.file.next().await? else {
            return Ok(None);
        };
        let made = make(&self.plugin, &self.decoder, &records, &mut self.warm).await;
        let made = made.map_err(make_failure)?;
        self.counts.records += records.len() as u64;
        self.counts.rows_written += made.rows.iter().map(|rows| rows.batch.rows as u64).sum::<u64>();
        self.counts.filtered += made.filtered as u64;
        made.rejects
            .values()
            .for_each(|reject| self.counts.reject(&reject.code));
        Ok(Some((records, made)))
    }
}
