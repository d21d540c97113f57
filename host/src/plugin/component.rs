//! From the bytes of a file to a plugin that is ready to be instantiated, or the reason why it is none.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::component::{Component, HasSelf, Linker};

use super::bindings::{Plugin as Bindings, PluginPre};
use super::descriptor;
use super::engine::PluginEngine;
use super::error::PluginError;
use super::file_kind;
use super::guest::GuestState;
use super::instance::{self, Instance};
use super::limits::Limits;
use crate::record::descriptor::{Descriptor, Digest, PluginIdentity};

/// The package whose interfaces a plugin may import, and the interface that it must export.
const PACKAGE: &str = "host:transform/";
const TRANSFORMER: &str = "host:transform/transformer@0.1.0";
const VERSION: &str = "@0.1.0";

/// A component, compiled, checked and configured once.
pub struct Plugin {
    pre: PluginPre<GuestState>,
    settings: Vec<(String, String)>,
    limits: Limits,
    descriptor: Arc<Descriptor>,
    identity: PluginIdentity,
    imports: Vec<String>,
    size_bytes: usize,
}

impl Plugin {
    /// Compiles the component, refuses it for what it is or imports, and asks it to describe itself under `settings`.
    pub fn load(
        engine: &PluginEngine,
        bytes: &[u8],
        settings: &[(String, String)],
        limits: Limits,
    ) -> Result<Self, PluginError> {
        file_kind::check(bytes)?;
        let engine = engine.wasmtime();
        let component = Component::from_binary(engine, bytes).map_err(PluginError::Damaged)?;
        let names = component.component_type();
        let imports: Vec<_> = names.imports(engine).map(|(name, _)| name.to_owned()).collect();
        let exports: Vec<_> = names.exports(engine).map(|(name, _)| name.to_owned()).collect();
        check_names(&imports, exports)?;
        let mut linker = Linker::new(engine);
        Bindings::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(PluginError::Engine)?;
        let pre = linker
            .instantiate_pre(&component)
            .and_then(PluginPre::new)
            .map_err(PluginError::Instantiate)?;
        let (_, described) = instance::configure(&pre, settings, limits, "".into())?;
        let descriptor = Arc::new(descriptor::validate(described)?);
        let identity = PluginIdentity {
            name: descriptor.name.as_str().into(),
            version: descriptor.version.as_str().into(),
            digest: Digest(Sha256::digest(bytes).into()),
        };
        Ok(Self {
            pre,
            settings: settings.to_vec(),
            limits,
            descriptor,
            identity,
            imports,
            size_bytes: bytes.len(),
        })
    }

    /// A fresh instance, configured.
    pub fn instantiate(&self) -> Result<Instance, PluginError> {
        let (running, described) =
            instance::configure(&self.pre, &self.settings, self.limits, Arc::clone(&self.identity.name))?;
        if descriptor::validate(described)? != *self.descriptor {
            return Err(PluginError::Unsteady);
        }
        Ok(Instance::new(running, Arc::clone(&self.descriptor), self.limits))
    }

    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    pub fn identity(&self) -> &PluginIdentity {
        &self.identity
    }

    /// Names of the imported interfaces.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }
}

fn check_names(imports: &[String], exports: Vec<String>) -> Result<(), PluginError> {
    let forbidden: Vec<_> = imports
        .iter()
        .filter(|name| !name.starts_with(PACKAGE))
        .cloned()
        .collect();
    if !forbidden.is_empty() {
        return Err(PluginError::ForbiddenImports { imports: forbidden });
    }
    let mut ours = imports.iter().chain(&exports).filter(|name| name.starts_with(PACKAGE));
    if let Some(other) = ours.find(|name| !name.ends_with(VERSION)) {
        return Err(PluginError::OtherVersion {
            found: other.clone(),
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
