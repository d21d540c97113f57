//! Flags that several verbs share, and the settings that they give.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they are written")]

use std::num::{IntErrorKind, ParseIntError};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::app::failure::Failure;
use crate::config::given::Flags;

/// Flags of every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "In every verb")]
pub(super) struct Common {
    /// Settings file [default: host.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Form of the log lines on stderr [default: text]
    #[arg(long, global = true, value_name = "text|json")]
    log: Option<String>,
    /// How much is logged: error, warn, info, debug, trace, or filters [default: info]
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// Where records come from.
#[derive(Debug, Args)]
pub(super) struct FromFlag {
    /// Where records come from: kafka://BROKERS/TOPIC, FILE.csv or FILE.ndjson, also .gz
    /// [default: kafka://127.0.0.1:9092/ecommerce-orders]
    #[arg(long, value_name = "SOURCE")]
    from: Option<String>,
}

/// Where rows go.
#[derive(Debug, Args)]
pub(super) struct ToFlag {
    /// Where rows go: cassandra://NODES/KEYSPACE, FILE.db (SQLite), or - for NDJSON on stdout
    /// [default: cassandra://127.0.0.1:9042/ecommerce]
    #[arg(long, value_name = "SINK", allow_hyphen_values = true)]
    to: Option<String>,
}

/// The plugin and its settings.
#[derive(Debug, Args)]
pub(super) struct PluginFlags {
    /// The plugin: a .wasm file, or kafka://BROKERS/TOPIC/NAME for what is published there
    /// [default: plugins/order_enrich.wasm]
    #[arg(long, value_name = "PLUGIN")]
    plugin: Option<String>,
    /// A setting for the plugin; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    settings: Vec<(String, String)>,
}

/// The schema registry.
#[derive(Debug, Args)]
pub(super) struct RegistryFlag {
    /// Schema registry [default: http://127.0.0.1:8081]
    #[arg(long, value_name = "URL")]
    registry: Option<String>,
}

/// The consistency level.
#[derive(Debug, Args)]
pub(super) struct ConsistencyFlag {
    /// Consistency level in Cassandra [default: QUORUM]
    #[arg(long, value_name = "LEVEL")]
    consistency: Option<String>,
}

/// The time to live of rows.
#[derive(Debug, Args)]
pub(super) struct TtlFlag {
    /// How long rows in Cassandra live, counted from their records' own time: 30d for every table, or
    /// orders=30d,events=12h [default: the table's default_time_to_live]
    #[arg(long, value_name = "TTL")]
    ttl: Option<String>,
}

impl Common {
    /// Starts the flags of a verb with these.
    pub fn flags(&self) -> Flags {
        let mut flags = Flags::default();
        flags.file.clone_from(&self.config);
        flags.set("log.format", "--log", self.log.as_deref()).set(
            "log.level",
            "--log-level",
            self.log_level.as_deref(),
        );
        flags
    }
}

impl FromFlag {
    /// Gives the setting.
    pub fn say(self, flags: &mut Flags) {
        flags.set("source.from", "--from", self.from);
    }
}

impl ToFlag {
    /// Gives the setting.
    pub fn say(self, flags: &mut Flags) {
        flags.set("sink.to", "--to", self.to);
    }
}

impl PluginFlags {
    /// Whether `--plugin` was given.
    pub fn is_said(&self) -> bool {
        self.plugin.is_some()
    }

    /// Gives the settings.
    pub fn say(self, flags: &mut Flags) {
        flags
            .set("plugin.file", "--plugin", self.plugin)
            .set_plugin(&self.settings);
    }
}

impl RegistryFlag {
    /// Gives the setting.
    pub fn say(self, flags: &mut Flags) {
        flags.set("registry.url", "--registry", self.registry);
    }
}

impl ConsistencyFlag {
    /// Gives the setting.
    pub fn say(self, flags: &mut Flags) {
        flags.set("sink.cassandra.consistency", "--consistency", self.consistency);
    }
}

impl TtlFlag {
    /// Gives the setting.
    pub fn say(self, flags: &mut Flags) {
        flags.set("sink.cassandra.ttl", "--ttl", self.ttl);
    }
}

/// Gives the argument FILE of a verb that reads only files.
pub(super) fn say_file(file: String, flags: &mut Flags) -> Result<(), Failure> {
    if file.contains("://") {
        let message = "FILE: this verb reads a file; give one that ends in .csv or .ndjson, also .gz";
        return Err(Failure::Usage(anyhow::Error::msg(message)));
    }
    flags.set("source.from", "FILE", Some(file));
    Ok(())
}

/// Splits `key=value`. The value may be empty or have further `=` in it.
pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// Reads a number above 0, with an error in words that a user understands.
pub(super) fn at_least_one<N: FromStr<Err = ParseIntError>>(text: &str) -> Result<N, String> {
    text.parse().map_err(|error: ParseIntError| match error.kind() {
        IntErrorKind::Zero => "it has to be at least 1".to_owned(),
        IntErrorKind::PosOverflow => error.to_string(),
        _ => "it has to be a whole number".to_owned(),
    })
}
