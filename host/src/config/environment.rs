//! Reads settings from the environment, and from `.env`, which is weaker.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;

use super::given::{Given, Origin, Said, Surroundings};
use super::problem::Problem;
use super::{table, text};

pub(super) fn read(surroundings: &Surroundings, dot_env: &Path, said: &mut Said) {
    let variables = &surroundings.variables;
    let from_file = dot_env_variables(dot_env, said);
    let not_text = surroundings.not_text.iter().map(String::as_str);
    let in_process: BTreeSet<&str> = variables.iter().map(|(name, _)| &**name).chain(not_text).collect();
    // A variable of the process, even an empty one, hides its line in `.env`.
    for (name, value) in from_file.iter().filter(|(name, _)| !in_process.contains(name.as_str())) {
        take(name, value, Origin::DotEnv, ".env: ", said);
    }
    for (name, value) in variables {
        take(name, value, Origin::Environment, "", said);
    }
    for name in surroundings
        .not_text
        .iter()
        .filter(|name| table::by_env(name).is_some())
    {
        said.problems.0.push(Problem::new(name, "the value is not UTF-8"));
    }
}

/// An empty variable counts as not given: `KAFKA_SASL_PASSWORD=` in a template means "none".
fn take(name: &str, value: &str, origin: fn(&'static str) -> Origin, place: &str, said: &mut Said) {
    if let Some(setting) = table::by_env(name) {
        if !value.is_empty() {
            said.given.push(Given {
                key: setting.key.to_owned(),
                value: value.to_owned(),
                origin: origin(setting.env),
            });
        }
    } else if name.starts_with(table::ENV_PREFIX) {
        // Only a name that looks like a misspelt setting is an error. Any other may belong to another program, and
        // causes a warning.
        match table::nearest_env(name) {
            Some(near) => {
                let message = format!("unknown setting; did you mean {near}? Unset it if it is not for this program");
                said.problems
                    .0
                    .push(Problem::new(format_args!("{place}{name}"), message));
            }
            None => said.strangers.push(name.to_owned()),
        }
    }
}

fn dot_env_variables(path: &Path, said: &mut Said) -> Vec<(String, String)> {
    let mut text = match text::read(path) {
        Ok(Some(text)) => text,
        Ok(None) => return Vec::new(),
        Err(error) => {
            said.unread.push(Problem::new(".env", error.to_string()));
            return Vec::new();
        }
    };
    // The library refuses a last line that ends in blanks.
    text.push('\n');
    let read = Cell::new(0);
    let mut variables = Vec::new();
    let lines = Lines {
        rest: text.as_bytes(),
        read: &read,
    };
    for entry in dotenvy::from_read_iter(lines) {
        match entry {
            Ok(variable) => variables.push(variable),
            Err(error) => said.problems.0.push(bad_line(&error, read.get())),
        }
    }
    variables
}

/// Names only the line's number. The library's own message repeats the line, which may hold a password.
fn bad_line(error: &dotenvy::Error, lines_read: usize) -> Problem {
    let message = "not of the form NAME=value; put a value with blanks, `#` or `$` between single quotes";
    match error {
        // The library gives all lines of the entry, or of the part right of its `=`. They end in a line break only if a
        // quote is still open at the end of the file.
        dotenvy::Error::LineParse(bad, _) => {
            let ends = bad.matches('\n').count();
            let behind = if bad.ends_with('\n') { ends - 1 } else { ends };
            let line = lines_read.saturating_sub(behind);
            Problem::new(format_args!(".env:{line}"), message)
        }
        _ => Problem::new(".env", message),
    }
}

/// Hands out one line at a time, so that we know which line the library is reading.
struct Lines<'a> {
    rest: &'a [u8],
    /// Number of line ends handed out so far.
    read: &'a Cell<usize>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.iter().position(|byte| *byte == b'\n');
        let length = line.map_or(self.rest.len(), |end| end + 1).min(buffer.len());
        let (now, rest) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.rest = rest;
        self.read.set(self.read.get() + usize::from(now.ends_with(b"\n")));
        Ok(length)
    }
}
