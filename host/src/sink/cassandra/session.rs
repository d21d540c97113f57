//! The connection to the cluster, and what can go wrong when it is made.
//!
//! The driver goes to the next node when one is gone ([`super::retry`]; for what [`super::write`] sends to a node of its
//! choice, that does it) and else tries nothing again: the pipeline decides that. It does not speculate.

use std::sync::Arc;
use std::time::Duration;

use scylla::client::Compression as DriverCompression;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind as Setup, DbError, MetadataError,
    NewSessionError,
};
use scylla::statement::Consistency as DriverConsistency;

use super::config::{Compression, Config, Consistency};
use super::retry::NextNode;
use super::tls::{self, TlsError};

/// How long a node may take to accept a connection: long enough for another continent, short enough for a person who
/// waits for the answer that the address is wrong.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "Cassandra does not answer at {nodes} (`make up` starts one here, --to cassandra://NODES/KEYSPACE names others)"
    )]
    Unreachable {
        nodes: String,
        #[source]
        cause: DriverCause,
    },
    #[error("Cassandra at {nodes} asks for a login and none is set (CASSANDRA_CLIENT_ID, CASSANDRA_SECRET)")]
    LoginNeeded { nodes: String },
    #[error("Cassandra at {nodes} refuses the login of user {user}")]
    LoginRefused {
        nodes: String,
        user: String,
        #[source]
        cause: DriverCause,
    },
    #[error("no secure connection to Cassandra at {nodes}: a certificate, the node's or ours, is not accepted")]
    Handshake {
        nodes: String,
        #[source]
        cause: DriverCause,
    },
    #[error("Cassandra does not say at the moment which tables it has")]
    Refresh(#[source] MetadataError),
    #[error("the TLS settings of Cassandra cannot be used")]
    Tls(#[from] TlsError),
}

/// What the last attempt at a connection met, where the driver says it, or all that it says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DriverCause(Box<dyn std::error::Error + Send + Sync>);

impl ConnectError {
    /// Whether the service is out of reach (exit code 3), rather than set up wrongly (2).
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Refresh(_))
    }
}

/// Several contact points may be tried in this time, one after another.
const FIRST_ANSWER: Duration = Duration::from_secs(20);

/// Connects and reads the cluster's metadata.
pub async fn connect(config: &Config) -> Result<Session, ConnectError> {
    let connection = &config.connection;
    let profile = ExecutionProfile::builder()
        .consistency(driver_consistency(config.consistency))
        .request_timeout(Some(config.request_timeout))
        .retry_policy(Arc::new(NextNode))
        .speculative_execution_policy(None)
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&connection.nodes)
        .connection_timeout(CONNECT_TIMEOUT)
        .compression(driver_compression(config.compression))
        .default_execution_profile_handle(profile.into_handle());
    if let Some(login) = &connection.login {
        builder = builder.user(&login.user, login.password.reveal());
    }
    if let Some(settings) = &connection.tls {
        builder = builder.tls_context(Some(tls::context(settings)?));
    }
    // A port that takes connections and never answers is no Cassandra.
    match tokio::time::timeout(FIRST_ANSWER, builder.build()).await {
        Ok(built) => built.map_err(|error| connect_error(&error, config)),
        Err(elapsed) => Err(ConnectError::Unreachable {
            nodes: connection.nodes.join(", "),
            cause: DriverCause(Box::new(elapsed)),
        }),
    }
}

fn connect_error(error: &NewSessionError, config: &Config) -> ConnectError {
    let connection = &config.connection;
    let nodes = connection.nodes.join(", ");
    let login_trouble = |user: Option<&str>, cause| match user {
        Some(user) => ConnectError::LoginRefused {
            nodes: nodes.clone(),
            user: user.to_owned(),
            cause,
        },
        None => ConnectError::LoginNeeded { nodes: nodes.clone() },
    };
    let user = connection.login.as_ref().map(|login| login.user.as_str());
    let last = last_connection_error(error);
    let cause = DriverCause(match last {
        Some(last) => Box::new(last.clone()),
        None => Box::new(error.clone()),
    });
    match last {
        Some(ConnectionError::ConnectionSetupRequestError(setup)) => match setup.get_error() {
            Setup::MissingAuthentication
            | Setup::StartAuthSessionError(_)
            | Setup::DbError(DbError::AuthenticationError | DbError::Unauthorized, _) => login_trouble(user, cause),
            _ => ConnectError::Unreachable { nodes, cause },
        },
        // OpenSSL's own errors have no kind among the operating system's.
        Some(ConnectionError::IoError(io)) if connection.tls.is_some() && io.raw_os_error().is_none() => {
            ConnectError::Handshake { nodes, cause }
        }
        _ => ConnectError::Unreachable { nodes, cause },
    }
}

fn last_connection_error(error: &NewSessionError) -> Option<&ConnectionError> {
    match error {
        NewSessionError::MetadataError(MetadataError::ConnectionPoolError(ConnectionPoolError::Broken {
            last_connection_error,
        })) => Some(last_connection_error),
        _ => None,
    }
}

fn driver_consistency(level: Consistency) -> DriverConsistency {
    match level {
        Consistency::One => DriverConsistency::One,
        Consistency::Two => DriverConsistency::Two,
        Consistency::Three => DriverConsistency::Three,
        Consistency::Quorum => DriverConsistency::Quorum,
        Consistency::All => DriverConsistency::All,
        Consistency::LocalOne => DriverConsistency::LocalOne,
        Consistency::LocalQuorum => DriverConsistency::LocalQuorum,
        Consistency::EachQuorum => DriverConsistency::EachQuorum,
    }
}

fn driver_compression(wanted: Compression) -> Option<DriverCompression> {
    match wanted {
        Compression::None => None,
        Compression::Lz4 => Some(DriverCompression::Lz4),
        Compression::Snappy => Some(DriverCompression::Snappy),
    }
}
