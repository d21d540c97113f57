//! Reads the operator's settings (`--set key=value`) into the author's struct before the first batch.

use std::fmt::Display;
use std::str::FromStr;

/// The settings of a plugin. Derive it with [`macro@crate::Settings`] for a struct; each field is one setting.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the settings of a plugin",
    label = "the settings of a plugin",
    note = "put #[derive(Settings)] on the struct"
)]
pub trait Settings: Sized {
    /// Reads the settings from pairs of key and value. The error names everything that is wrong, and the settings that
    /// are known.
    fn from_list(list: &[(String, String)]) -> Result<Self, String>;
}

/// A plugin without settings refuses every setting.
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
    /// Starts with the operator's pairs of key and value. Notes every key that is repeated or not in `known`.
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

    /// Reads a setting that must be given. None means it is missing or bad, which is noted.
    pub fn required<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<T> {
        let Some(text) = self.find(key) else {
            self.problems.push(format!("setting `{key}` is required"));
            return None;
        };
        self.parse(key, text)
    }

    /// Reads a setting, or `default` if it is not given. None means its value is bad, which is noted.
    pub fn or_default<T: FromStr<Err: Display>>(&mut self, key: &str, default: &str) -> Option<T> {
        let text = self.find(key).unwrap_or(default);
        self.parse(key, text)
    }

    /// Reads a setting that may be absent. None means its value is bad, which is noted; `Some(None)` that it
    /// is not given.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<Option<T>> {
        match self.find(key) {
            None => Some(None),
            Some(text) => self.parse(key, text).map(Some),
        }
    }

    /// Gives the settings if everything was right, or else one text with everything that was noted.
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
