//! The nodes of the cluster, as the driver knows them at the moment.

use std::sync::Arc;

use scylla::cluster::{ClusterState, Node as DriverNode};
use uuid::Uuid;

/// One node.
#[derive(Debug, Clone)]
pub struct Node(Arc<DriverNode>);

/// All that the driver knows of the cluster. It makes a new one when anything changes.
#[derive(Debug, Clone)]
pub struct ClusterView(Arc<ClusterState>);

impl Node {
    /// The host ID, which the node keeps for its life; its address may change.
    pub fn id(&self) -> Uuid {
        self.0.host_id
    }

    /// Whether there is a connection to it.
    pub fn is_connected(&self) -> bool {
        self.0.is_connected()
    }
}

impl ClusterView {
    pub(super) fn new(state: Arc<ClusterState>) -> Self {
        Self(state)
    }

    pub(super) fn driver(&self) -> &ClusterState {
        &self.0
    }

    /// The nodes that belonged to the cluster when the driver last asked, connected or not.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.0.get_nodes_info().iter().map(|node| Node(Arc::clone(node)))
    }

    /// Whether a node with this host ID belonged to the cluster when the driver last asked.
    pub fn has_node(&self, id: Uuid) -> bool {
        self.0.get_node_by_host_id(id).is_some()
    }

    /// Whether the replication of the keyspace is known.
    pub fn knows_keyspace(&self, keyspace: &str) -> bool {
        self.0.get_keyspace(keyspace).is_some()
    }

    /// Whether nothing has changed between the two.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
