//! A type's name says what the type is without its module: hardly any name is borne by more than three types.

use std::collections::BTreeMap;

use crate::code::{Source, is_of_tests, test_module};

/// More types than these of one name are told apart by their modules only.
const TYPES_OF_ONE_NAME: usize = 3;

/// Names that the module completes. The glossary in `host/ARCHITECTURE.md` has each, with the reason.
const COMPLETED_BY_MODULE: [&str; 2] = ["Config", "Options"];

/// The names that too many types bear, with the files of those types.
pub fn worn(sources: &[Source]) -> Vec<String> {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !is_of_tests(&source.path)) {
        for name in types(source) {
            by_name.entry(name).or_default().push(&source.path);
        }
    }
    let worn = by_name
        .into_iter()
        .filter(|(name, files)| files.len() > TYPES_OF_ONE_NAME && !COMPLETED_BY_MODULE.contains(name));
    worn.map(|(name, files)| {
        let count = files.len();
        format!(
            "{count} types are called {name}, at most {TYPES_OF_ONE_NAME}: {}",
            files.join(", ")
        )
    })
    .collect()
}

/// The allowed names that the glossary does not have.
pub fn unexplained(glossary: &str) -> Vec<String> {
    let has_row = |name: &str| glossary.contains(&format!("\n| `{name}` | "));
    let missing = COMPLETED_BY_MODULE.into_iter().filter(|name| !has_row(name));
    missing
        .map(|name| format!("the words in host/ARCHITECTURE.md have no row for `{name}`"))
        .collect()
}

/// The types that the file declares outside of functions, implementations and tests.
fn types(source: &Source) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut at, mut depth) = (0, 0_usize);
    while at < source.tokens.len() {
        if let Some(end) = test_module(source, at) {
            at = end;
            continue;
        }
        match source.at(at) {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            "struct" | "enum" | "trait" | "type" | "union" if depth == 0 => found.push(source.at(at + 1)),
            _ => {}
        }
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_four_types_is_found() {
        let file = |path: &str, text: &str| Source::new(path, text);
        let mut sources = vec![
            file("a/mod.rs", "pub struct Found;"),
            file("a/b.rs", "enum Found { A }"),
            file(
                "c.rs",
                "impl I for X { type Found = u8; }\n#[cfg(test)]\nmod tests { struct Found; }",
            ),
            file("c/tests.rs", "struct Found;"),
            file("d.rs", "fn f() { struct Found; }\ntrait Found {}"),
        ];
        assert_eq!(worn(&sources), [""; 0]);
        sources.push(file("e.rs", "pub(crate) type Found = u8;"));
        assert_eq!(
            worn(&sources),
            ["4 types are called Found, at most 3: a/mod.rs, a/b.rs, d.rs, e.rs"]
        );
    }

    #[test]
    fn a_name_that_the_module_completes_is_allowed() {
        let sources = ["a", "b", "c", "d"].map(|module| Source::new(module, "pub struct Config;"));
        assert_eq!(worn(&sources), [""; 0]);
    }

    #[test]
    fn an_allowed_name_without_its_reason_is_found() {
        assert_eq!(
            unexplained("\n| `Config` | settings |\n| `Options` | of a verb |\n"),
            [""; 0]
        );
        assert_eq!(unexplained("\n| `Config` | settings |\n").len(), 1);
    }
}
