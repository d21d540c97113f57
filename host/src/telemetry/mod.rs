//! Logs lines on stderr, as text or JSON, and sends spans to a collector ([`otlp`]). Rows and reports are not logs;
//! they go to stdout.

pub mod live;
pub mod otlp;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// The settings of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    pub format: Format,
    pub filter: Filter,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// Checked directives for `tracing`'s `EnvFilter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(String);

/// Why a text is not a filter.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither a level (off, error, warn, info, debug, trace) nor filters such as info,host::sink=debug")]
pub struct FilterError(String);

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

const LIBRARIES: &str = "warn,scylla=off";

impl Filter {
    /// Reads a filter. A level alone applies to the host and its plugin. Libraries log only warnings unless they are
    /// named. The Cassandra driver logs nothing unless it is named, since its failures come back as errors, which are
    /// logged once.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let refused = || FilterError(text.to_owned());
        let mut directives = vec![LIBRARIES.to_owned()];
        for part in text.split(',').map(str::trim) {
            let level = part.to_ascii_lowercase();
            if LEVELS[..2].contains(&level.as_str()) {
                directives = vec![level];
            } else if LEVELS.contains(&level.as_str()) {
                directives.push(format!("host={level},plugin={level}"));
            } else if part.contains('=') {
                directives.push(part.to_owned());
            } else {
                // `EnvFilter` would take a misspelt level for a module's name.
                return Err(refused());
            }
        }
        let directives = directives.join(",");
        EnvFilter::builder().parse(&directives).map_err(|_| refused())?;
        Ok(Self(directives))
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self(format!("{LIBRARIES},host=info,plugin=info"))
    }
}

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(config: &Config) {
    let filter = EnvFilter::builder().parse_lossy(&config.filter.0);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(live::LogLines)
        .with_ansi(io::stderr().is_terminal());
    // This only fails if logging was started before, as in tests.
    let _ = match config.format {
        Format::Text => lines.try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_alone_is_for_the_host_and_its_plugin() {
        let filter = |text: &str| Filter::parse(text).map(|filter| filter.0).ok();
        assert_eq!(
            filter("DEBUG").as_deref(),
            Some("warn,scylla=off,host=debug,plugin=debug")
        );
        assert_eq!(filter("off").as_deref(), Some("off"));
        assert_eq!(
            filter("info, scylla=debug").as_deref(),
            Some("warn,scylla=off,host=info,plugin=info,scylla=debug")
        );
        assert_eq!(Some(Filter::default()), Filter::parse("info").ok());
    }

    #[test]
    fn a_misspelt_level_is_refused() {
        for bad in ["infoo", "", "host=loud", "info,verbose"] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }
}
