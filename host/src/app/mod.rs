//! One file a verb: wires the real parts with the settings and runs them.

pub mod check;
pub mod failure;
pub mod generate;
pub mod plugin_build;
pub mod plugin_inspect;
pub mod plugin_new;
pub mod produce;
mod rehearsal;
pub mod run;
mod services;
pub mod setup;
mod signals;
pub mod try_plugin;
pub mod verify;

use crate::config::settings;
use crate::plugin::{Plugin, PluginEngine};
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
