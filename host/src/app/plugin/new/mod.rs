//! `host plugin new`: writes a crate that builds and passes its own test at once, inside a checkout or anywhere else.
//!
//! The SDK is a folder of the crate: in a checkout a link to the checkout's, elsewhere its sources. Either way it is a
//! member of the crate's own workspace, which gives what its manifests inherit; a dependency on a folder outside of the
//! workspace would put that folder's full path into cargo's hashes, and so into the bytes of the component.

mod sdk;

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::app::failure::Failure;

/// The longest name that registries allow for a crate.
const MAX_NAME: usize = 64;

/// Names that cargo or the compiler keep for themselves, and the SDK's own.
const TAKEN: &str = "abstract alloc as async await become box break build const continue core crate deps do dyn else enum \
    examples extern false final fn for gen if impl in incremental let loop macro match mod move mut override priv proc_macro \
    pub ref return self static std struct super test trait transform-sdk transform-sdk-macros true try type typeof unsafe \
    unsized use virtual where while yield";

/// The new crate's files, with `{{…}}` to fill in.
const TEMPLATE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("manifest.toml")),
    ("README.md", include_str!("readme.md")),
    ("sample.csv", include_str!("sample.csv")),
    ("src/lib.rs", include_str!("lib.rs")),
];
const GITIGNORE: &str = "/target/\n";

/// The SDK's folder in the new crate. The manifest names the same folder.
const SDK: &str = "transform-sdk";

/// The options of `host plugin new`.
#[derive(Debug, Clone)]
pub struct Options {
    pub name: String,
    /// The folder that the crate's folder is made in.
    pub parent: PathBuf,
}

/// Writes the crate and says what to do next.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let Options { name, parent } = options;
    check_name(name).map_err(Failure::Usage)?;
    let parent_full = parent
        .canonicalize()
        .with_context(|| format!("cannot find the folder {}", parent.display()))
        .map_err(Failure::Usage)?;
    let dir = parent.join(name);
    // Creating is what decides: a folder that is there is never written into.
    fs::create_dir(&dir).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::AlreadyExists => "choose another name, or another folder with --in",
            _ => "name a folder that you may write to with --in",
        };
        Failure::Usage(anyhow::Error::new(error).context(format!("cannot create {}; {remedy}", dir.display())))
    })?;
    let near = nearest_sdk(&parent_full).map(|sdk| from_to(&parent_full.join(name), &sdk));
    if let Err(error) = write_crate(name, &dir, near.as_deref()) {
        // A half-made crate would be in the way of the next try.
        let _ = fs::remove_dir_all(&dir);
        return Err(Failure::Failed(
            error.context(format!("cannot write {}", dir.display())),
        ));
    }
    say(&dir, near.as_deref(), out)
        .context("cannot print what was written")
        .map_err(Failure::Failed)
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let is_well_formed = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= MAX_NAME
        && name.chars().all(is_plain)
        && !name.ends_with(['-', '_']);
    if !is_well_formed {
        return Err(anyhow!(
            "{name:?} cannot name a plugin: a name is 1 to {MAX_NAME} of a-z, 0-9, _ and -, begins with a letter and ends \
             with a letter or digit"
        ));
    }
    if TAKEN
        .split_whitespace()
        .any(|taken| taken == name || taken == name.replace('-', "_"))
    {
        return Err(anyhow!(
            "{name:?} cannot name a plugin: Rust or the SDK has the name already"
        ));
    }
    Ok(())
}

/// The SDK of the checkout that the folder is in, if it is in one.
fn nearest_sdk(folder: &Path) -> Option<PathBuf> {
    let is_checkout =
        |root: &&Path| root.join("wit/transform.wit").is_file() && root.join("plugins/sdk/Cargo.toml").is_file();
    Some(folder.ancestors().find(is_checkout)?.join("plugins/sdk"))
}

/// The relative path from one folder to another, both given in full: from `/a/b/c` to `/a/d` it is `../../d`.
fn from_to(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| Component::ParentDir);
    up.chain(to[shared..].iter().copied()).collect()
}

/// Writes all files. `near` is the path from the crate's folder to the SDK, if both are in one checkout.
fn write_crate(name: &str, dir: &Path, near: Option<&Path>) -> anyhow::Result<()> {
    for (path, template) in TEMPLATE {
        let text = template
            .replace("{{name}}", name)
            .replace("{{workspace}}", sdk::WORKSPACE);
        write_file(&dir.join(path), text.trim_end())?;
    }
    write_file(&dir.join(".gitignore"), GITIGNORE.trim_end())?;
    let own = dir.join(SDK);
    match near {
        Some(near) if cfg!(unix) => link(near, &own).with_context(|| own.display().to_string()),
        _ => sdk::files().try_for_each(|(path, text)| write_file(&own.join(path), text.trim_end())),
    }
}

#[cfg(unix)]
fn link(to: &Path, from: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, from)
}

/// Other systems allow links to few users only, so the SDK is copied there.
#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(path, format!("{text}\n")).with_context(|| path.display().to_string())
}

fn say(dir: &Path, near: Option<&Path>, out: &mut impl Write) -> io::Result<()> {
    let shown = dir.display();
    match near {
        Some(near) if cfg!(unix) => writeln!(out, "{shown} is a plugin; {SDK} in it is a link to {}", near.display())?,
        _ => writeln!(out, "{shown} is a plugin; {SDK} in it is the SDK")?,
    }
    writeln!(out, "  cargo test --manifest-path {shown}/Cargo.toml")?;
    writeln!(out, "  host plugin build {shown}")?;
    writeln!(out, "  host try --plugin {shown}.wasm {shown}/sample.csv")?;
    out.flush()
}

#[cfg(test)]
mod tests;
