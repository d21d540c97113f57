//! The sandbox. It covers everything that a guest is given, and checks everything that it gives back before use.
//!
//! [`engine`] sets up wasmtime with its bounds. [`component`] refuses files that are not plugins and makes plugins
//! ready. An [`Instance`] is called with batches, and [`lower`] and [`lift`] take columns in and out. [`cache`] keeps
//! compiled components, [`limits`] names a guest's limits, [`GuestThread`] keeps long calls from delaying others, and
//! [`signature`] says who made a component. A guest has no clock, randomness, disk or network: it imports only `log`.

pub mod aside;
mod bindings;
pub mod cache;
mod component;
mod descriptor;
mod engine;
mod error;
mod file_kind;
mod guest;
mod guest_thread;
mod instance;
pub mod isolate;
mod lift;
mod lift_column;
pub mod limits;
mod log;
mod lower;
#[cfg(feature = "native-guest")]
pub mod native;
mod private_dir;
#[cfg(test)]
mod round_trip;
pub mod signature;
mod stop;

pub use component::Plugin;
pub use engine::PluginEngine;
pub use error::{Breach, PluginError, TransformError};
pub use guest_thread::GuestThread;
pub use instance::{CallTimes, Instance};
pub use stop::Stop;

use crate::record::descriptor::{Descriptor, Digest};
use limits::Limits;

/// Facts about a component that need no record.
#[derive(Debug, Clone)]
pub struct Inspection {
    pub descriptor: Descriptor,
    pub digest: Digest,
    pub size_bytes: usize,
    pub imports: Vec<String>,
}

/// Loads a component as `host run` would, and describes it.
pub fn inspect(bytes: &[u8], settings: &[(String, String)], limits: Limits) -> Result<Inspection, PluginError> {
    let plugin = Plugin::load(&PluginEngine::new(limits)?, bytes, settings, limits)?;
    Ok(Inspection {
        descriptor: plugin.descriptor().clone(),
        digest: plugin.identity().digest,
        size_bytes: plugin.size_bytes(),
        imports: plugin.imports().to_vec(),
    })
}
