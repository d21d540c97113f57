//! `host run`: wires source, plugin, sink and dead letters, and runs the pipeline until it is stopped or at the end.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;

use super::failure::Failure;
use super::look::diff;
use super::watch::{self, Signatures};
use super::wire::Settings;
use super::wire::assemble::{Assembler, decoder};
use super::wire::component::Found;
use super::wire::ends::source::Source;
use super::wire::preflight::{Asked, dead_letter_failure};
use super::wire::services::source_failure;
use super::wire::sinks::Sinks;
use super::wire::{all_refused, component, fleet, trust};
use super::{live, say, signals};
use crate::admin::Endpoint;
use crate::config::settings::PluginFrom;
use crate::pipeline::batch::version::Version;
use crate::pipeline::flow::parts::Parts;
use crate::pipeline::flow::supervisor::{self, Ended, PipelineError};
use crate::pipeline::swap::swapper::{Candidate, Swapper};
use crate::pipeline::trouble::budget::Budget;
use crate::pipeline::watch::share::Share;
use crate::pipeline::watch::totals::Counts;
use crate::pipeline::watch::trace::Traces;
use crate::record::descriptor::Descriptor;
use crate::source::Until;
use crate::telemetry::otlp;

/// Runs the pipeline; `summary` gets one line at the end, never mixed with rows.
pub async fn run(settings: Settings, until: Until, summary: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let Some(otlp) = &settings.otlp else {
        return flow(settings, until, summary, Traces::default()).await;
    };
    let origin = settings.from.origin(&settings);
    let (exporting, traces) = otlp::start(otlp, origin).map_err(|error| Failure::Usage(error.into()))?;
    let ended = flow(settings, until, summary, traces).await;
    exporting.end().await;
    ended
}

async fn flow(
    settings: Settings,
    until: Until,
    summary: &mut (dyn Write + Send),
    traces: Traces,
) -> Result<(), Failure> {
    let endpoint = endpoint(&settings).await?;
    let engine = component::engine(&settings.plugin)?;
    let Found { candidate, offset } = component::find(&settings.plugin)?;
    let plugin = component::ready(&engine, &settings.plugin, candidate)?;
    // The servers are asked only now, so that a wrong plugin fails without them.
    let asked = Asked::all(&settings, until);
    // Checks that there is something to read before anything is made for its rows.
    let start = asked.source.get().await?;
    let registry = asked.registry.get().await?;
    let (sinks, sink) = Sinks::open(&settings, asked.tables.get(), plugin.descriptor()).await?;
    let open_letters = asked.dead_letters.get().await?;
    let dead_letters = open_letters().map_err(dead_letter_failure)?;
    // The source is started last, since from here on this host owns partitions.
    let running = sinks.keeping_progress(start().map_err(source_failure)?);
    // Signals are listened for before "running" is logged, since a reader of the log may send one at once.
    let stop = signals::first_then_abort();
    let identity = plugin.identity();
    tracing::info!(plugin = %identity.name, version = %identity.version, digest = %identity.digest, "running");
    let version = Version {
        decoder: decoder(&plugin, registry.as_ref()),
        plugin: Arc::new(plugin),
        sink,
    };
    let config = settings.pipeline.clone();
    let parts = Arc::new(Parts::new(version, dead_letters, budget(&settings), config, traces));
    let closed = sinks.closed();
    let assembler = Arc::new(Assembler::new(engine, settings.clone(), registry, sinks));
    let plugins = Arc::clone(&parts.plugins);
    let swapper = Arc::new(Swapper::new(plugins, assembler, settings.plugin.probation));
    swapper.note_held(&place(&settings.plugin.from), swapper.current().digest);
    if let Some(file) = &settings.plugin.shadow {
        start_shadow(&swapper, file, settings.plugin.shadow_share).await?;
    }
    let begun = Instant::now();
    let _serving = endpoint.map(|endpoint| {
        tracing::info!("page, metrics and status at http://{}/", endpoint.address());
        endpoint.serve(Arc::clone(&parts), Some(Arc::clone(&swapper) as _))
    });
    let reporting = fleet::report(&settings, &parts)?;
    let live = live::start(&settings, &parts);
    let ended = tokio::select! {
        ended = supervisor::run(Arc::clone(&parts), running, until, stop) => ended,
        // The reader has what it wants, as in `host run --to - | head`. Rows that it did not read are not committed.
        () = closed => return Ok(()),
        () = newer(&settings, offset, &swapper) => unreachable!("newer plugins are looked for as long as it runs"),
    };
    if let Some(live) = live {
        live.end().await;
    }
    if let Some(reporting) = reporting {
        reporting.end().await;
    }
    let counts = parts.watch.totals.counts();
    say::counts(summary, &counts, begun.elapsed())?;
    if let Some(report) = parts.plugins.shadow.stop() {
        diff::show::shadow(&report, summary)
            .context("cannot write")
            .map_err(Failure::Failed)?;
    }
    let current = parts.plugins.slot.current();
    verdict(ended, &counts, &*settings.from, current.plugin.descriptor())
}

