//! Components of the plugins of this workspace, each built once, and calls of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, OnceLock};

use arrow_array::{Int64Array, StringArray};
use host::plugin::limits::Limits;
use host::plugin::{Plugin, PluginEngine, PluginError, TransformError};
use host::record::columns::Batch;
use host::record::descriptor::Outcome;

const TARGET: &str = "wasm32-unknown-unknown";

/// One engine for all tests, as in a host.
pub static ENGINE: LazyLock<PluginEngine> =
    LazyLock::new(|| PluginEngine::new(Limits::default()).expect("the engine is made"));

/// The component of the plugin `misbehaving`.
pub fn misbehaving() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| build("misbehaving"))
}

/// The component of the plugin `NAME`, which does `what` (see `plugins/variants`).
#[allow(dead_code, reason = "not of the sandbox's own tests")]
pub fn variant(name: &str, what: &str) -> Vec<u8> {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let mut bytes = BYTES.get_or_init(|| build("variants")).clone();
    let mark = b"variant:one ";
    let places: Vec<_> = (0..bytes.len() - 64)
        .filter(|&at| bytes[at..].starts_with(mark))
        .collect();
    assert_eq!(places.len(), 1, "the variant's bytes are there once");
    let text = format!("{:64}", format!("variant:{name} {what}"));
    bytes[places[0]..places[0] + 64].copy_from_slice(text.as_bytes());
    bytes
}

/// Builds a plugin of the workspace. Cargo's own lock keeps two processes from doing it at once.
pub fn build(package: &str) -> Vec<u8> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target: PathBuf = workspace.join("target/plugins");
    let tools = tools(&workspace);
    let tool = |name: &str| tools.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let mut command = Command::new(env!("CARGO"));
    if let Some(rustc) = tool("RUSTC") {
        command.env("RUSTC", rustc);
    }
    let output = command
        .current_dir(&workspace)
        .args([
            "build",
            "--quiet",
            "--release",
            "--target",
            TARGET,
            "--package",
            package,
        ])
        .arg("--target-dir")
        .arg(&target)
        // What was set for the host's own build is not meant for guests.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            tool("LINKER").unwrap_or("wasm-component-ld"),
        )
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            "-Ctarget-feature=+simd128",
        )
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "plugin {package} does not build:\n{said}");
    let file = target.join(TARGET).join("release").join(format!("{package}.wasm"));
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Makes sure that components can be built here; what to use instead of the usual, as NAME=VALUE lines.
fn tools(workspace: &Path) -> Vec<String> {
    let output = Command::new("bash")
        .arg(workspace.join("plugins/wasm-target"))
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Loads `misbehaving`, told what to do wrong in `configure`.
pub fn configured(configure: &str, limits: Limits) -> Result<Plugin, PluginError> {
    let settings = [("configure".to_owned(), configure.to_owned())];
    Plugin::load(&ENGINE, misbehaving(), &settings, limits)
}

/// `misbehaving` as a plugin that configures well.
pub fn plugin(limits: Limits) -> Plugin {
    Plugin::load(&ENGINE, misbehaving(), &[], limits).expect("misbehaving loads")
}

/// A batch of `misbehaving`: what each record asks for; its number is its row, null in every third.
pub fn batch(behaviours: &[&str]) -> Batch {
    let number = |row: i64| (row % 3 != 2).then_some(row);
    Batch {
        rows: behaviours.len(),
        columns: vec![
            Arc::new(StringArray::from(behaviours.to_vec())),
            Arc::new((0..).map(number).take(behaviours.len()).collect::<Int64Array>()),
        ],
    }
}

/// One call of a fresh instance.
pub fn call(plugin: &Plugin, behaviours: &[&str]) -> Result<Outcome, TransformError> {
    let mut instance = plugin.instantiate().expect("an instance");
    instance.transform(&batch(behaviours))
}

/// An error with all its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
