//! The connection to the cluster, and what can go wrong when it is made.
//!
//! The driver goes to the next node when one is gone ([`super::retry`]; for rows that are sent to a node of the host's choice,
//! their sink does that) and else tries nothing again: the pipeline decides that. It does not speculate.

use std::sync::Arc;
use std::time::Duration;

use scylla::client::Compression as DriverCompression;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session as DriverSession;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind as Setup, DbError, MetadataError,
    NewSessionError,
};
use scylla::statement::Consistency as DriverConsistency;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::asking::{Asking, Unanswered};
use super::cluster::ClusterView;
use super::config::{Compression, Config, Consistency};
use super::nodes::{self, KnownNodes};
use super::retry::NextNode;
use super::tls::{self, TlsError};

/// How long a node may take to accept a connection: long enough for another continent, short enough for a person who
/// waits for the answer that the address is wrong.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections to all nodes of a cluster.
#[derive(Debug)]
pub struct Session(DriverSession);

/// Why there is no session. Each message ends with what the operator can change.
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
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    #[error("the TLS settings of Cassandra cannot be used")]
    Tls(#[from] TlsError),
}

/// What the last attempt at a connection met, where the driver says it, or all that it says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DriverCause(Box<dyn std::error::Error + Send + Sync>);

impl Session {
    /// Asks for metadata on this session, each question for as long as [`Asking::of`] allows.
    pub fn asking(&self) -> Asking<'_> {
        Asking::of(&self.0)
    }

    /// The cluster as it is now.
    pub fn state(&self) -> ClusterView {
        ClusterView::new(self.0.get_cluster_state())
    }

    /// The driver's own session, for tests that ask it other questions.
    pub fn into_driver(self) -> DriverSession {
        self.0
    }

    pub(super) fn driver(&self) -> &DriverSession {
        &self.0
    }
}

impl ConnectError {
    /// Whether the service is out of reach (exit code 3), rather than set up wrongly (2).
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Unanswered(unanswered) => unanswered.is_unreachable(),
            _ => false,
        }
    }
}

/// After this time it is said that no node has let the program in yet. Several contact points may be tried in it, one after
/// another.
const FIRST_ANSWER: Duration = Duration::from_secs(20);

/// How long nodes may take until one has let the program in: a dozen questions and answers of the driver's, each of which a
/// node under full load answers after seconds. A port that takes connections and never answers is no Cassandra.
const LET_IN: Duration = Duration::from_mins(3);

/// How long the driver waits for the answer to one of its first questions about the cluster; it starts without it, and asks
/// again. Twice what a node gives a read by default.
const METADATA_ANSWER: Duration = Duration::from_secs(10);

/// Between two attempts at a connection to nodes that are busy.
const PAUSE: Duration = Duration::from_millis(500);

/// Connects, and sees to it that all nodes are known. Of the tables, the driver reads nothing but the names and the
/// replication of `keyspace`, by which requests find their nodes: [`super::table`] asks for what is concluded from.
pub async fn connect(config: &Config, keyspace: &str) -> Result<Session, ConnectError> {
    let session = Session(session(config, builder(config, keyspace)?).await?);
    if let KnownNodes::Some(why) = nodes::known(&session.asking()).await? {
        tracing::warn!("rows go through those nodes of Cassandra that are known, for the time being: {why}");
    }
    Ok(session)
}

async fn session(config: &Config, builder: SessionBuilder) -> Result<DriverSession, ConnectError> {
    let end = Instant::now() + LET_IN;
    // On the heap: it has all of the driver's handshakes in it.
    let mut building = Box::pin(built(&builder, end));
    let built = if let Ok(built) = timeout(FIRST_ANSWER, &mut building).await {
        built
    } else {
        let (nodes, first, whole) = (nodes(config), FIRST_ANSWER.as_secs(), LET_IN.as_secs());
        tracing::warn!("Cassandra at {nodes} has not let this program in for {first} s, waiting for up to {whole} s");
        building.await
    };
    match built {
        Some(built) => built.map_err(|error| connect_error(&error, config)),
        None => Err(ConnectError::Unreachable {
            nodes: nodes(config),
            cause: DriverCause(format!("no node let this program in within {} s", LET_IN.as_secs()).into()),
        }),
    }
}

/// What became of the attempts; none of them ended by then where there is no answer.
async fn built(builder: &SessionBuilder, end: Instant) -> Option<Result<DriverSession, NewSessionError>> {
    loop {
        match timeout_at(end, builder.build()).await.ok()? {
            Err(error) if is_busy(&error) && Instant::now() + PAUSE < end => sleep(PAUSE).await,
            built => return Some(built),
        }
    }
}

fn builder(config: &Config, keyspace: &str) -> Result<SessionBuilder, TlsError> {
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
        .metadata_request_clientside_timeout(METADATA_ANSWER)
        // No types: one that the driver does not understand would keep all the rest from it.
        .fetch_full_schema_metadata(false)
        .keyspaces_to_fetch([keyspace.to_owned(), keyspace.to_ascii_lowercase()])
        .default_execution_profile_handle(profile.into_handle());
    if let Some(login) = &connection.login {
        builder = builder.user(&login.user, login.password.reveal());
    }
    if let Some(settings) = &connection.tls {
        builder = builder.tls_context(Some(tls::context(settings)?));
    }
    Ok(builder)
}

/// Whether a node is there and has no time for a connection at the moment.
fn is_busy(error: &NewSessionError) -> bool {
    let Some(ConnectionError::ConnectionSetupRequestError(setup)) = last_connection_error(error) else {
        return false;
    };
    let busy = [DbError::Overloaded, DbError::IsBootstrapping, DbError::ServerError];
    matches!(setup.get_error(), Setup::DbError(error, _) if busy.contains(error))
}

fn nodes(config: &Config) -> String {
    config.connection.nodes.join(", ")
}

fn connect_error(error: &NewSessionError, config: &Config) -> ConnectError {
    let connection = &config.connection;
    let nodes = nodes(config);
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
