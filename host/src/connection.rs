//! Addresses and credentials of the servers, as plain data. Each stage that talks to a server gets one of these.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A password or token. It is formatted as `***`. Only [`Secret::reveal`] gives its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A Kafka cluster.
#[derive(Debug, Clone)]
pub struct KafkaConnection {
    /// `host:port`, comma separated.
    pub brokers: String,
    /// librdkafka's own properties, for SASL and anything else in `[source.kafka]`.
    pub properties: BTreeMap<String, Secret>,
}

/// A schema registry that speaks Confluent's REST API.
#[derive(Debug, Clone)]
pub struct RegistryConnection {
    pub url: String,
    pub auth: Option<Login>,
}

/// A Cassandra cluster.
#[derive(Debug, Clone)]
pub struct CassandraConnection {
    /// `host:port` of each contact point.
    pub nodes: Vec<String>,
    pub login: Option<Login>,
    pub tls: Option<Tls>,
}

/// A user name and a password.
#[derive(Debug, Clone)]
pub struct Login {
    pub user: String,
    pub password: Secret,
}

/// TLS with PEM files.
#[derive(Debug, Clone)]
pub struct Tls {
    pub ca: PathBuf,
    /// The client's certificate and key, if the server asks for them.
    pub client: Option<ClientCertificate>,
}

/// PEM files of a client.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl RegistryConnection {
    /// The default address of a registry.
    pub const DEFAULT_URL: &str = "http://127.0.0.1:8081";
}

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Pass it on to a client library only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
