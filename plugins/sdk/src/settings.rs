//! The operator's settings (`--set key=value`), read into the author's struct before the first batch.

use std::fmt::Display;
use std::str::FromStr;

/// Settings of a plugin: derive it for a struct, one field a setting.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the settings of a plugin",
    label = "the settings of a plugin",
    note = "put #[derive(Settings)] on the struct"
)]
pub trait Settings: Sized {
    /// An error names everything that is wrong and what is known.
    fn from_list(list: &[(String, String)]) -> Result<Self, String>;
}

/// A plugin without settings refuses all.
impl Settings for () {
    fn from_list(list: &[(String, String)]) -> Result<Self, String> {
        Reading::new(list, &[]).finish(Some(()))
    }
}

/// Reads one setting after the other and gathers everything that is wrong.
pub struct Reading<'a> {
    list: &'a [(String, String)],
    problems: Vec<String>,
}

impl<'a> Reading<'a> {
    pub fn new(list: &'a [(String, String)], known: &[&str]) -> Self {
        let mut problems = Vec::new();
        for (i, (key, _)) in list.iter().enumerate() {
            if list[..i].iter().any(|(earlier, _)| earlier == key) {
                problems.push(format!("setting `{key}` is given twice"));
            } else if known.is_empty() {
                problems.push(format!("unknown setting `{key}`; this plugin takes no settings"));
            } else if !known.contains(&key.as_str()) {
                problems.push(format!("unknown setting `{key}`; known: {}", known.join(", ")));
            }
        }
        Self { list, problems }
    }

    /// None: missing or bad, and noted as such.
    pub fn required<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<T> {
        let Some(text) = self.find(key) else {
            self.problems.push(format!("setting `{key}` is required"));
            return None;
        };
        self.parse(key, text)
    }

    /// None: bad, and noted as such.
    pub fn or_default<T: FromStr<Err: Display>>(&mut self, key: &str, default: &str) -> Option<T> {
        let text = self.find(key).unwrap_or(default);
        self.parse(key, text)
    }

    /// None: bad, and noted as such. Some(None): not given.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<Option<T>> {
        match self.find(key) {
            None => Some(None),
            Some(text) => self.parse(key, text).map(Some),
        }
    }

    pub fn finish<S>(self, settings: Option<S>) -> Result<S, String> {
        match settings {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            _ => Err(self.problems.join("; ")),
        }
    }

    fn find(&self, key: &str) -> Option<&'a str> {
        self.list
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, key: &str, text: &str) -> Option<T> {
        text.parse()
            .map_err(|why| self.problems.push(format!("setting `{key}` = `{text}`: {why}")))
            .ok()
    }
}
