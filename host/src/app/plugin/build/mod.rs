//! `host plugin build`: calls cargo with the toolchain's own component linker. The component is checked as `host run`
//! checks it, and then put in place in one step, so that a running host never reads half a file.

mod krate;
mod toolchain;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::inspect;
use crate::app::failure::Failure;
use crate::plugin::limits::Limits;
use crate::plugin::{self, PluginError};
use krate::Crate;

/// The options of `host plugin build`.
#[derive(Debug, Clone)]
pub struct Options {
    /// The crate's folder.
    pub dir: PathBuf,
    /// The component's file; `None` means `DIR.wasm` beside the folder.
    pub out: Option<PathBuf>,
    /// Settings with which the built plugin is asked to describe itself. They do not go into the file.
    pub settings: Vec<(String, String)>,
}

/// Builds the crate, writes the component and prints what it is.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let dir = options
        .dir
        .canonicalize()
        .with_context(|| format!("cannot find the folder {}", options.dir.display()))
        .map_err(Failure::Usage)?;
    if !dir.join("Cargo.toml").is_file() {
        let remedy = "`host plugin new NAME` writes a crate to begin with";
        return Err(Failure::Usage(anyhow!(
            "{} has no Cargo.toml; {remedy}",
            options.dir.display()
        )));
    }
    let file = options.out.clone().unwrap_or_else(|| beside(&options.dir, &dir));
    let toolchain = toolchain::ready(&dir).map_err(Failure::Usage)?;
    let built = Crate::find(&dir)
        .and_then(|found| found.build(&toolchain))
        .map_err(Failure::Usage)?;
    let bytes = fs::read(&built)
        .with_context(|| format!("cannot read {}", built.display()))
        .map_err(Failure::Failed)?;

    let described = match plugin::inspect(&bytes, &options.settings, Limits::default()) {
        Ok(inspection) => Ok(inspection),
        // The operator gives the settings, so a plugin that needs some is not wrong.
        Err(PluginError::Settings { message }) => Err(message),
        Err(error) => {
            let refused = format!(
                "{} is not written, because what was built is not a plugin",
                file.display()
            );
            return Err(Failure::Usage(anyhow::Error::new(error).context(refused)));
        }
    };
    put(&bytes, &file)
        .with_context(|| format!("cannot write {}", file.display()))
        .map_err(Failure::Failed)?;
    let printed = match described {
        Ok(inspection) => inspect::print(&inspection, &file, out),
        Err(why) => {
            let file = file.display();
            writeln!(
                out,
                "{file} is written; it cannot describe itself with these settings: {why}"
            )
            .and_then(|()| writeln!(out, "host plugin inspect {file} --set KEY=VALUE shows it"))
        }
    };
    printed.context("cannot print what was built").map_err(Failure::Failed)
}

/// `plugins/order_enrich` becomes `plugins/order_enrich.wasm`. The path is used as it was typed if it ends in a name.
fn beside(typed: &Path, full: &Path) -> PathBuf {
    let dir = if typed.file_name().is_some() { typed } else { full };
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".wasm");
    dir.with_file_name(name)
}

/// Writes the file under another name in the same folder and renames it, so that it is never there in part.
fn put(bytes: &[u8], file: &Path) -> io::Result<()> {
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".plugin-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Only its owner may read a temporary file. A plugin is for any account that runs the host, as the umask has
        // it.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_goes_beside_the_folder() {
        let full = Path::new("/a/b/order_enrich");
        let cases = [
            ("plugins/order_enrich", "plugins/order_enrich.wasm"),
            ("plugins/order_enrich/", "plugins/order_enrich.wasm"),
            ("order.v2", "order.v2.wasm"),
            (".", "/a/b/order_enrich.wasm"),
            ("..", "/a/b/order_enrich.wasm"),
        ];
        for (typed, expected) in cases {
            assert_eq!(beside(Path::new(typed), full), Path::new(expected), "{typed}");
        }
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        put(b"old", &file).unwrap();
        put(b"new", &file).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_without_a_crate_is_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        for dir in [folder.path().to_owned(), folder.path().join("nowhere")] {
            let options = Options {
                dir,
                out: None,
                settings: Vec::new(),
            };
            let failure = run(&options, &mut Vec::new()).unwrap_err();
            assert!(matches!(failure, Failure::Usage(_)), "{failure}");
        }
    }
}
