//! The SDK's sources, for a crate that cannot reach a checkout.

use std::borrow::Cow;

/// The values that the SDK's manifests inherit from their workspace. Its version is its own, so that the author's is the
/// only one in the crate's manifest.
pub const WORKSPACE: &str = r#"[workspace.package]
edition = "2024"
license = "Apache-2.0"
publish = false
rust-version = "1.85"

[workspace.lints]
"#;

/// How the SDK's sources are formatted, which the author's need not be.
const FORMAT: (&str, &str) = (
    ".rustfmt.toml",
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../.rustfmt.toml")),
);

/// The files of the SDK's folder, with their texts. The tests stay here: with them a plugin's `Cargo.lock` would name
/// dozens of crates that it never builds.
pub fn files() -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
    let sources = SOURCES
        .iter()
        .map(|(path, text)| match path.strip_suffix("Cargo.toml") {
            Some(_) => (*path, without_dev_dependencies(text).into()),
            None => (*path, without_tests(text).into()),
        });
    sources.chain([(FORMAT.0, FORMAT.1.into())])
}

/// A source up to its tests, which are its last part.
fn without_tests(source: &str) -> &str {
    source.split_once("\n#[cfg(test)]\n").map_or(source, |(code, _)| code)
}

fn without_dev_dependencies(manifest: &str) -> String {
    let Some((before, section)) = manifest.split_once("[dev-dependencies]\n") else {
        return manifest.to_owned();
    };
    let after = section.find("\n[").map_or("", |next| &section[next + 1..]);
    format!("{before}{after}")
}

/// Each of the given files below `plugins/sdk`, with its text.
macro_rules! sources {
    ($($path:literal)*) => {
        &[$(($path, include_str!(concat!("../../../../../plugins/sdk/", $path)))),*]
    };
}

/// The files of `plugins/sdk`: the path of each below that folder, and its text.
pub const SOURCES: &[(&str, &str)] = sources! {
    "Cargo.toml"
    "macros/Cargo.toml"
    "macros/src/foreign.rs"
    "macros/src/input.rs"
    "macros/src/lib.rs"
    "macros/src/row.rs"
    "macros/src/settings.rs"
    "macros/src/syntax.rs"
    "macros/src/transform.rs"
    "src/abi.rs"
    "src/bindings.rs"
    "src/builder.rs"
    "src/decimal/mod.rs"
    "src/decimal/text.rs"
    "src/input.rs"
    "src/lib.rs"
    "src/log.rs"
    "src/null.rs"
    "src/outcome.rs"
    "src/parse_error.rs"
    "src/plugin.rs"
    "src/row.rs"
    "src/settings.rs"
    "src/time/calendar.rs"
    "src/time/cursor.rs"
    "src/time/form.rs"
    "src/time/mod.rs"
    "src/time/usual.rs"
    "src/uuid.rs"
    "src/value.rs"
    "src/view.rs"
};
