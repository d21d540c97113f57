//! No circles: the members of a folder, files and folders alike, never import each other in a circle. So each folder can be
//! read from the top to the bottom, and no arrow inside it leads up again.
//!
//! A member may use what its own folder declares: the `mod.rs` above it holds what its members share. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::{Source, is_of_tests, test_module};

/// `pipeline/flow/lane.rs` is `[pipeline, flow, lane]`, `lib.rs` is nothing.
type Module = Vec<String>;

/// One import: from a module to a module, with the file and line where it stands.
#[derive(Debug, Clone)]
struct Arrow {
    from: Module,
    to: Module,
    place: String,
}

/// Every import that is part of a circle, in the folder where the circle is.
pub fn violations(sources: &[Source]) -> Vec<String> {
    let files = sources.iter().map(|source| module_of(&source.path));
    let modules: BTreeSet<Module> = files
        .flat_map(|file| (1..=file.len()).map(move |end| file[..end].to_vec()))
        .collect();
    let mut folders: BTreeMap<Module, Vec<(String, String, String)>> = BTreeMap::new();
    for arrow in sources.iter().flat_map(|source| arrows(source, &modules)) {
        let shared = arrow.from.iter().zip(&arrow.to).take_while(|(a, b)| a == b).count();
        if let (Some(from), Some(to)) = (arrow.from.get(shared), arrow.to.get(shared)) {
            let folder = folders.entry(arrow.from[..shared].to_vec()).or_default();
            folder.push((from.clone(), to.clone(), arrow.place));
        }
    }
    let circular = |arrows: &[(String, String, String)]| -> Vec<String> {
        let leads_back = |(from, to, _): &&(String, String, String)| reaches(arrows, to, from);
        let told = |(from, to, place): &(String, String, String)| {
            format!("{place}: {from} imports {to}, which leads back to {from}")
        };
        arrows.iter().filter(leads_back).map(told).collect()
    };
    folders.values().flat_map(|arrows| circular(arrows)).collect()
}

/// Whether imports lead from one member of a folder to another.
fn reaches(arrows: &[(String, String, String)], from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        let next = arrows.iter().filter(|(from, _, _)| from == at);
        open.extend(next.map(|(_, to, _)| to.as_str()).filter(|to| seen.insert(to)));
    }
    false
}

fn module_of(path: &str) -> Module {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/')
        .filter(|name| *name != "lib")
        .map(str::to_owned)
        .collect()
}

/// What the file imports of other files, but for those above it. Files of tests import nothing here.
fn arrows(source: &Source, modules: &BTreeSet<Module>) -> Vec<Arrow> {
    let own = module_of(&source.path);
    if is_of_tests(&source.path) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut at = 0;
    while at < source.tokens.len() {
        if let Some(end) = test_module(source, at) {
            at = end;
            continue;
        }
        let is_start = at == 0 || source.at(at - 1) != "::";
        let is_child = || modules.contains(&[own.clone(), vec![source.at(at).to_owned()]].concat());
        let begins = is_start && source.at(at + 1) == "::";
        if begins && (matches!(source.at(at), "crate" | "self" | "super") || is_child()) {
            let line = source.tokens[at].line;
            let (paths, end) = paths(source, at);
            for path in paths {
                let to = resolve(&own, &path, modules);
                if !own.starts_with(&to) {
                    found.push(Arrow {
                        from: own.clone(),
                        to,
                        place: format!("{}:{line}", source.path),
                    });
                }
            }
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// The paths that begin here, groups written out, and where they end.
fn paths(source: &Source, mut at: usize) -> (Vec<Vec<String>>, usize) {
    let mut path = Vec::new();
    loop {
        if source.at(at) == "{" {
            return group(source, at + 1, &path);
        }
        path.push(source.at(at).to_owned());
        at += 1;
        let goes_on = source.at(at) == "::"
            && source
                .at(at + 1)
                .starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '{'));
        if !goes_on {
            return (vec![path], at);
        }
        at += 1;
    }
}

fn group(source: &Source, mut at: usize, before: &[String]) -> (Vec<Vec<String>>, usize) {
    let mut found = Vec::new();
    while !matches!(source.at(at), "}" | "") {
        if source
            .at(at)
            .starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '{'))
        {
            let (inner, end) = paths(source, at);
            found.extend(inner.into_iter().map(|path| [before, &path].concat()));
            at = end;
        } else {
            at += 1;
        }
    }
    (found, at + 1)
}

/// The longest module that the path names.
fn resolve(own: &[String], path: &[String], modules: &BTreeSet<Module>) -> Module {
    let (mut at, mut rest) = match path.first().map(String::as_str) {
        Some("crate") => (Vec::new(), &path[1..]),
        Some("self") => (own.to_vec(), &path[1..]),
        _ => (own.to_vec(), path),
    };
    while let [first, more @ ..] = rest {
        if first != "super" {
            break;
        }
        at.pop();
        rest = more;
    }
    for name in rest {
        let deeper = [&at[..], std::slice::from_ref(name)].concat();
        if !modules.contains(&deeper) {
            break;
        }
        at = deeper;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        violations(&sources)
    }

    #[test]
    fn imports_that_lead_on_are_no_circle() {
        let files = [
            ("a/mod.rs", "mod one; mod two; pub struct Shared; use one::One;"),
            ("a/one.rs", "use super::two::Two; use super::Shared;"),
            (
                "a/two.rs",
                "use super::Shared; mod tests { use super::super::one::One; }",
            ),
        ];
        assert_eq!(found(&files[..2]), [""; 0]);
        let tests_only = ("a/two.rs", "#[cfg(test)] mod tests { use super::super::one::One; }");
        assert_eq!(found(&[files[0], files[1], tests_only]), [""; 0]);
    }

    #[test]
    fn two_files_that_import_each_other_are_found() {
        let circle = found(&[
            ("a/one.rs", "use super::two::Two;"),
            ("a/two.rs", "\nuse crate::a::{self, one::One};"),
        ]);
        let expected = [
            "a/one.rs:1: one imports two, which leads back to one",
            "a/two.rs:2: two imports one, which leads back to two",
        ];
        assert_eq!(circle, expected);
    }

    #[test]
    fn a_circle_of_three_and_a_path_in_the_code_are_found() {
        let files = [
            ("a/one.rs", "use super::two;"),
            ("a/two.rs", "fn two() { super::three::three() }"),
            ("a/three.rs", "use super::{four, one};"),
            ("a/four.rs", ""),
        ];
        assert_eq!(found(&files).len(), 3);
    }

    #[test]
    fn folders_that_import_each_other_are_found_though_no_file_does() {
        let files = [
            ("a/low/x.rs", "use crate::a::high::y;"),
            ("a/high/y.rs", ""),
            ("a/high/z.rs", "use crate::a::low::w;"),
            ("a/low/w.rs", ""),
        ];
        assert_eq!(found(&files).len(), 2);
    }
}
