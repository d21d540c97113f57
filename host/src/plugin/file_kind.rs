//! Tells what kind of file was given as a plugin, from its first bytes and the lengths of its sections.

use super::error::PluginError;

const MAGIC: &[u8] = b"\0asm";
/// The four bytes after the magic: version and layer (component-model `Binary.md`, "preamble").
const CORE_MODULE: [u8; 4] = [1, 0, 0, 0];
const COMPONENT: [u8; 4] = [0x0d, 0, 1, 0];

/// Refuses a file that does not begin like a component, and a component that ends within a section.
pub fn check(bytes: &[u8]) -> Result<(), PluginError> {
    let refuse = |found, hint| Err(PluginError::NotAComponent { found, hint });
    if bytes.is_empty() {
        return refuse("an empty file", "");
    }
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return match std::str::from_utf8(bytes) {
            Ok(text) if is_wat(text) => refuse(
                "WebAssembly text",
                ": assemble it first, for example with `wasm-tools parse`",
            ),
            Ok(_) => refuse("a text file", ""),
            Err(_) => refuse("not WebAssembly", ""),
        };
    };
    match rest.split_at_checked(4) {
        Some((preamble, sections)) if preamble == COMPONENT && is_whole(sections) => Ok(()),
        Some((preamble, _)) if preamble == CORE_MODULE => refuse(
            "a core WebAssembly module",
            ": build it with `host plugin build`, which makes a component",
        ),
        Some((preamble, _)) if preamble != COMPONENT => refuse("WebAssembly of an unknown version", ""),
        _ => Err(PluginError::CutOff { bytes: bytes.len() }),
    }
}

/// Whether the text begins with `(component` or `(module`, after blanks and comments.
fn is_wat(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(";;"));
    first.is_some_and(|line| line.starts_with("(component") || line.starts_with("(module"))
}

/// Whether the last section ends where the file does. A section is an id, its length as LEB128, and as many bytes.
fn is_whole(mut sections: &[u8]) -> bool {
    while let Some((_id, rest)) = sections.split_first() {
        let Some((length, rest)) = leb128(rest) else {
            return false;
        };
        let Some(after) = rest.get(length..) else {
            return false;
        };
        sections = after;
    }
    true
}

/// Reads an unsigned number of at most five bytes, seven bits each, least significant first.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> String {
        check(bytes).expect_err("a refusal").to_string()
    }

    #[test]
    fn says_what_a_file_is_that_is_no_component() {
        let expected = "expected a WebAssembly component of world host:transform/plugin@0.1.0";
        assert_eq!(found(b""), format!("it is an empty file; {expected}"));
        assert_eq!(
            found(b"order_id,customer_id\n"),
            format!("it is a text file; {expected}")
        );
        assert_eq!(
            found(b"\x7fELF\x02\x01\x01\xff"),
            format!("it is not WebAssembly; {expected}")
        );
        let wat = ";; a comment\n\n  (component)";
        assert!(found(wat.as_bytes()).starts_with("it is WebAssembly text; "));
        let module = found(b"\0asm\x01\0\0\0");
        assert!(module.starts_with("it is a core WebAssembly module; "), "{module}");
        assert!(module.contains("host plugin build"), "{module}");
        assert!(found(b"\0asm\x0d\0\x02\0").starts_with("it is WebAssembly of an unknown version; "));
    }

    #[test]
    fn notices_a_component_that_ends_within_a_section() {
        let whole = wat::parse_str("(component (core module (func)) (core module (memory 1)))").expect("valid text");
        assert!(check(&whole).is_ok());
        let between_sections: Vec<_> = (0..whole.len()).filter(|&end| check(&whole[..end]).is_ok()).collect();
        // A cut is not noticed after the preamble and after the first module.
        assert_eq!(between_sections.len(), 2, "{between_sections:?}");
        assert_eq!(
            found(&whole[..whole.len() - 1]),
            format!(
                "it is a component that is cut off after {} bytes: copy or build it again",
                whole.len() - 1
            )
        );
    }
}
