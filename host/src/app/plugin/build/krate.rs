//! Reads cargo's description of the author's crate, and calls cargo to make a component of it.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, anyhow, bail};
use serde::Deserialize;

use super::toolchain::{self, TARGET, Toolchain};

/// The profile of every build: small and fast, and independent of the author's and of a surrounding workspace.
const PROFILE: &[&str] = &[
    "profile.release.opt-level=3",
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    "profile.release.panic=\"abort\"",
    "profile.release.strip=true",
    "profile.release.debug=false",
    "profile.release.incremental=false",
];

/// A crate that a component can be made of.
pub struct Crate {
    manifest: PathBuf,
    id: String,
    workspace_root: PathBuf,
    target_dir: PathBuf,
    /// Folders of dependencies that are given by path, with their names.
    path_dependencies: Vec<(String, PathBuf)>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    path: Option<PathBuf>,
}

/// One line of what cargo writes while it builds.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

impl Crate {
    /// The crate in `dir`, a full path.
    pub fn find(dir: &Path) -> anyhow::Result<Self> {
        let manifest = dir.join("Cargo.toml");
        let asked = toolchain::cargo(dir)
            .args(["metadata", "--format-version=1", "--no-deps", "--manifest-path"])
            .arg(&manifest)
            .stderr(Stdio::inherit())
            .output()
            .map_err(toolchain::no_cargo)?;
        if !asked.status.success() {
            bail!("cargo cannot read {}; it says why above", manifest.display());
        }
        let metadata: Metadata =
            serde_json::from_slice(&asked.stdout).context("cannot understand what `cargo metadata` says")?;
        let is_it = |package: &Package| package.manifest_path.canonicalize().ok().as_ref() == Some(&manifest);
        let Some(package) = metadata.packages.into_iter().find(is_it) else {
            bail!(
                "{} is a workspace; name the folder of the plugin's crate",
                manifest.display()
            );
        };
        let is_library = |target: &Target| {
            target
                .crate_types
                .iter()
                .any(|kind| kind == "cdylib" || kind.ends_with("lib"))
        };
        if !package.targets.iter().any(is_library) {
            bail!("crate {} has no library; a plugin is one (src/lib.rs)", package.name);
        }
        let path_dependencies = package
            .dependencies
            .into_iter()
            .filter_map(|dependency| Some((dependency.name, dependency.path?)))
            .collect();
        Ok(Self {
            manifest,
            id: package.id,
            workspace_root: metadata.workspace_root,
            target_dir: metadata.target_directory.join("plugins"),
            path_dependencies,
        })
    }

    /// Runs cargo and returns the path of the component. The author sees cargo's messages as they are.
    pub fn build(&self, toolchain: &Toolchain) -> anyhow::Result<PathBuf> {
        let mut command = toolchain::cargo(self.manifest.parent().unwrap_or(Path::new(".")));
        // `rustc` and not `build`, because of --crate-type: with an rlib beside it, a cdylib is not optimized as a
        // whole.
        command
            .args(["rustc", "--release", "--lib", "--crate-type=cdylib", "--target", TARGET])
            .arg("--message-format=json-render-diagnostics")
            .arg("--manifest-path")
            .arg(&self.manifest)
            .arg("--target-dir")
            .arg(&self.target_dir)
            .args(PROFILE.iter().flat_map(|setting| ["--config", *setting]))
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", &toolchain.linker)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags())
            .env_remove("CARGO_INCREMENTAL")
            .stdout(Stdio::piped());
        if let Some(rustc) = &toolchain.rustc {
            command.env("RUSTC", rustc);
        }
        let mut cargo = command.spawn().map_err(toolchain::no_cargo)?;
        let mut component = None;
        for line in cargo
            .stdout
            .take()
            .map(BufReader::new)
            .into_iter()
            .flat_map(BufReader::lines)
        {
            // A build script or a wrapper may print other lines.
            let Ok(message) = serde_json::from_str::<Message>(&line?) else {
                continue;
            };
            if message.reason == "compiler-artifact" && message.package_id == self.id {
                let is_wasm = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "wasm");
                component = message.filenames.into_iter().find(is_wasm).or(component);
            }
        }
        let ended = cargo.wait()?;
        if !ended.success() {
            let why = match ended.code() {
                Some(_) => "does not build; cargo says why above".to_owned(),
                None => format!("was not built: cargo was stopped ({ended})"),
            };
            bail!("{} {why}", self.manifest.display());
        }
        component.ok_or_else(|| anyhow!("cargo built {}, but no .wasm file", self.manifest.display()))
    }

    /// Compiler flags in the form that cargo does not split into words. They replace all others (`RUSTFLAGS`, cargo's
    /// configuration), so that the bytes depend on the sources and the compiler alone.
    fn flags(&self) -> OsString {
        let cargo_home = env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(env::home_dir()?.join(".cargo")));
        let outside = self
            .path_dependencies
            .iter()
            .filter(|(_, path)| !path.starts_with(&self.workspace_root));
        let mut flags = OsString::from("-Ctarget-feature=+simd128");
        // If two prefixes fit, the compiler takes the later one.
        let mut remap = |from: &Path, to: &str| {
            flags.push("\u{1f}--remap-path-prefix=");
            flags.push(from);
            flags.push("=");
            flags.push(to);
        };
        if let Some(home) = cargo_home {
            remap(&home.join("registry/src"), "/deps");
            remap(&home.join("git/checkouts"), "/deps");
        }
        remap(&self.workspace_root, "/src");
        for (name, path) in outside {
            remap(path, &format!("/deps/{name}"));
        }
        flags
    }
}
