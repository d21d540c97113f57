//! The SDK's sources, for a crate that cannot reach a checkout.

/// The values that the SDK's manifests inherit from their workspace.
pub const WORKSPACE: &str = concat!(
    "[workspace.package]\nversion = \"",
    env!("CARGO_PKG_VERSION"),
    r#""
edition = "2024"
license = "Apache-2.0"
publish = false
rust-version = "1.85"

[workspace.lints]
"#
);

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
    "macros/src/input.rs"
    "macros/src/lib.rs"
    "macros/src/row.rs"
    "macros/src/settings.rs"
    "macros/src/syntax.rs"
    "macros/src/transform.rs"
    "src/abi.rs"
    "src/bindings.rs"
    "src/builder.rs"
    "src/input.rs"
    "src/lib.rs"
    "src/log.rs"
    "src/outcome.rs"
    "src/plugin.rs"
    "src/row.rs"
    "src/settings.rs"
    "src/value.rs"
    "src/view.rs"
};
