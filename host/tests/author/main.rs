//! What the author of a plugin does: `plugin new`, `cargo test`, `plugin build`, `plugin inspect`. Needs cargo and the
//! target `wasm32-unknown-unknown`, no server.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

/// `host plugin …` in `dir`. Where cargo puts what it compiles is left to cargo, as for an author.
fn plugin(dir: &Path, arguments: &[&str]) -> Output {
    let mut host = Command::new(env!("CARGO_BIN_EXE_host"));
    let host = host.arg("plugin").args(arguments).current_dir(dir);
    host.output().expect("host starts")
}

/// What it printed; it must have succeeded.
fn printed(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}\n{errors}", output.status.code());
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
    {
        let target = to.join(entry.file_name());
        match entry.file_name().to_str() {
            Some("target" | ".git") => {}
            _ if entry.path().is_dir() => copy(&entry.path(), &target),
            _ => _ = fs::copy(entry.path(), target).expect("a copy"),
        }
    }
}

#[test]
fn a_new_plugin_passes_its_test_builds_and_says_what_it_is() {
    let dir = folder();
    let dir = dir.path();
    printed(&plugin(dir, &["new", "clean-readings"]));
    let mut cargo = Command::new("cargo");
    let tested = cargo
        .args(["test", "--quiet", "--target-dir", "target"])
        .current_dir(dir.join("clean-readings"))
        .output()
        .expect("cargo starts");
    assert!(printed(&tested).contains("2 passed"));

    let built = printed(&plugin(dir, &["build", "clean-readings"]));
    for line in [
        "plugin   clean-readings 0.1.0",
        "file     clean-readings.wasm",
        "  celsius  float64    nullable",
        "output   readings: upsert into table readings",
        "  fahrenheit  float64    required",
    ] {
        assert!(built.lines().any(|printed| printed == line), "{line:?} in:\n{built}");
    }
    assert_eq!(printed(&plugin(dir, &["inspect", "clean-readings.wasm"])), built);
}

#[test]
fn the_same_sources_in_two_folders_give_the_same_bytes() {
    let dir = folder();
    let (one, other) = (dir.path().join("one"), dir.path().join("another/and deeper"));
    fs::create_dir(&one).expect("a folder");
    printed(&plugin(&one, &["new", "mine"]));
    copy(&one.join("mine"), &other.join("mine"));
    // One more, as it lies in a checkout: a member of a workspace, with the SDK beside it.
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let parts = dir.path().join("checkout/plugins");
    copy(&checkout.join("plugins"), &parts);
    let manifest = fs::read_to_string(checkout.join("Cargo.toml")).expect("the workspace's manifest");
    fs::write(
        dir.path().join("checkout/Cargo.toml"),
        manifest.replace("\"host\", ", ""),
    )
    .expect("a manifest");

    printed(&plugin(dir.path(), &["build", "one/mine"]));
    printed(&plugin(&other, &["build", "mine", "--out", "other.wasm"]));
    let read = |file: &Path| fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(
        read(&one.join("mine.wasm")) == read(&other.join("other.wasm")),
        "a crate in two folders"
    );

    printed(&plugin(&parts, &["build", "order_enrich", "--out", "copy.wasm"]));
    let here = dir.path().join("here.wasm").display().to_string();
    printed(&plugin(&checkout, &["build", "plugins/order_enrich", "--out", &here]));
    assert!(
        read(Path::new(&here)) == read(&parts.join("copy.wasm")),
        "a checkout in two folders"
    );
}

#[test]
fn what_does_not_compile_is_said_by_cargo_and_writes_nothing() {
    let dir = folder();
    let dir = dir.path();
    printed(&plugin(dir, &["new", "broken"]));
    let source = dir.join("broken/src/lib.rs");
    let text = fs::read_to_string(&source).expect("the source");
    fs::write(
        &source,
        text.replace("room: Option<&'a str>", "room: std::ops::Range<u8>"),
    )
    .expect("the source");
    let failed = plugin(dir, &["build", "broken"]);
    let said = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(2), "{said}");
    for words in ["src/lib.rs:", "Range<u8>", "supported: ", "error: "] {
        assert!(said.contains(words), "{words:?} in:\n{said}");
    }
    assert!(!dir.join("broken.wasm").exists());
}
