//! The rules of the house that no compiler holds: which module may import which and that none does so in a circle,
//! where third-party names may stand, how long files and functions may be, how a file begins, that public items have docs
//! and types names of their own, how comments and messages are worded, what lies at the top, and that the build names no
//! registry.
//!
//! Each rule is a function from text to what is wrong with it, and each shows on a few lines that it can fail.

mod circles;
mod code;
mod imports;
mod names;
mod prose;
mod shape;
mod third_party;
mod tree;

use code::Source;

/// The host's own sources: `src/…`, as the rules see them.
fn sources() -> Vec<Source> {
    let files = tree::files();
    let sources: Vec<Source> = files
        .iter()
        .filter_map(|path| Some((path, path.strip_prefix("host/src/")?)))
        .filter(|(_, inside)| tree::is_rust(inside))
        .filter_map(|(path, inside)| Some(Source::new(inside, &tree::read(path)?)))
        .collect();
    assert!(sources.len() > 10, "only {} files found under host/src", sources.len());
    sources
}

/// All Rust that people wrote, tests and plugins too: not the bindings, which are generated, nor the input of the
/// compile-fail tests.
fn handwritten() -> Vec<Source> {
    let paths = tree::files().into_iter().filter(|path| tree::is_rust(path));
    paths
        .filter(|path| !path.ends_with("/bindings.rs") && !path.contains("/tests/ui/"))
        .filter_map(|path| Some(Source::new(&path, &tree::read(&path)?)))
        .collect()
}

fn none(violations: impl IntoIterator<Item = String>) {
    let violations: Vec<String> = violations.into_iter().collect();
    assert!(violations.is_empty(), "\n  {}\n", violations.join("\n  "));
}

#[test]
fn imports_go_down_only() {
    none(sources().iter().flat_map(imports::violations));
}

#[test]
fn nothing_is_imported_in_a_circle() {
    none(circles::violations(&sources()));
}

#[test]
fn third_party_names_stay_in_their_folders() {
    none(sources().iter().flat_map(third_party::violations));
}

#[test]
fn every_file_says_its_job() {
    none(handwritten().iter().filter_map(shape::silent));
}

#[test]
fn a_folder_has_its_mod_rs() {
    let sources = sources();
    none(
        sources
            .iter()
            .filter_map(|source| shape::beside_its_folder(source, &sources)),
    );
}

#[test]
fn public_items_say_what_they_are() {
    none(sources().iter().flat_map(shape::undocumented));
}

#[test]
fn types_have_names_of_their_own() {
    let glossary = tree::read("host/ARCHITECTURE.md").unwrap_or_default();
    none(names::worn(&sources()).into_iter().chain(names::unexplained(&glossary)));
}

#[test]
fn files_and_functions_stay_short() {
    none(sources().iter().flat_map(shape::too_long));
}

#[test]
fn comments_and_messages_are_plain_sentences() {
    let written = handwritten();
    let kept = |source: &&Source| source.path.starts_with("host/src/") || source.path.starts_with("plugins/sdk/");
    let documented = written.iter().filter(kept);
    let found = documented.flat_map(|source| [prose::bare_clauses(source), prose::is_no(source)].concat());
    none(found.chain(written.iter().flat_map(prose::unknown_persons)));
}

#[test]
fn the_top_level_holds_what_it_should() {
    none(tree::strangers(&tree::files()));
}

#[test]
fn no_file_names_a_package_registry() {
    let named = tree::files()
        .into_iter()
        .filter(|path| path != "Cargo.lock")
        .flat_map(|path| {
            let text = tree::read(&path).unwrap_or_default();
            tree::registries(&path, &text)
        });
    none(named);
}
