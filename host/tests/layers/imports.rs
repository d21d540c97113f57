//! Imports go down only: from a layer into a lower one, never up and never sideways.

use crate::code::Source;

/// From the top to the bottom. Modules on one line never import each other.
const LAYERS: [&[&str]; 11] = [
    &["main"],
    &["cli"],
    &["app"],
    &["admin"],
    &["config"],
    &["telemetry"],
    &["pipeline", "produce", "generate", "fleet"],
    &["source", "codec", "plugin", "sink", "dead_letter"],
    // Below the stages: a source or a store may keep the progress itself.
    &["progress"],
    &["cassandra", "kafka"],
    &["record", "connection", "csv_file", "failpoint"],
];

/// Every path of the file that leads where it should not.
pub fn violations(source: &Source) -> Vec<String> {
    let module = module_of(&source.path);
    let Some(from) = module.first() else {
        return Vec::new(); // lib.rs only lists the modules.
    };
    let targets = targets(source, &module);
    let unknown = |name: &str| {
        format!(
            "{}: module {name} is in no layer of host/tests/layers/imports.rs",
            source.path
        )
    };
    let Some(own) = layer(from) else {
        return vec![unknown(from)];
    };
    let wrong = targets.into_iter().filter(|(target, _)| target != from);
    wrong
        .filter_map(|(target, line)| match layer(&target) {
            None => Some(unknown(&target)),
            Some(other) if other > own => None,
            Some(other) => {
                let way = if other == own { "sideways" } else { "up" };
                Some(format!(
                    "{}:{line}: {from} imports {target}, which goes {way}",
                    source.path
                ))
            }
        })
        .collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// `pipeline/worker.rs` is `[pipeline, worker]`, `main.rs` is `[main]`, `lib.rs` is nothing.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" {
        return Vec::new();
    }
    path.split('/').map(str::to_owned).collect()
}

/// The first module of each path that starts at the root (`crate::x`, `host::x` in `main.rs`, enough `super::`).
fn targets(source: &Source, module: &[String]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut inner: Vec<usize> = Vec::new(); // the depth of braces at which each `mod x {` around us opened
    let mut depth = 0;
    let mut at = 0;
    while at < source.tokens.len() {
        let inside_path = at > 0 && source.at(at - 1) == "::" && source.at(at) != "super";
        match source.at(at) {
            "mod" if source.at(at + 2) == "{" => {
                depth += 1;
                inner.push(depth);
                at += 2;
            }
            "{" => depth += 1,
            "}" => {
                inner.retain(|opened| *opened < depth);
                depth -= 1;
            }
            "crate" if source.at(at + 1) == "::" => heads(source, at + 2, &mut found),
            "host" if module == ["main"] && !inside_path && source.at(at + 1) == "::" => {
                heads(source, at + 2, &mut found);
            }
            "super" if source.at(at + 1) == "::" => {
                let mut climbed = 1;
                while source.at(at + 2) == "super" {
                    climbed += 1;
                    at += 2;
                }
                if climbed == module.len() + inner.len() {
                    heads(source, at + 2, &mut found);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The word at `at`, or the first word of each element of the group that opens there.
fn heads(source: &Source, at: usize, found: &mut Vec<(String, usize)>) {
    let mut push = |index: usize| found.push((source.at(index).to_owned(), source.tokens[index].line));
    if source.at(at) != "{" {
        return push(at);
    }
    let (mut depth, mut index) = (1, at + 1);
    while depth > 0 && index < source.tokens.len() {
        match source.at(index) {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if depth == 1 && matches!(source.at(index - 1), "{" | ",") => push(index),
            _ => {}
        }
        index += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        violations(&Source::new(path, text))
    }

    #[test]
    fn down_is_allowed() {
        assert_eq!(
            found(
                "app/run.rs",
                "use crate::pipeline::flow::parts::Parts; use crate::{sink, record::Record};"
            ),
            [""; 0]
        );
        assert_eq!(
            found(
                "sink/sqlite/table.rs",
                "use super::super::SinkError; use crate::sink::Sink;"
            ),
            [""; 0]
        );
        assert_eq!(found("main.rs", "fn main() { host::cli::run() }"), [""; 0]);
        assert_eq!(found("lib.rs", "pub mod app;"), [""; 0]);
    }

    #[test]
    fn up_is_found() {
        let up = found("record/mod.rs", "\nuse crate::sink::Sink;");
        assert_eq!(up, ["record/mod.rs:2: record imports sink, which goes up"]);
        assert_eq!(found("config/file.rs", "fn f() -> crate::app::Failure {}").len(), 1);
        assert_eq!(
            found("app/run.rs", "use crate::{pipeline, cli::{flags, run}};").len(),
            1
        );
        assert_eq!(found("cli/run.rs", "use crate::main;").len(), 1);
    }

    #[test]
    fn sideways_is_found() {
        let sideways = found(
            "source/kafka/mod.rs",
            "use crate::{\n    record::Record,\n    sink::Sink,\n};",
        );
        assert_eq!(
            sideways,
            ["source/kafka/mod.rs:3: source imports sink, which goes sideways"]
        );
        assert_eq!(found("produce/mod.rs", "use crate::pipeline;").len(), 1);
    }

    #[test]
    fn climbing_out_is_found() {
        assert_eq!(found("codec/json.rs", "use super::super::plugin::Plugin;").len(), 1);
        assert_eq!(found("codec/mod.rs", "use super::{plugin, record};").len(), 1);
        assert_eq!(
            found("codec/mod.rs", "mod tests { use super::super::plugin::Plugin; }").len(),
            1
        );
        assert_eq!(
            found("codec/mod.rs", "mod tests { use super::plugin; } use super::record;"),
            [""; 0]
        );
    }

    #[test]
    fn a_module_without_a_layer_is_found() {
        assert_eq!(found("misc/mod.rs", "").len(), 1);
        assert_eq!(found("app/mod.rs", "use crate::misc::anything;").len(), 1);
    }

    #[test]
    fn comments_and_strings_import_nothing() {
        assert_eq!(
            found(
                "record/mod.rs",
                "// crate::app\n//! [`crate::sink`]\nconst A: &str = \"crate::cli\";"
            ),
            [""; 0]
        );
    }
}
