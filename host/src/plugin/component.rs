//! Turns the bytes of a file into a plugin that is ready to be instantiated, or says why that cannot be done.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::component::{HasSelf, Linker};

use super::aside;
use super::bindings::host::transform::log::Level;
use super::bindings::{Plugin as Bindings, PluginPre};
use super::descriptor;
use super::engine::PluginEngine;
use super::error::PluginError;
use super::file_kind;
use super::guest::GuestState;
use super::instance::{Instance, Running};
use super::limits::Limits;
use super::log::LogGate;
use crate::record::descriptor::{Descriptor, Digest, PluginIdentity};

/// The package whose interfaces a plugin may import.
const PACKAGE: &str = "host:transform/";
/// The interface that a plugin must export.
const TRANSFORMER: &str = "host:transform/transformer@0.1.0";
const VERSION: &str = "@0.1.0";

/// A component that was compiled, checked and configured once.
pub struct Plugin {
    pre: PluginPre<GuestState>,
    settings: Vec<(String, String)>,
    limits: Limits,
    log: Arc<LogGate>,
    descriptor: Arc<Descriptor>,
    identity: PluginIdentity,
    imports: Vec<String>,
    size_bytes: usize,
}

impl Plugin {
    /// Compiles the component, checks its kind and imports, and asks it to describe itself under `settings`.
    ///
    /// Takes seconds for a component of many megabytes that was not compiled before. Do not call it where
    /// other tasks wait.
    pub fn load(
        engine: &PluginEngine,
        bytes: &[u8],
        settings: &[(String, String)],
        limits: Limits,
    ) -> Result<Self, PluginError> {
        file_kind::check(bytes)?;
        let digest = Digest(Sha256::digest(bytes).into());
        let component = engine.component(bytes, &digest)?;
        let engine = engine.wasmtime();
        let names = component.component_type();
        let imports: Vec<_> = names.imports(engine).map(|(name, _)| name.to_owned()).collect();
        let exports: Vec<_> = names.exports(engine).map(|(name, _)| name.to_owned()).collect();
        check_names(&imports, exports)?;
        let mut linker = Linker::new(engine);
        Bindings::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(PluginError::Engine)?;
        let pre = linker
            .instantiate_pre(&component)
            .and_then(PluginPre::new)
            .map_err(PluginError::World)?;
        // Until the plugin has told its name, its log lines go under its digest.
        let log = Arc::new(LogGate::new(digest.to_string().into(), limits));
        let (_, described) = Running::start(&pre, settings, limits, log)?;
        let descriptor = descriptor::validate(described)?;
        let identity = PluginIdentity {
            name: descriptor.name.as_str().into(),
            version: descriptor.version.as_str().into(),
            digest,
        };
        Ok(Self {
            pre,
            settings: settings.to_vec(),
            limits,
            log: Arc::new(LogGate::new(Arc::clone(&identity.name), limits)),
            descriptor: Arc::new(descriptor),
            identity,
            imports,
            size_bytes: bytes.len(),
        })
    }

    /// Does the same while records flow, at the lowest priority, so that the handling of records comes first. Blocks.
    pub fn load_aside(
        engine: &PluginEngine,
        bytes: &[u8],
        settings: &[(String, String)],
        limits: Limits,
    ) -> Result<Self, PluginError> {
        // It gets a thread of its own, since a priority that was lowered cannot be raised again. The compiler's
        // parallel work runs on it too.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .thread_name(|_| "compile".to_owned())
            .start_handler(|_| aside::lower_priority(aside::LOWEST))
            .build()
            .map_err(|error| PluginError::Thread(std::io::Error::other(error)))?;
        pool.install(|| Self::load(engine, bytes, settings, limits))
    }

    /// Makes a new instance and configures it.
    pub fn instantiate(&self) -> Result<Instance, PluginError> {
        let (running, described) = Running::start(&self.pre, &self.settings, self.limits, Arc::clone(&self.log))?;
        if descriptor::validate(described)? != *self.descriptor {
            return Err(PluginError::Unsteady);
        }
        Ok(Instance::new(running, Arc::clone(&self.descriptor)))
    }

    /// Logs an error of a call among the plugin's own lines, and counts it with them.
    pub fn log_error(&self, message: &str) {
        self.log.write(Level::Error, message);
    }

    /// The plugin's description of itself.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The plugin's name, version and digest.
    pub fn identity(&self) -> &PluginIdentity {
        &self.identity
    }

    /// Names of the imported interfaces.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Length of the component's file in bytes.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }
}

fn check_names(imports: &[String], exports: Vec<String>) -> Result<(), PluginError> {
    let is_ours = |name: &&String| name.starts_with(PACKAGE);
    let forbidden: Vec<_> = imports.iter().filter(|name| !is_ours(name)).cloned().collect();
    if !forbidden.is_empty() {
        return Err(PluginError::ForbiddenImports { imports: forbidden });
    }
    let ours = imports.iter().chain(&exports).filter(is_ours);
    let other: Vec<_> = ours.filter(|name| !name.ends_with(VERSION)).cloned().collect();
    if !other.is_empty() {
        return Err(PluginError::OtherVersion {
            found: other,
            expected: TRANSFORMER,
        });
    }
    if !exports.iter().any(|name| name == TRANSFORMER) {
        return Err(PluginError::NoTransformer {
            expected: TRANSFORMER,
            exports,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_shared_between_threads_and_an_instance_moves() {
        fn shared<T: Send + Sync>() {}
        fn moves<T: Send>() {}
        shared::<Plugin>();
        shared::<PluginEngine>();
        moves::<Instance>();
    }
}
