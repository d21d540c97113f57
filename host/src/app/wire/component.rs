//! The component that `--plugin` names: found, its signature checked, compiled.

use anyhow::Error;

use super::services::fleet_failure;
use super::trust;
use crate::app::failure::Failure;
use crate::config::settings::{Plugin as Setting, PluginFrom};
use crate::fleet::published::{self, Published};
use crate::pipeline::swap::swapper::Candidate;
use crate::plugin::cache::CompileCache;
use crate::plugin::{Plugin, PluginEngine};

/// The component, and where it stands among what is published.
pub struct Found {
    pub candidate: Candidate,
    /// `None` where it is a file.
    pub offset: Option<i64>,
}

/// The engine that compiles components, and keeps them where the settings say.
pub fn engine(setting: &Setting) -> Result<PluginEngine, Failure> {
    let engine = PluginEngine::new(setting.limits).map_err(|error| Failure::Failed(error.into()))?;
    Ok(engine.keeping(CompileCache::open(&setting.compile_cache)))
}

/// Finds what the settings name and readies it.
pub fn load(setting: &Setting) -> Result<Plugin, Failure> {
    ready(&engine(setting)?, setting, find(setting)?.candidate)
}

/// Reads the file with its signature, or what was published last. Blocks.
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
            tracing::info!(plugin = %from, offset = newest.offset, "found the newest");
            Ok(Found {
                offset: Some(newest.offset),
                candidate: newest.into(),
            })
        }
    }
}

/// Checks and compiles what was found.
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
