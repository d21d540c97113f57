//! A file begins with what it does, its public items say what they are, and neither it nor its functions grow beyond what
//! is read at a sitting. A folder of modules has its `mod.rs`.

use crate::code::{Source, is_of_tests, test_module};

/// Lines of a file; most have about 150.
const FILE_LINES: usize = 500;
/// Lines of a function, its signature and closing brace included: about a screen.
const FUNCTION_LINES: usize = 70;

/// A file whose first line does not say its job.
pub fn silent(source: &Source) -> Option<String> {
    let says = source.text.starts_with("//! ");
    (!says).then(|| format!("{}:1: the first line says the file's job: //! …", source.path))
}

/// The file, when it is the root of a folder that it stands beside instead of in.
pub fn beside_its_folder(source: &Source, sources: &[Source]) -> Option<String> {
    let folder = source.path.strip_suffix(".rs").map(|name| format!("{name}/"))?;
    let has_folder = sources.iter().any(|other| other.path.starts_with(&folder));
    has_folder.then(|| format!("{}: belongs into its folder, as {folder}mod.rs", source.path))
}

/// The public items of the file that have no doc comment. Fields and variants are left to their names.
pub fn undocumented(source: &Source) -> Vec<String> {
    if is_of_tests(&source.path) {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < source.tokens.len() {
        if let Some(end) = test_module(source, at) {
            at = end;
            continue;
        }
        if let Some(name) = public_item(source, at)
            && !is_documented(&lines, source.tokens[at].line)
        {
            found.push(format!(
                "{}:{}: {name} has no docs",
                source.path, source.tokens[at].line
            ));
        }
        at += 1;
    }
    found
}

/// The name of the item that begins with this `pub`.
fn public_item(source: &Source, at: usize) -> Option<&str> {
    const BEFORE: [&str; 4] = ["async", "const", "unsafe", "extern"];
    const KINDS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];
    if source.at(at) != "pub" {
        return None;
    }
    let mut kind = at + 1;
    while BEFORE.contains(&source.at(kind)) && KINDS.contains(&source.at(kind + 1)) {
        kind += 1;
    }
    KINDS.contains(&source.at(kind)).then(|| source.at(kind + 1))
}

/// Whether a doc comment stands above the item on this line, counted from 1, and above its attributes.
fn is_documented(lines: &[&str], line: usize) -> bool {
    let mut above = line - 1;
    while above > 0 {
        let text = lines[above - 1];
        if text.starts_with("///") {
            return true;
        }
        if !text.ends_with(']') {
            return false;
        }
        // Up to where the attribute begins.
        while above > 1 && !lines[above - 1].starts_with("#[") {
            above -= 1;
        }
        above -= 1;
    }
    false
}

/// The file, when it is too long, and its functions that are.
pub fn too_long(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let lines = source.text.lines().count();
    if lines > FILE_LINES {
        found.push(format!("{}: {lines} lines, at most {FILE_LINES}", source.path));
    }
    let long = functions(source).into_iter().filter(|f| f.lines > FUNCTION_LINES);
    found.extend(long.map(|Function { name, line, lines }| {
        format!(
            "{}:{line}: {name} has {lines} lines, at most {FUNCTION_LINES}",
            source.path
        )
    }));
    found
}

#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

fn functions(source: &Source) -> Vec<Function> {
    let starts = (0..source.tokens.len()).filter(|at| source.at(*at) == "fn" && source.at(at + 1) != "(");
    starts
        .filter_map(|at| {
            let line = source.tokens[at].line;
            let last = &source.tokens[body_end(source, at)?];
            Some(Function {
                name: source.at(at + 1).to_owned(),
                line,
                lines: last.line - line + 1,
            })
        })
        .collect()
}

/// The brace that closes the function which starts at `at`; nothing for one without a body.
fn body_end(source: &Source, at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for index in at..source.tokens.len() {
        match source.at(index) {
            ";" if depth == 0 => return None,
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 && source.at(index) == "}" {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(text: &str) -> Vec<String> {
        too_long(&Source::new("x.rs", text))
    }

    #[test]
    fn a_file_that_does_not_say_its_job_is_found() {
        let found = |text: &str| silent(&Source::new("x.rs", text));
        assert_eq!(found("//! Does it.\n\nfn f() {}\n"), None);
        assert!(found("fn f() {}\n//! Late.\n").is_some());
        assert!(found("// A comment.\n").is_some());
        assert!(found("").is_some());
    }

    #[test]
    fn a_file_beside_its_folder_is_found() {
        let sources = ["a.rs", "a/b.rs", "c/mod.rs", "c/d.rs", "aa.rs"].map(|path| Source::new(path, ""));
        let found = sources.iter().filter_map(|source| beside_its_folder(source, &sources));
        assert_eq!(
            found.collect::<Vec<_>>(),
            ["a.rs: belongs into its folder, as a/mod.rs"]
        );
    }

    #[test]
    fn a_public_item_without_docs_is_found() {
        let found = |text: &str| undocumented(&Source::new("x.rs", text));
        assert_eq!(found("pub fn f() {}\n"), ["x.rs:1: f has no docs"]);
        assert_eq!(
            found("/// Does.\nimpl A {\n    #[inline]\n    pub const fn f() {}\n}\n").len(),
            1
        );
        assert_eq!(
            found("/// One.\npub struct A;\n\npub async fn b() {}\n"),
            ["x.rs:4: b has no docs"]
        );
        assert_eq!(
            found("/// A.\n#[derive(A)]\n#[error(\n    \"b\"\n)]\npub enum A { B }\n"),
            [""; 0]
        );
        assert_eq!(
            found("pub mod a;\npub use a::B;\npub(crate) fn f() {}\nstruct S {\n    pub a: u8,\n}\n"),
            [""; 0]
        );
        assert_eq!(found("#[cfg(test)]\nmod tests {\n    pub fn f() {}\n}\n"), [""; 0]);
    }

    #[test]
    fn a_long_file_is_found() {
        let line = "const A: u8 = 0;\n";
        assert_eq!(long(&line.repeat(FILE_LINES)), [""; 0]);
        assert_eq!(long(&line.repeat(FILE_LINES + 1)), ["x.rs: 501 lines, at most 500"]);
    }

    #[test]
    fn a_long_function_is_found() {
        let function = |lines: usize| format!("\nfn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
        assert_eq!(long(&function(FUNCTION_LINES)), [""; 0]);
        assert_eq!(
            long(&function(FUNCTION_LINES + 1)),
            ["x.rs:2: f has 71 lines, at most 70"]
        );
    }

    #[test]
    fn where_a_function_ends_is_found() {
        let text = "trait T { fn a() -> [u8; 3];\n\nfn b(f: fn(u8) -> u8) -> [u8; 2] {\n'}'; \"}\"; // }\n{ }\n}\n}";
        let b = Function {
            name: "b".to_owned(),
            line: 3,
            lines: 4,
        };
        assert_eq!(functions(&Source::new("x.rs", text)), [b]);
    }
}
