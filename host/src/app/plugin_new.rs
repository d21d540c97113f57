//! `host plugin new`: a crate that builds and passes its own test at once, inside a checkout or anywhere else.
//!
//! Inside a checkout that has the SDK it depends on it by path. Elsewhere the SDK comes along, its sources as they are:
//! a path dependency below a workspace is a member of it, so the new crate's `[workspace]` gives what they inherit.

mod sdk;

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::failure::Failure;

/// As long as crates may be named on registries.
const MAX_NAME: usize = 64;

/// Names that cargo or the compiler keep for themselves, and the SDK's own.
const TAKEN: &str = "abstract alloc as async await become box break build const continue core crate deps do dyn else enum \
    examples extern false final fn for gen if impl in incremental let loop macro match mod move mut override priv proc_macro \
    pub ref return self static std struct super test trait transform-sdk transform-sdk-macros true try type typeof unsafe \
    unsized use virtual where while yield";

/// The new crate's files, with `{{…}}` to fill in.
const TEMPLATE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("plugin_new/manifest.toml")),
    ("README.md", include_str!("plugin_new/readme.md")),
    ("sample.csv", include_str!("plugin_new/sample.csv")),
    ("src/lib.rs", include_str!("plugin_new/lib.rs")),
];
const GITIGNORE: &str = "/target/\n";

/// Folder of the SDK's sources in a crate that brings them along.
const VENDORED: &str = "transform-sdk";

/// What `host plugin new` was asked for.
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
    let sdk = nearest_sdk(&parent_full).map(|sdk| from_to(&parent_full.join(name), &sdk));
    if let Err(error) = write_crate(name, &dir, sdk.as_deref()) {
        // What is half there would be in the way of the next try.
        let _ = fs::remove_dir_all(&dir);
        return Err(Failure::Failed(
            error.context(format!("cannot write {}", dir.display())),
        ));
    }
    say(&dir, sdk.as_deref(), out)
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

/// The way from one folder to another, both given in full: `/a/b/c` to `/a/d` is `../../d`.
fn from_to(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| Component::ParentDir);
    up.chain(to[shared..].iter().copied()).collect()
}

/// `sdk`: the way to the SDK of this checkout; where there is none, the SDK is written too.
fn write_crate(name: &str, dir: &Path, sdk: Option<&Path>) -> anyhow::Result<()> {
    let (sdk, workspace) = match sdk {
        // Forward slashes, which are the same to cargo on every system.
        Some(path) => (path.to_string_lossy().replace('\\', "/"), String::new()),
        None => (VENDORED.to_owned(), sdk::WORKSPACE.to_owned()),
    };
    for (path, template) in TEMPLATE {
        let text = template
            .replace("{{name}}", name)
            .replace("{{sdk}}", &sdk)
            .replace("{{workspace}}", &workspace);
        write_file(&dir.join(path), text.trim_end())?;
    }
    write_file(&dir.join(".gitignore"), GITIGNORE.trim_end())?;
    if !workspace.is_empty() {
        for (path, text) in sdk::SOURCES {
            write_file(&dir.join(VENDORED).join(path), text.trim_end())?;
        }
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(path, format!("{text}\n")).with_context(|| path.display().to_string())
}

fn say(dir: &Path, sdk: Option<&Path>, out: &mut impl Write) -> io::Result<()> {
    let shown = dir.display();
    match sdk {
        Some(sdk) => writeln!(out, "{shown} is a plugin; it uses the SDK in {}", sdk.display())?,
        None => writeln!(out, "{shown} is a plugin; the SDK lies in {shown}/{VENDORED}")?,
    }
    writeln!(out, "  cargo test --manifest-path {shown}/Cargo.toml")?;
    writeln!(out, "  host plugin build {shown}")?;
    writeln!(out, "  host try --plugin {shown}.wasm {shown}/sample.csv")?;
    out.flush()
}

#[cfg(test)]
mod tests;
