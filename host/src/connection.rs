//! Addresses and credentials of the servers, as plain data: every stage that talks to one is given one of these.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A password or token. Shows as `***` wherever it is formatted; [`Secret::reveal`] is the one way to its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A Kafka cluster.
#[derive(Debug, Clone)]
pub struct KafkaConnection {
    /// `host:port`, comma separated.
    pub brokers: String,
    /// SASL and whatever else was passed through in `[source.kafka]`: librdkafka's own property names.
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

#[derive(Debug, Clone)]
pub struct Login {
    pub user: String,
    pub password: Secret,
}

/// PEM files.
#[derive(Debug, Clone)]
pub struct Tls {
    pub ca: PathBuf,
    /// The client's certificate and key, where the server asks for them.
    pub client: Option<ClientCertificate>,
}

#[derive(Debug, Clone)]
pub struct ClientCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl RegistryConnection {
    /// Where a registry listens that nobody has moved.
    pub const DEFAULT_URL: &str = "http://127.0.0.1:8081";
}

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

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
