//! Says what a file is that somebody took for a plugin.

use super::error::PluginError;

const MAGIC: &[u8] = b"\0asm";
/// The four bytes after the magic: version and layer (component-model `Binary.md`, "preamble").
const CORE_MODULE: [u8; 4] = [1, 0, 0, 0];
const COMPONENT: [u8; 4] = [0x0d, 0, 1, 0];

/// Refuses everything that does not begin like a component.
pub fn check(bytes: &[u8]) -> Result<(), PluginError> {
    let refuse = |found: &str, hint| {
        Err(PluginError::NotAComponent {
            found: found.to_owned(),
            hint,
        })
    };
    if bytes.is_empty() {
        return refuse("an empty file", "");
    }
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return match std::str::from_utf8(bytes) {
            Ok(text) if text.trim_start().starts_with("(component") || text.trim_start().starts_with("(module") => {
                refuse(
                    "WebAssembly text",
                    ": assemble it first, for example with `wasm-tools parse`",
                )
            }
            Ok(_) => refuse("a text file", ""),
            Err(_) => refuse("not WebAssembly", ""),
        };
    };
    match rest.get(..4) {
        Some(preamble) if preamble == COMPONENT => Ok(()),
        Some(preamble) if preamble == CORE_MODULE => refuse(
            "a core WebAssembly module",
            ": build it with `host plugin build`, which makes a component",
        ),
        Some(_) => refuse("WebAssembly of an unknown version", ""),
        None => refuse("WebAssembly cut off after its first bytes", ""),
    }
}
