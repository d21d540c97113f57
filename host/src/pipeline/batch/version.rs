//! A plugin that is ready to work, with the decoder for its inputs and the sink for its outputs.

use std::sync::Arc;

use crate::codec::Decoder;
use crate::plugin::Plugin;
use crate::record::descriptor::{Digest, PluginIdentity};
use crate::sink::Sink;

/// What a batch goes through from beginning to end. Each batch goes through exactly one version.
pub struct Version {
    /// Shared with versions that were made of the same component.
    pub plugin: Arc<Plugin>,
    pub decoder: Decoder,
    pub sink: Arc<dyn Sink>,
}

impl Version {
    /// Name, version and digest of the plugin.
    pub fn identity(&self) -> &PluginIdentity {
        self.plugin.identity()
    }

    /// Digest of the plugin's component.
    pub fn digest(&self) -> Digest {
        self.plugin.identity().digest
    }
}
