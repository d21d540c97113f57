//! A plugin ready to work: with the decoder for what it takes and the sink for what it gives.

use std::sync::Arc;

use crate::codec::Decoder;
use crate::plugin::Plugin;
use crate::record::descriptor::{Digest, PluginIdentity};
use crate::sink::Sink;

/// What every batch goes through from beginning to end: a batch sees exactly one.
pub struct Version {
    /// Shared with versions that were made of the same component.
    pub plugin: Arc<Plugin>,
    pub decoder: Decoder,
    pub sink: Arc<dyn Sink>,
}

impl Version {
    pub fn identity(&self) -> &PluginIdentity {
        self.plugin.identity()
    }

    pub fn digest(&self) -> Digest {
        self.plugin.identity().digest
    }
}
