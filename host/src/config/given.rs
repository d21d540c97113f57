//! Collects the settings that are given, each with its key, its text and its place. Nothing is judged here.

use std::fmt;
use std::path::{Path, PathBuf};

use super::problem::{Problem, Problems};

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    DotEnv(&'static str),
    Environment(&'static str),
    Flag(&'static str),
}

/// One setting as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    pub key: String,
    pub value: String,
    pub origin: Origin,
}

/// The settings that the command line gives. The keys are those of [`super::table::SETTINGS`].
#[derive(Clone, Default)]
pub struct Flags {
    pub(super) given: Vec<Given>,
    /// The settings file that `--config` names.
    pub file: Option<PathBuf>,
}

/// The environment and the working directory, where all other settings are given. They are passed in so that tests can
/// choose both.
#[derive(Default)]
pub struct Surroundings {
    pub variables: Vec<(String, String)>,
    /// Names of variables whose value is not UTF-8.
    pub not_text: Vec<String>,
    pub directory: PathBuf,
}

/// All settings that were given, the weakest first, and the problems in reading them.
pub struct Said {
    pub given: Vec<Given>,
    pub problems: Problems,
    /// Files that exist, or were asked for, but could not be read. Their settings are missing from `given`.
    pub unread: Vec<Problem>,
    /// `HOST_*` variables that are not settings and not like any setting.
    pub strangers: Vec<String>,
}

impl Flags {
    /// Adds the value of a flag, if the flag was typed.
    pub fn set(&mut self, key: &'static str, flag: &'static str, value: Option<impl Into<String>>) -> &mut Self {
        if let Some(value) = value {
            self.push(key.to_owned(), flag, value.into());
        }
        self
    }

    /// Adds the plugin's settings from `--set KEY=VALUE`. A later one wins over an earlier one of the same key.
    pub fn set_plugin(&mut self, settings: &[(String, String)]) -> &mut Self {
        for (key, value) in settings {
            self.push(
                format!("{}{key}", super::table::PLUGIN_SETTINGS),
                "--set",
                value.clone(),
            );
        }
        self
    }

    fn push(&mut self, key: String, flag: &'static str, value: String) {
        self.given.push(Given {
            key,
            value,
            origin: Origin::Flag(flag),
        });
    }
}

impl Surroundings {
    /// The surroundings of this process. No setting has a name that is not UTF-8, so such variables are skipped.
    pub fn of_process() -> Self {
        let mut surroundings = Self {
            directory: PathBuf::from("."),
            ..Self::default()
        };
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => surroundings.variables.push((name, value)),
                Err(_) => surroundings.not_text.push(name),
            }
        }
        surroundings
    }

    /// A file of this name, seen from the directory.
    pub fn path(&self, name: &Path) -> PathBuf {
        if self.directory == Path::new(".") {
            name.to_owned()
        } else {
            self.directory.join(name)
        }
    }
}

impl Origin {
    /// The strength of this place. A higher one wins.
    pub fn level(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::DotEnv(_) => 2,
            Self::Environment(_) => 3,
            Self::Flag(_) => 4,
        }
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Default => f.write_str(&self.key),
            Origin::File { path, line } => write!(f, "{}:{line}: {}", path.display(), self.key),
            Origin::DotEnv(name) => write!(f, ".env: {name}"),
            Origin::Environment(name) | Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// Leaves out the value, which may be a secret.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Given({self})")
    }
}
