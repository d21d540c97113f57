//! The settings as the program uses them: validated, typed, with defaults filled in.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::connection::{KafkaConnection, RegistryConnection, Secret};
use crate::fleet::Fleet;
use crate::pipeline::swap::probation::Probation;
use crate::pipeline::watch::share::Share;
use crate::plugin::cache;
use crate::plugin::limits::Limits;
use crate::{pipeline, sink, source, telemetry};

/// All settings of a run from a source `S` to a store `T`.
#[derive(Debug, Clone)]
pub struct Settings<S, T> {
    /// Where records come from: `--from`.
    pub from: S,
    /// The topic that `--from` names, or `source.topic` if the source is not a topic. `produce` and `setup` work on it.
    pub topic: String,
    /// Where rows go: `--to`.
    pub to: T,
    pub kafka: KafkaConnection,
    pub registry: RegistryConnection,
    pub source: source::kafka::config::Config,
    pub cassandra: sink::cassandra::config::Config,
    pub plugin: Plugin,
    pub dead_letters: DeadLetters,
    pub pipeline: pipeline::config::Config,
    /// `None` if the endpoint is off.
    pub admin: Option<Admin>,
    pub log: telemetry::Config,
    /// `None` if no spans are exported.
    pub otlp: Option<telemetry::otlp::Config>,
}

/// Where the plugin comes from: `--plugin`.
#[derive(Debug, Clone)]
pub enum PluginFrom {
    File(PathBuf),
    /// The plugin that was published last under this name.
    Published {
        fleet: Fleet,
        name: String,
    },
}

/// The settings of the plugin.
#[derive(Debug, Clone)]
pub struct Plugin {
    pub from: PluginFrom,
    /// `--set KEY=VALUE`, given to the guest's `configure`.
    pub settings: Vec<(String, String)>,
    /// A file of public keys. With it, only components signed with one of them are loaded.
    pub trusted_keys: Option<PathBuf>,
    /// A candidate that runs beside the plugin from the start.
    pub shadow: Option<PathBuf>,
    pub shadow_share: Share,
    pub limits: Limits,
    pub compile_cache: cache::CacheLocation,
    /// `None` if a swapped-in plugin is not put on probation.
    pub probation: Option<Probation>,
    /// Whether a changed file is swapped in automatically.
    pub watch: bool,
}

/// Where dead letters go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetters {
    Topic(String),
    File(PathBuf),
}

/// The admin endpoint of `host run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    pub address: SocketAddr,
    pub if_taken: IfTaken,
    /// Always set if the address is not a loopback one.
    pub token: Option<Secret>,
}

/// What to do if another program listens at the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfTaken {
    /// The address is the default, so another port will do.
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
