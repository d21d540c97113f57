//! One file a verb: wires the real parts with the settings and runs them.

pub mod failure;
pub mod generate;
pub mod produce;
pub mod rehearsal;
pub mod run;
pub mod try_plugin;

pub fn cassandra_failure(e: crate::sink::SinkError) -> failure::Failure {
    failure::Failure::Failed(e.into())
}
mod signals;

use crate::config::settings;
use crate::plugin::{Plugin, PluginEngine};
use crate::source::SourceError;
use failure::Failure;

/// Reads the plugin's file and readies it.
pub fn load_plugin(setting: &settings::Plugin) -> Result<Plugin, Failure> {
    let file = setting.file.display();
    let bytes = std::fs::read(&setting.file).map_err(|error| {
        let hint = "`host plugin build DIR` makes one (`make plugins` here)";
        Failure::Usage(anyhow::Error::new(error).context(format!("cannot read the plugin {file}; {hint}")))
    })?;
    let engine = PluginEngine::new(setting.limits).map_err(|error| Failure::Failed(error.into()))?;
    Plugin::load(&engine, &bytes, &setting.settings, setting.limits)
        .map_err(|error| Failure::Usage(anyhow::Error::new(error).context(format!("plugin {file}"))))
}

/// By who has to act: 3 where nobody answers, else 2.
pub fn source_failure(error: SourceError) -> Failure {
    match error {
        SourceError::Unreachable { .. } => Failure::Unreachable(error.into()),
        _ => Failure::Usage(error.into()),
    }
}
