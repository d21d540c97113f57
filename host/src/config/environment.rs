//! The environment, and `.env` beneath it.

use std::collections::BTreeSet;
use std::path::Path;

use super::given::{Given, Origin, Said};
use super::problem::Problem;
use super::table;

pub(super) fn read(variables: &[(String, String)], dot_env: &Path, said: &mut Said) {
    let from_file = dot_env_variables(dot_env, said);
    let in_process: BTreeSet<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    // A variable that the process has, even an empty one, hides its line in `.env`.
    for (name, value) in from_file.iter().filter(|(name, _)| !in_process.contains(name.as_str())) {
        take(name, value, Origin::DotEnv, ".env: ", said);
    }
    for (name, value) in variables {
        take(name, value, Origin::Environment, "", said);
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
        // Only what looks like one of ours misspelt is an error; the rest may be somebody else's and is told as a warning.
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
    let Ok(text) = std::fs::read_to_string(path) else {
        return Vec::new();
    };
    let mut variables = Vec::new();
    for entry in dotenvy::from_read_iter(text.as_bytes()) {
        match entry {
            Ok(variable) => variables.push(variable),
            Err(error) => said.problems.0.push(bad_line(&text, &error)),
        }
    }
    variables
}

/// Says the line's number only: the library's own message repeats the line, which may hold a password.
fn bad_line(text: &str, error: &dotenvy::Error) -> Problem {
    let message = "not of the form NAME=value; put a value with blanks, `#` or `$` between single quotes";
    let number = match error {
        // The library gives the line, or only what is right of its `=`.
        dotenvy::Error::LineParse(bad, _) => text.lines().position(|line| line.trim_end().ends_with(bad.trim_end())),
        _ => None,
    };
    match number {
        Some(index) => Problem::new(format_args!(".env:{}", index + 1), message),
        None => Problem::new(".env", message),
    }
}
