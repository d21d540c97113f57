//! A file begins with what it does, and neither it nor its functions grow beyond what is read at a sitting.

use crate::code::Source;

/// Lines of a file; most have about 150.
const FILE_LINES: usize = 500;
/// Lines of a function, its signature and closing brace included: about a screen.
const FUNCTION_LINES: usize = 70;

/// A file whose first line does not say its job.
pub fn silent(source: &Source) -> Option<String> {
    let says = source.text.starts_with("//! ");
    (!says).then(|| format!("{}:1: the first line says the file's job: //! …", source.path))
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
