//! Reads `host.toml` as dotted keys with their lines, and refuses unknown keys.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::given::{Given, Origin, Said};
use super::problem::Problem;
use super::{table, text};

/// Whether the file must exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
}

pub(super) fn read(path: &Path, presence: Presence, said: &mut Said) {
    let why = match text::read(path) {
        Ok(Some(text)) => return parse(path, &text, said),
        Ok(None) if presence == Presence::Optional => return,
        Ok(None) => "there is no such file; --config names a TOML file".to_owned(),
        Err(error) => error.to_string(),
    };
    said.unread.push(Problem::new(path.display(), why));
}

fn parse(path: &Path, text: &str, said: &mut Said) {
    let (document, errors) = DeTable::parse_recoverable(text);
    // The error's own display shows the line, which may hold a password. Only its message is passed on.
    for error in &errors {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        let message = format!("not TOML: {}", error.message());
        said.problems
            .0
            .push(Problem::new(format_args!("{}:{line}", path.display()), message));
    }
    if errors.is_empty() {
        Walk { path, text, said }.table("", document.get_ref());
    }
}

struct Walk<'a> {
    path: &'a Path,
    text: &'a str,
    said: &'a mut Said,
}

impl Walk<'_> {
    /// Reads one table. `prefix` ends in a dot, or is empty for the document itself.
    fn table(&mut self, prefix: &str, entries: &DeTable<'_>) {
        for (name, value) in entries {
            let key = format!("{prefix}{}", name.get_ref());
            let line = line_of(self.text, name.span().start);
            match value.get_ref() {
                DeValue::Table(inner) if is_table(&key) => self.table(&format!("{key}."), inner),
                _ => self.entry(key, line, value),
            }
        }
    }

    fn entry(&mut self, key: String, line: usize, value: &Spanned<DeValue<'_>>) {
        let known = table::by_key(&key).is_some()
            || key.starts_with(table::KAFKA_PROPERTIES)
            || key.starts_with(table::PLUGIN_SETTINGS);
        let place = format!("{}:{line}", self.path.display());
        if !known {
            let message = match value.get_ref() {
                DeValue::Table(_) => unknown_table(&key),
                _ => unknown_key(&key),
            };
            self.said.problems.0.push(Problem::new(place, message));
            return;
        }
        let Some(text) = text_of(value.get_ref()) else {
            let found = value.get_ref().type_str();
            let message = format!("{key} takes one value (or a list of texts), this is a TOML {found}");
            self.said.problems.0.push(Problem::new(place, message));
            return;
        };
        self.said.given.push(Given {
            key,
            value: text,
            origin: Origin::File {
                path: self.path.to_owned(),
                line,
            },
        });
    }
}

fn unknown_key(key: &str) -> String {
    match table::nearest_key(key) {
        Some(near) => format!("unknown setting {key}; did you mean {near}?"),
        None => format!("unknown setting {key}; host/docs/configuration.md lists all settings"),
    }
}

fn unknown_table(name: &str) -> String {
    match table::nearest_table(name) {
        Some(near) => format!("unknown table [{name}]; did you mean [{near}]?"),
        None => format!("unknown table [{name}]; host/docs/configuration.md lists all settings"),
    }
}

/// Whether this key can hold further keys.
fn is_table(key: &str) -> bool {
    let prefix = format!("{key}.");
    prefix.starts_with(table::KAFKA_PROPERTIES)
        || prefix.starts_with(table::PLUGIN_SETTINGS)
        || table::KAFKA_PROPERTIES.starts_with(&prefix)
        || table::PLUGIN_SETTINGS.starts_with(&prefix)
        || table::SETTINGS.iter().any(|setting| setting.key.starts_with(&prefix))
}

/// The value as it would be typed after a flag. A list becomes comma separated.
fn text_of(value: &DeValue<'_>) -> Option<String> {
    Some(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            texts?.join(",")
        }
        DeValue::Datetime(_) | DeValue::Table(_) => return None,
    })
}

/// The line in which the byte is, counted from 1.
fn line_of(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}
