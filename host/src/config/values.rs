//! Reads the winning value of each setting by its form. A bad value is noted and replaced, so that reading goes on and
//! every problem is found.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::given::{Given, Origin, Said};
use super::problem::Problem;
use super::table::{self, SETTINGS, ValueForm};

pub(super) struct Values {
    by_key: BTreeMap<String, Given>,
    pub problems: Vec<Problem>,
}

impl Values {
    /// The last value of each key wins, since `said` has the weakest first.
    pub fn new(said: Said) -> Self {
        let defaults = SETTINGS
            .iter()
            .filter(|setting| !setting.default.is_empty())
            .map(|setting| Given {
                key: setting.key.to_owned(),
                value: setting.default.to_owned(),
                origin: Origin::Default,
            });
        Self {
            by_key: defaults
                .chain(said.given)
                .map(|given| (given.key.clone(), given))
                .collect(),
            problems: said.unread.into_iter().chain(said.problems.0).collect(),
        }
    }

    /// The winning value of a key, if there is one.
    pub fn given(&self, key: &str) -> Option<&Given> {
        self.by_key.get(key)
    }

    /// The value as text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.given(key).map(|given| given.value.clone())
    }

    /// The value as a path.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    /// All settings whose keys begin with the prefix. The result's keys are without it.
    pub fn under(&self, prefix: &str) -> Vec<(String, Given)> {
        self.by_key
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, given)| (key[prefix.len()..].to_owned(), given.clone()))
            .collect()
    }

    /// Reads a number within the bounds of its form.
    pub fn number(&mut self, key: &str) -> u64 {
        let Some(ValueForm::Number { unit, min, max }) = table::by_key(key).map(|setting| setting.form) else {
            unreachable!("{key} is not a number in the table");
        };
        let read = |text: &str| -> Result<u64, String> {
            match text.trim().replace('_', "").parse() {
                Ok(number) if (min..=max).contains(&number) => Ok(number),
                _ => Err(format!("`{text}` is not a whole number of {unit} from {min} to {max}").replace("of  ", "")),
            }
        };
        self.parse(key, read).unwrap_or(min)
    }

    /// Reads a number or `auto`, which gives `None`.
    pub fn auto_or(&mut self, key: &str) -> Option<usize> {
        let Some(ValueForm::AutoOr { unit, min, max }) = table::by_key(key).map(|setting| setting.form) else {
            unreachable!("{key} is not a number or auto in the table");
        };
        let read = |text: &str| match text.trim() {
            "auto" => Ok(None),
            text => match text.replace('_', "").parse() {
                Ok(number) if (min..=max).contains(&number) => Ok(usize::try_from(number).ok()),
                _ => Err(format!(
                    "`{text}` is neither auto nor a whole number of {unit} from {min} to {max}"
                )),
            },
        };
        self.parse(key, read).flatten()
    }

    /// Reads a number that counts something in memory.
    pub fn size(&mut self, key: &str) -> usize {
        usize::try_from(self.number(key)).unwrap_or(usize::MAX)
    }

    /// Reads a number of milliseconds.
    pub fn millis(&mut self, key: &str) -> Duration {
        Duration::from_millis(self.number(key))
    }

    /// Reads one of the words of its form. `meanings` must be in the same order.
    pub fn choice<T: Copy>(&mut self, key: &str, meanings: &[T]) -> T {
        let Some(ValueForm::Words(words)) = table::by_key(key).map(|setting| setting.form) else {
            unreachable!("{key} is not a choice in the table");
        };
        debug_assert_eq!(words.len(), meanings.len(), "{key}");
        let read = |text: &str| -> Result<T, String> {
            words
                .iter()
                .position(|word| word.eq_ignore_ascii_case(text.trim()))
                .and_then(|index| meanings.get(index).copied())
                .ok_or_else(|| format!("`{text}` is not one of {}", words.join(", ")))
        };
        self.parse(key, read).unwrap_or(meanings[0])
    }

    /// Reads a value with the given function. `None` means that none was given, or a bad one, which is noted.
    pub fn parse<T, E: ToString>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let given = self.by_key.get(key)?;
        match read(&given.value) {
            Ok(value) => Some(value),
            Err(error) => {
                // A default is always good: a test builds settings from nothing.
                let message = if table::is_secret(key) {
                    "the value is not of the right form".to_owned()
                } else {
                    error.to_string()
                };
                self.problems.push(Problem::new(given, message));
                None
            }
        }
    }

    /// Notes a problem with a key, at the place where its value was given.
    pub fn blame(&mut self, key: &str, message: impl Into<String>) {
        let problem = match self.by_key.get(key) {
            Some(given) => Problem::new(given, message),
            None => Problem::new(key, message),
        };
        self.problems.push(problem);
    }

    /// Whether `key` was given at least as strongly as `other`.
    pub fn is_stronger(&self, key: &str, other: &str) -> bool {
        let level = |key: &str| self.given(key).map_or(0, |given| given.origin.level());
        level(key) >= level(other)
    }
}
