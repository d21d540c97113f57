//! Finds the component that `--plugin` names, checks its signature and compiles it.

use anyhow::Error;

use super::services::fleet_failure;
use super::trust;
use crate::app::failure::Failure;
use crate::config::settings::{Plugin as Setting, PluginFrom};
use crate::fleet::published::{self, Published};
use crate::pipeline::swap::swapper::Candidate;
use crate::plugin::cache::CompileCache;
use crate::plugin::{Plugin, PluginEngine};

/// A component that was found.
pub struct Found {
    pub candidate: Candidate,
    /// The offset of its publication; `None` if it is a file.
    pub offset: Option<i64>,
}

/// Makes the engine that compiles components. It keeps compiled ones where the settings say.
pub fn engine(setting: &Setting) -> Result<PluginEngine, Failure> {
    let engine = PluginEngine::new(setting.limits).map_err(|error| Failure::Failed(error.into()))?;
    Ok(engine.keeping(CompileCache::open(&setting.compile_cache)))
}

/// Finds the component that the settings name, checks and compiles it.
pub fn load(setting: &Setting) -> Result<Plugin, Failure> {
    ready(&engine(setting)?, setting, find(setting)?.candidate)
}

/// Reads the file and its signature, or the latest publication. Blocks.
pub fn find(setting: &Setting) -> Result<Found, Failure> {
    let from = &setting.from;
    match from {
        PluginFrom::File(file) => {
            let bytes = std::fs::read(file).map_err(|error| {
                let hint = "`host plugin build DIR` makes one (`make plugins` here)";
                Failure::Usage(Error::new(error).context(format!("cannot read the plugin {from}; {hint}")))
            })?;
            let signature = match setting.trusted_keys {
                Some(_) => trust::beside(file).map_err(|error| usage(from, error.into()))?,
                None => None,
            };
            Ok(Found {
                candidate: Candidate { bytes, signature },
                offset: None,
            })
        }
        PluginFrom::Published { fleet, name } => {
            let newest = published::newest(fleet, name).map_err(fleet_failure)?;
            tracing::info!(plugin = %from, offset = newest.offset, "found the latest publication");
            Ok(Found {
                offset: Some(newest.offset),
                candidate: newest.into(),
            })
        }
    }
}

/// Checks the component's signature and compiles it.
pub fn ready(engine: &PluginEngine, setting: &Setting, candidate: Candidate) -> Result<Plugin, Failure> {
    let Candidate { bytes, signature } = candidate;
    trust::check(setting, &bytes, || Ok(signature)).map_err(|error| usage(&setting.from, error.into()))?;
    Plugin::load(engine, &bytes, &setting.settings, setting.limits).map_err(|error| usage(&setting.from, error.into()))
}

fn usage(from: &PluginFrom, error: Error) -> Failure {
    Failure::Usage(error.context(format!("plugin {from}")))
}

impl From<Published> for Candidate {
    fn from(published: Published) -> Self {
        Self {
            bytes: published.component.into(),
            signature: published.signature,
        }
    }
}
