//! The program's shape of its settings: validated, typed, with the defaults filled in.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::connection::{KafkaConnection, RegistryConnection, Secret};
use crate::pipeline::swap::probation::Probation;
use crate::pipeline::watch::share::Share;
use crate::plugin::cache;
use crate::plugin::limits::Limits;
use crate::source::fleet::Fleet;
use crate::{pipeline, sink, source, telemetry};

#[derive(Debug, Clone)]
pub struct Settings {
    pub from: From,
    /// The topic that `--from` names, or `source.topic` with a file as source: what `produce` and `setup` work on.
    pub topic: String,
    pub to: To,
    pub kafka: KafkaConnection,
    pub registry: RegistryConnection,
    pub source: source::kafka::config::Config,
    pub cassandra: sink::cassandra::config::Config,
    pub plugin: Plugin,
    pub dead_letters: DeadLetters,
    pub pipeline: pipeline::config::Config,
    /// `None` where nobody is to ask.
    pub admin: Option<Admin>,
    pub log: telemetry::Config,
    /// `None` where no spans are exported.
    pub otlp: Option<telemetry::otlp::Config>,
}

/// Where records come from: `--from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    Csv(PathBuf),
    Ndjson(PathBuf),
    /// The brokers are in [`Settings::kafka`].
    Kafka {
        topic: String,
    },
}

/// Where rows go: `--to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// The nodes are in [`Settings::cassandra`].
    Cassandra {
        keyspace: String,
    },
    Sqlite(PathBuf),
    Stdout,
}

/// Where the plugin comes from: `--plugin`.
#[derive(Debug, Clone)]
pub enum PluginFrom {
    File(PathBuf),
    /// What was published last under the name.
    Published {
        fleet: Fleet,
        name: String,
    },
}

#[derive(Debug, Clone)]
pub struct Plugin {
    pub from: PluginFrom,
    /// `--set KEY=VALUE`, given to the guest's `configure`.
    pub settings: Vec<(String, String)>,
    /// A list of public keys: only components signed with one of them are loaded.
    pub trusted_keys: Option<PathBuf>,
    /// A candidate that runs beside the plugin from the start.
    pub shadow: Option<PathBuf>,
    pub shadow_share: Share,
    pub limits: Limits,
    pub compile_cache: cache::Place,
    /// `None`: a swapped-in plugin is not watched.
    pub probation: Option<Probation>,
    /// Whether a new file is swapped in by itself.
    pub watch: bool,
}

/// Where dead letters go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetters {
    Topic(String),
    File(PathBuf),
}

/// Where `host run` answers for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    pub address: SocketAddr,
    pub if_taken: IfTaken,
    /// There is one wherever the address is not a loopback one.
    pub token: Option<Secret>,
}

/// What to do where somebody else listens at the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfTaken {
    /// Nobody asked for this one.
    AnotherPort,
    Fail,
}

impl fmt::Display for PluginFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Published { fleet, name } => write!(f, "{fleet}/{name}"),
        }
    }
}
