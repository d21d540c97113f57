//! Keeps the compiled forms of components from one start to the next.
//!
//! A compiled form runs as native code, outside of the sandbox. So it is read only from a directory that no other user
//! may write to ([`PrivateDir`]), and only if it is complete: each file begins with the SHA-256 of its key and its
//! bytes. Anything else is compiled again. The key covers everything that compiling depends on. See decision 0018.

use std::fmt::Write as _;
use std::hash::{Hash as _, Hasher};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::error::PluginError;
use super::private_dir::{DirError, PrivateDir};
use crate::record::descriptor::Digest;

/// Size of all forms together. Rust's plugins have some 200 KiB each, those of interpreters up to 40 MiB. So this holds
/// more versions than an operator goes back and forth between, and takes little of a disk.
const MAX_BYTES: u64 = 256 << 20;

/// Bytes of a SHA-256 sum.
const SUM_BYTES: usize = 32;

const SUFFIX: &str = ".cwasm";

/// Where compiled forms are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheLocation {
    /// `host` in the user's directory of caches: `$XDG_CACHE_HOME`, or `~/.cache`.
    Usual,
    At(PathBuf),
    Nowhere,
}

/// The cache of compiled forms.
pub struct CompileCache {
    directory: PrivateDir,
}

impl CacheLocation {
    /// The directory, or `None` if there is to be none or the environment names none. As the XDG base directory
    /// specification asks, relative paths are ignored.
    fn directory(&self, variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
        let absolute = |name| variable(name).filter(|path| path.is_absolute());
        match self {
            Self::Usual => absolute("XDG_CACHE_HOME")
                .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
                .map(|caches| caches.join("host")),
            Self::At(path) => Some(path.clone()),
            Self::Nowhere => None,
        }
    }
}

impl CompileCache {
    /// Opens the directory. `None` if there is to be none, or if it cannot be used, which is logged. The host then
    /// works without a cache, and each start compiles.
    pub fn open(place: &CacheLocation) -> Option<Self> {
        let path = place.directory(|name| std::env::var_os(name).map(PathBuf::from))?;
        match PrivateDir::open(&path) {
            Ok(directory) => Some(Self { directory }),
            // A container's user often has no home to write to. This directory is the default, so that is no
            // reason to warn.
            Err(DirError::Open(error)) if *place == CacheLocation::Usual => {
                tracing::debug!(directory = %path.display(), %error, "compiled plugins are not kept");
                None
            }
            Err(error) => {
                refuse(&path, &error);
                None
            }
        }
    }

    /// Loads the component from the cache, or compiles it and keeps the result. `digest` is that of `bytes`.
    ///
    /// # Errors
    /// If the component cannot be compiled. Trouble with the cache itself only costs time.
    pub(super) fn component(&self, engine: &Engine, bytes: &[u8], digest: &Digest) -> Result<Component, PluginError> {
        let key = key(wasmtime_environ::VERSION, engine, digest);
        if let Some(component) = self.load(engine, &key) {
            tracing::debug!(%digest, "took the compiled plugin from the cache");
            return Ok(component);
        }
        let component = compile(engine, bytes)?;
        tracing::debug!(%digest, "compiled the plugin");
        if let Err(error) = self.keep(&key, &component) {
            tracing::warn!(error = format!("{error:#}"), "the compiled plugin cannot be kept");
        }
        Ok(component)
    }

    fn load(&self, engine: &Engine, key: &[u8; SUM_BYTES]) -> Option<Component> {
        let said = self.directory.read(&file_name(key), MAX_BYTES);
        let file = said
            .inspect_err(|error| tracing::warn!(%error, "cannot read a compiled plugin"))
            .ok()??;
        let Some(form) = whole(&file, key) else {
            tracing::warn!("a compiled plugin that was kept is damaged, compiling it again");
            return None;
        };
        trusted(engine, form)
            .inspect_err(|error| {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "a compiled plugin that was kept does not fit, compiling it again"
                );
            })
            .ok()
    }

    fn keep(&self, key: &[u8; SUM_BYTES], component: &Component) -> wasmtime::Result<()> {
        let form = component.serialize()?;
        self.directory.write(&file_name(key), &[&sum(key, &form), &form])?;
        self.directory.shrink(MAX_BYTES, is_ours)?;
        Ok(())
    }
}

/// Compiles the component without a cache.
pub(super) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, PluginError> {
    Component::from_binary(engine, bytes).map_err(PluginError::Compile)
}