/// Where the plugin came from, in words.
fn place(from: &PluginFrom) -> String {
    match from {
        PluginFrom::File(file) => watch::place(file),
        PluginFrom::Published { fleet, name } => format!("{fleet}/{name}"),
    }
}

/// Binds the address of the admin endpoint. `None` if the endpoint is off.
async fn endpoint(settings: &Settings) -> Result<Option<Endpoint>, Failure> {
    let Some(admin) = &settings.admin else { return Ok(None) };
    let bound = Endpoint::bind(admin).await;
    bound.map(Some).map_err(|error| Failure::Usage(error.into()))
}

/// The exit code and message for the end of a run.
fn verdict(
    ended: Result<Ended, PipelineError>,
    counts: &Counts,
    from: &dyn Source,
    descriptor: &Descriptor,
) -> Result<(), Failure> {
    let skipped = counts.skipped;
    if let Ok(Ended::AtEnd) = ended {
        all_refused::check(from, descriptor, counts)?;
    }
    match ended {
        Ok(_) if skipped > 0 => Err(Failure::Failed(anyhow::anyhow!(
            "{skipped} rows of the file could not be read and were skipped"
        ))),
        Ok(Ended::Stopped) if from.nature().starts_over() => Err(Failure::Failed(anyhow::anyhow!(
            "stopped before the end of the file; a run over it starts at its beginning"
        ))),
        Ok(Ended::AtEnd | Ended::Stopped) => Ok(()),
        Err(error) => Err(Failure::Failed(error.into())),
    }
}

/// Swaps in newer plugins as they come. Never ends by itself.
async fn newer(settings: &Settings, offset: Option<i64>, swapper: &Swapper) {
    let plugin = &settings.plugin;
    // A file is read to its end, by one plugin.
    if !plugin.watch || !settings.from.nature().is_endless {
        return std::future::pending().await;
    }
    match &plugin.from {
        PluginFrom::File(file) => {
            let signatures = match plugin.trusted_keys {
                Some(_) => Signatures::Asked,
                None => Signatures::Ignored,
            };
            watch::run(file, signatures, swapper).await;
        }
        PluginFrom::Published { fleet, name } => fleet::follow(fleet, name, offset.unwrap_or(-1), swapper).await,
    }
}

/// Starts the shadow that the settings name. It is checked like a candidate for a swap.
async fn start_shadow(swapper: &Swapper, file: &Path, share: Share) -> Result<(), Failure> {
    let usage = |error: anyhow::Error| Failure::Usage(error.context(format!("shadow {}", file.display())));
    let bytes = std::fs::read(file).map_err(|error| usage(error.into()))?;
    let signature = trust::beside(file).map_err(|error| usage(error.into()))?;
    let started = swapper.shadow(Candidate { bytes, signature }, share).await;
    started
        .map(drop)
        .map_err(|reasons| usage(anyhow::Error::msg(reasons.join("; "))))
}

/// The budgets of the run. They are switched off for a file, which is read to its end whatever is rejected: its dead
/// letters are a file too, and the user looks at both.
fn budget(settings: &Settings) -> Budget {
    let (mut rejects, mut faults) = (settings.pipeline.reject_budget, settings.pipeline.fault_budget);
    if !settings.from.nature().is_endless {
        (rejects.percent, faults.percent) = (100, 100);
    }
    Budget::new(rejects, faults)
}
