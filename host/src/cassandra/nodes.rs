//! Which nodes the cluster has, as one of them says it, beside those that the driver knows. The driver starts with the
//! addresses that it was given where its first question was not answered, and passes over an answer that it did not
//! get.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::asking::{Asking, Question, Unanswered};

/// How long the driver is told to read again which nodes there are. It heals by itself a second later where it could
/// not read any, so this is for a server whose answers the driver does not take: rows are then written all the same.
const REFRESHING: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(500);

/// Whether the driver knows what the cluster says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownNodes {
    All,
    /// Why the rest is not known.
    Some(String),
}

/// Sees to it that the driver knows the nodes that there are.
pub async fn known(asking: &Asking<'_>) -> Result<KnownNodes, Unanswered> {
    let begun = Instant::now();
    loop {
        let Some(unknown) = unknown(asking).await? else {
            return Ok(KnownNodes::All);
        };
        let refreshed = asking.session().refresh_metadata().await;
        if begun.elapsed() >= REFRESHING {
            let cause = refreshed.err().map(|error| format!(": {error}"));
            return Ok(KnownNodes::Some(unknown + &cause.unwrap_or_default()));
        }
        if refreshed.is_err() {
            sleep(PAUSE).await;
        }
    }
}

/// Nodes that are up, in the smallest datacenter: what the replicas of one datacenter can be. `None` where the driver
/// does not know all nodes.
pub async fn up(asking: &Asking<'_>) -> Result<Result<usize, String>, Unanswered> {
    if let KnownNodes::Some(why) = known(asking).await? {
        return Ok(Err(why));
    }
    let state = asking.session().get_cluster_state();
    let mut by_datacenter: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for node in state.get_nodes_info() {
        let up = usize::from(node.is_connected());
        *by_datacenter.entry(node.datacenter.as_deref()).or_default() += up;
    }
    let counts = by_datacenter.into_values().filter(|count| *count > 0);
    Ok(Ok(counts.min().unwrap_or(1)))
}

/// The facts that the driver does not know; `None` if it knows all.
async fn unknown(asking: &Asking<'_>) -> Result<Option<String>, Unanswered> {
    let question = Question {
        about: "which nodes there are".into(),
        resource: "KEYSPACE system".into(),
        cql: "SELECT host_id, rpc_address FROM system.peers".into(),
    };
    let peers = asking.rows::<(Option<Uuid>, Option<IpAddr>)>(&question).await?;
    let state = asking.session().get_cluster_state();
    // The name comes with what a node says of itself. The peers of the node that answered do not have that one.
    if state.cluster_name().is_empty() {
        return Ok(Some("the driver has not read which nodes there are".into()));
    }
    // A node that joins or leaves may have no more than its address there.
    let peers = peers.into_iter().filter_map(|(id, address)| Some((id?, address?)));
    let unknown = peers.filter(|(id, _)| state.get_node_by_host_id(*id).is_none());
    let unknown: Vec<String> = unknown.map(|(_, address)| address.to_string()).collect();
    Ok((!unknown.is_empty()).then(|| format!("the driver does not know {}", unknown.join(", "))))
}