/// The only place where bytes become native code without a check of the code.
#[expect(
    unsafe_code,
    reason = "wasmtime cannot check native code; these bytes were made by this program's own compiler"
)]
fn trusted(engine: &Engine, form: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `form` was made by `Component::serialize` of this version of wasmtime under these settings, since its sum
    // fits a key made of both. Only this user could have written it, and this user may run any code anyway.
    unsafe { Component::deserialize(engine, form) }
}

/// The form in the file, if it is complete and belongs to this key.
fn whole<'a>(file: &'a [u8], key: &[u8; SUM_BYTES]) -> Option<&'a [u8]> {
    let (said, form) = file.split_at_checked(SUM_BYTES)?;
    (said == sum(key, form)).then_some(form)
}

fn sum(key: &[u8; SUM_BYTES], form: &[u8]) -> [u8; SUM_BYTES] {
    Sha256::new().chain_update(key).chain_update(form).finalize().into()
}

/// The key is made of the component, of wasmtime's exact version, since a later one may fix its compiler, and of the
/// processor's features and every setting that native code depends on, which wasmtime itself hashes.
fn key(version: &str, engine: &Engine, digest: &Digest) -> [u8; SUM_BYTES] {
    struct Into(Sha256);
    impl Hasher for Into {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            unreachable!("the whole sum is taken")
        }
    }
    let mut into = Into(Sha256::new_with_prefix(digest.0));
    version.hash(&mut into);
    engine.precompile_compatibility_hash().hash(&mut into);
    into.0.finalize().into()
}

fn file_name(key: &[u8; SUM_BYTES]) -> String {
    let mut name = String::new();
    for byte in key {
        let _ = write!(name, "{byte:02x}");
    }
    name + SUFFIX
}

/// Whether the name is that of a form, complete or partly written. Files with other names are never removed.
fn is_ours(name: &str) -> bool {
    let Some((key, rest)) = name.split_at_checked(2 * SUM_BYTES) else {
        return false;
    };
    key.bytes().all(|byte| byte.is_ascii_hexdigit()) && rest.starts_with(SUFFIX)
}

fn refuse(path: &Path, error: &DirError) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(directory = %path.display(), %error, cause,
        "compiled plugins are neither kept there nor taken from it (plugin.compile_cache)");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_place_is_the_users_directory_of_caches() {
        let usual = |pairs: &[(&str, &str)]| {
            let variable = |name: &str| {
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| value.into())
            };
            CacheLocation::Usual.directory(variable)
        };
        let both = [("XDG_CACHE_HOME", "/caches"), ("HOME", "/home/ada")];
        assert_eq!(usual(&both), Some("/caches/host".into()));
        assert_eq!(usual(&both[1..]), Some("/home/ada/.cache/host".into()));
        assert_eq!(
            usual(&[("XDG_CACHE_HOME", "caches"), ("HOME", "/home/ada")]),
            Some("/home/ada/.cache/host".into())
        );
        assert_eq!(usual(&[("HOME", "")]), None);
    }

    #[test]
    fn a_form_is_taken_whole_and_under_its_own_key_only() {
        let (key, other) = ([1; SUM_BYTES], [2; SUM_BYTES]);
        let mut file = sum(&key, b"form").to_vec();
        file.extend(b"form");
        assert_eq!(whole(&file, &key), Some(&b"form"[..]));
        assert_eq!(whole(&file, &other), None);
        for length in 0..file.len() {
            assert_eq!(whole(&file[..length], &key), None, "{length} bytes");
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert_eq!(whole(&damaged, &key), None, "byte {at}");
        }
    }

    #[test]
    fn another_component_version_or_setting_has_another_key() {
        let (engine, digest) = (Engine::default(), Digest([1; 32]));
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let other = Engine::new(&config).unwrap();
        let usual = key("48.0.8", &engine, &digest);
        assert_eq!(key("48.0.8", &Engine::default(), &digest), usual);
        assert_ne!(key("48.0.8", &engine, &Digest([2; 32])), usual);
        assert_ne!(key("48.0.9", &engine, &digest), usual);
        assert_ne!(key("48.0.8", &other, &digest), usual);
    }

    #[test]
    fn files_of_others_are_not_ours() {
        let name = file_name(&[0xab; SUM_BYTES]);
        assert!(is_ours(&name) && is_ours(&format!("{name}.0123")));
        for other in ["a.cwasm", "orders.csv", &name[..64], "ää"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
