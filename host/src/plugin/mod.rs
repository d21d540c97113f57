//! The sandbox: everything that a guest is given, and everything that it gives back, checked before use.
//!
//! [`engine`] is wasmtime with its bounds; [`component`] refuses what is no plugin and readies what is one; an
//! [`Instance`] is called with batches; [`lower`] and [`lift`] take columns across the border; [`cache`] keeps what was
//! compiled; [`limits`] names what a guest may take; [`GuestThread`] keeps long calls from delaying others; [`signature`]
//! says who made a component. A guest has no clock, no random, no disk, no network: it imports nothing but `log`.

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

/// What can be said of a component without running a record through it.
#[derive(Debug, Clone)]
pub struct Inspection {
    pub descriptor: Descriptor,
    pub digest: Digest,
    pub size_bytes: usize,
    pub imports: Vec<String>,
}

/// Loads a component as `host run` would, and says what it is.
pub fn inspect(bytes: &[u8], settings: &[(String, String)], limits: Limits) -> Result<Inspection, PluginError> {
    let plugin = Plugin::load(&PluginEngine::new(limits)?, bytes, settings, limits)?;
    Ok(Inspection {
        descriptor: plugin.descriptor().clone(),
        digest: plugin.identity().digest,
        size_bytes: plugin.size_bytes(),
        imports: plugin.imports().to_vec(),
    })
}
