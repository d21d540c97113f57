//! The program's shape of its settings: validated, typed, with the defaults filled in.

use std::path::PathBuf;

use crate::connection::{KafkaConnection, RegistryConnection};
use crate::plugin::limits::Limits;
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
    pub log: telemetry::Config,
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

#[derive(Debug, Clone)]
pub struct Plugin {
    pub file: PathBuf,
    /// `--set KEY=VALUE`, given to the guest's `configure`.
    pub settings: Vec<(String, String)>,
    pub limits: Limits,
}

/// Where dead letters go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetters {
    Topic(String),
    File(PathBuf),
}
