//! A run whose store keeps the progress in the same transaction as its rows. No service takes part: the records come from
//! [`source`], and [`store`] is a SQLite file. It shows that the port of progress lets rows and progress become durable
//! together, and that a source begins where the store says.

mod source;
mod store;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use host::codec::Decoder;
use host::dead_letter::file::{DeadLetterFile, Earlier};
use host::pipeline::batch::version::Version;
use host::pipeline::config::Config;
use host::pipeline::flow::parts::Parts;
use host::pipeline::flow::supervisor;
use host::pipeline::trouble::budget::Budget;
use host::pipeline::watch::trace::Traces;
use host::plugin::limits::Limits;
use host::plugin::{Plugin, PluginEngine};
use host::source::{Running, Until};
use store::Store;

/// Reads all records into the store at `path`, from where it was; `plugin` is the component `misbehaving`.
pub fn main(path: &Path, plugin: &Path) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(path, plugin)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(path: &Path, plugin: &Path) -> anyhow::Result<()> {
    let limits = Limits::default();
    let plugin = Plugin::load(&PluginEngine::new(limits)?, &std::fs::read(plugin)?, &[], limits)?;
    let store = Store::open(path)?;
    let version = Version {
        decoder: Decoder::new(&plugin.descriptor().inputs, None),
        plugin: Arc::new(plugin),
        sink: Arc::new(store.clone()),
    };
    let config = Config {
        batch_records: 50,
        queue_records: 400,
        commit_interval: Duration::from_millis(5),
        ..Config::default()
    };
    let letters = DeadLetterFile::new(&path.with_extension("letters.ndjson"), Earlier::Keep)?;
    let budget = Budget::new(config.reject_budget, config.fault_budget);
    let parts = Parts::new(version, Arc::new(letters), budget, config, Traces::default());
    let running = Running {
        progress: Arc::new(store),
        ..source::start()?
    };
    supervisor::run(Arc::new(parts), running, Until::Stopped, std::future::pending()).await?;
    Ok(())
}
