//! `host diff`: runs two plugins over the same records and shows how their outcomes differ. Nothing is written.

pub mod show;

use std::io::Write;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Error;
use anyhow::{Context as _, anyhow};
use serde::Serialize;

use crate::app::failure::Failure;
use crate::app::say::OutputFormat;
use crate::app::wire::Settings;
use crate::app::wire::assemble::registry;
use crate::app::wire::services::registry_failure;
use crate::app::wire::{all_refused, component};
use crate::codec::{CodecError, Decoder};
use crate::config::settings::PluginFrom;
use crate::pipeline::batch::make::{MakeError, Warm, make};
use crate::pipeline::compare::report::ComparisonReport;
use crate::pipeline::compare::{Answer, Comparer, Subject};
use crate::plugin::Plugin;
use crate::record::Record;
use crate::record::descriptor::Descriptor;

/// The options of `host diff`.
pub struct Options {
    pub old: Contender,
    pub new: Contender,
    /// How many records are compared: the first ones of a file, or the latest of each partition of a topic.
    pub limit: Option<NonZeroU64>,
    pub form: OutputFormat,
}

/// One of the two plugins.
pub struct Contender {
    pub file: PathBuf,
    /// Settings of this plugin alone. They win over those that both have.
    pub settings: Vec<(String, String)>,
}

/// The result, which is the verb's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Same,
    Different,
}

/// The report as JSON, with its verdict.
#[derive(Serialize)]
struct JsonReport<'a> {
    same: bool,
    #[serde(flatten)]
    report: &'a ComparisonReport,
}

/// Runs both over the records of `settings.from` and prints what differs.
///
/// # Errors
/// Exit code 1 means a difference, as with `diff`. Errors that have exit code 1 in other verbs have 2 here.
pub async fn run(settings: &Settings, options: &Options, out: &mut (dyn Write + Send)) -> Result<Verdict, Failure> {
    compare(settings, options, out).await.map_err(|failure| match failure {
        Failure::Failed(error) => Failure::Usage(error),
        other => other,
    })
}

async fn compare(settings: &Settings, options: &Options, out: &mut (dyn Write + Send)) -> Result<Verdict, Failure> {
    let mut old = Side::load(settings, &options.old)?;
    let mut new = Side::load(settings, &options.new)?;
    let comparer = Comparer::new(old.subject(), new.subject());
    let mut report = comparer.blank().clone();
    let mut records = settings.from.records(settings, options.limit)?;
    let mut is_even = true;
    while let Some(batch) = records.next().await? {
        // The two take turns to be first, since the second one finds the records in the processor's caches.
        let (before, after) = if is_even {
            let before = old.answer(&batch).await?;
            (before, new.answer(&batch).await?)
        } else {
            let after = new.answer(&batch).await?;
            (old.answer(&batch).await?, after)
        };
        is_even = !is_even;
        report.merge(comparer.compare(&batch, &before, &after));
    }
    records.check_whole()?;
    let printed = match options.form {
        OutputFormat::Text => show::report(&report, out),
        OutputFormat::Json => {
            let printed = JsonReport {
                same: report.is_same(),
                report: &report,
            };
            serde_json::to_writer_pretty(&mut *out, &printed)
                .map_err(Into::into)
                .and_then(|()| writeln!(out))
        }
    };
    printed.context("cannot write").map_err(Failure::Failed)?;
    refuse_nothing_compared(settings, &report, new.plugin.descriptor())?;
    Ok(if report.is_same() {
        Verdict::Same
    } else {
        Verdict::Different
    })
}

/// Fails if both plugins reject every record of a file: nothing was compared then.
fn refuse_nothing_compared(
    settings: &Settings,
    report: &ComparisonReport,
    descriptor: &Descriptor,
) -> Result<(), Failure> {
    let changed: u64 = report.rejects.changed.values().map(|tally| tally.count).sum();
    let is_whole = !settings.from.nature().is_endless;
    if is_whole && report.records > 0 && report.rejects.same + changed == report.records {
        return Err(Failure::Usage(anyhow!(
            "both plugins reject all {} records, so nothing was compared{}",
            report.records,
            all_refused::missing(&*settings.from, descriptor)
        )));
    }
    Ok(())
}

/// A plugin, ready to be called.
struct Side {
    file: PathBuf,
    plugin: Arc<Plugin>,
    decoder: Decoder,
    warm: Warm,
}

impl Side {
    fn load(settings: &Settings, contender: &Contender) -> Result<Self, Failure> {
        let mut setting = settings.plugin.clone();
        setting.from = PluginFrom::File(contender.file.clone());
        let is_said = |key: &str| contender.settings.iter().any(|(said, _)| said == key);
        setting.settings.retain(|(key, _)| !is_said(key));
        setting.settings.extend(contender.settings.iter().cloned());
        let plugin = Arc::new(component::load(&setting)?);
        // Otherwise the first call would include the making of an instance in its time.
        let warm = Warm::start(&plugin)
            .with_context(|| format!("plugin {}", contender.file.display()))
            .map_err(Failure::Usage)?;
        Ok(Self {
            file: contender.file.clone(),
            decoder: Decoder::new(&plugin.descriptor().inputs, registry(settings)?),
            plugin,
            warm,
        })
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            identity: self.plugin.identity(),
            descriptor: self.plugin.descriptor(),
        }
    }

    /// Calls this plugin with the records as `host run` would.
    async fn answer(&mut self, records: &[Record]) -> Result<Answer, Failure> {
        let made = make(&self.plugin, &self.decoder, records, &mut self.warm).await;
        made.map(Answer::from).map_err(|error| match error {
            MakeError::Codec(CodecError::RegistryUnreachable(error) | CodecError::RegistryLogin(error)) => {
                registry_failure(error)
            }
            MakeError::Guest(error) => {
                Failure::Usage(Error::new(error).context(format!("plugin {}", self.file.display())))
            }
        })
    }
}
