//! Finds the compiler for components: rustup's toolchain as it is, or else the one that `plugins/wasm-target` prepares.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};

/// The target that plugins are compiled for, as cargo and rustup name it.
pub const TARGET: &str = "wasm32-unknown-unknown";
const LINKER: &str = "wasm-component-ld";
const SCRIPT: &str = include_str!("../../../../../plugins/wasm-target");

/// How this toolchain differs from the author's own compiler.
#[derive(Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// A compiler to use instead of the one that cargo would use.
    pub rustc: Option<PathBuf>,
    /// The linker's name, if the compiler finds it by itself, or else its path.
    pub linker: OsString,
}

/// A command that runs cargo in `dir`, so that a `rust-toolchain.toml` there counts.
pub fn cargo(dir: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(dir);
    command
}

/// The error for a cargo that could not be started.
pub fn no_cargo(error: io::Error) -> anyhow::Error {
    let message = match error.kind() {
        io::ErrorKind::NotFound => {
            "cargo is not on PATH: building a plugin takes Rust (https://rustup.rs), running one does not"
        }
        _ => "cannot start cargo",
    };
    anyhow::Error::new(error).context(message)
}

/// Makes sure that there is a compiler with the target, and a linker that makes components.
pub fn ready(dir: &Path) -> anyhow::Result<Toolchain> {
    let version = cargo(dir)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .map_err(no_cargo)?;
    if !version.success() {
        bail!("cargo does not work in {}; it says why above", dir.display());
    }
    if has_target(dir) && has_linker(dir) {
        return Ok(Toolchain {
            rustc: None,
            linker: LINKER.into(),
        });
    }
    run_script(dir)
}

fn has_target(dir: &Path) -> bool {
    let Some(libraries) = ask(dir, &["--print", "target-libdir", "--target", TARGET]) else {
        return false;
    };
    let is_std = |name: &OsStr| name.to_string_lossy().starts_with("libstd-");
    fs::read_dir(libraries).is_ok_and(|mut files| files.any(|file| file.is_ok_and(|file| is_std(&file.file_name()))))
}

/// Whether there is a linker. rustup's toolchains have one in a folder where the compiler looks.
fn has_linker(dir: &Path) -> bool {
    let name = format!("{LINKER}{}", env::consts::EXE_SUFFIX);
    let own = ask(dir, &["--print", "sysroot"]).zip(ask(dir, &["--print", "host-tuple"]));
    let own = own.map(|(sysroot, host)| Path::new(&sysroot).join("lib/rustlib").join(host).join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    own.into_iter()
        .chain(env::split_paths(&path))
        .any(|folder| folder.join(&name).is_file())
}

/// The answer of the author's compiler; `None` if it cannot answer.
fn ask(dir: &Path, arguments: &[&str]) -> Option<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(rustc).args(arguments).current_dir(dir).output().ok()?;
    let text = answer
        .status
        .success()
        .then(|| String::from_utf8(answer.stdout).ok())??;
    Some(text.trim_end().to_owned())
}

/// Runs the script. It prints on stderr what it does, and on stdout what to use instead, as `NAME=VALUE` lines.
fn run_script(dir: &Path) -> anyhow::Result<Toolchain> {
    let mut script = tempfile::NamedTempFile::new().context("cannot write a temporary file")?;
    script
        .write_all(SCRIPT.as_bytes())
        .context("cannot write a temporary file")?;
    let ran = Command::new("bash")
        .arg(script.path())
        .current_dir(dir)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| {
            format!("this Rust cannot build for {TARGET}; `rustup target add {TARGET}` adds what is missing")
        })?;
    if !ran.status.success() {
        return Err(anyhow!(
            "this Rust cannot build components, and the target could not be added here; `rustup target add {TARGET}` does that \
             on a machine that has rustup"
        ));
    }
    Ok(understand(&String::from_utf8_lossy(&ran.stdout)))
}

fn understand(answer: &str) -> Toolchain {
    let value = |name: &str| {
        answer
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    };
    Toolchain {
        rustc: value("RUSTC").map(PathBuf::from),
        linker: value("LINKER").unwrap_or(LINKER).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_says_what_to_use_instead() {
        let own = understand("");
        assert_eq!((own.rustc, own.linker), (None, LINKER.into()));
        let other = understand("RUSTC=/a b/rustc\nLINKER=/c/wasm-component-ld\n");
        assert_eq!(other.rustc.as_deref(), Some(Path::new("/a b/rustc")));
        assert_eq!(other.linker, "/c/wasm-component-ld");
    }

    #[test]
    fn a_missing_cargo_is_told_from_one_that_fails() {
        let missing = no_cargo(io::ErrorKind::NotFound.into());
        assert!(missing.to_string().contains("not on PATH"), "{missing}");
        let other = no_cargo(io::ErrorKind::PermissionDenied.into());
        assert_eq!(other.to_string(), "cannot start cargo");
    }
}
