//! Which nodes have the rows of a token, as the cluster is at the moment.

use std::collections::HashMap;
use std::sync::Arc;

use scylla::cluster::ClusterState;
use scylla::cluster::metadata::Strategy;
use scylla::frame::response::result::TableSpec;
use uuid::Uuid;

use super::coordinator::{Coordinator, Coordinators};
use super::table::Table;

/// A set of replicas, as its number in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplicaSet(u32);

#[derive(Debug)]
pub struct Ring {
    /// Of which this was made; the driver makes a new one when anything changes.
    state: Arc<ClusterState>,
    /// Each token up to which, from the one before it, rows have one set of replicas; and that set.
    ends: Vec<(i64, ReplicaSet)>,
    sets: Vec<Vec<Arc<Coordinator>>>,
    all: Vec<Arc<Coordinator>>,
}

impl Ring {
    pub fn of(state: Arc<ClusterState>, table: &Table, coordinators: &Coordinators) -> Self {
        let all = coordinators.of(&state);
        let by_id: HashMap<Uuid, &Arc<Coordinator>> = all.iter().map(|node| (node.id, node)).collect();
        let spec = TableSpec::borrowed(&table.keyspace, &table.name);
        let local = Strategy::LocalStrategy;
        let strategy = state
            .get_keyspace(&table.keyspace)
            .map_or(&local, |keyspace| &keyspace.strategy);
        let locator = state.replica_locator();
        let mut numbers = HashMap::new();
        let mut sets = Vec::new();
        let mut ends = Vec::with_capacity(locator.ring().len());
        for (end, _) in locator.ring().iter() {
            let replicas = locator.replicas_for_token(*end, strategy, None, &spec);
            let mut ids: Vec<Uuid> = replicas.into_iter().map(|(node, _)| node.host_id).collect();
            ids.sort_unstable();
            let set = *numbers.entry(ids).or_insert_with_key(|ids| {
                sets.push(ids.iter().filter_map(|id| by_id.get(id).copied().cloned()).collect());
                ReplicaSet(u32::try_from(sets.len() - 1).unwrap_or_default())
            });
            ends.push((end.value(), set));
        }
        Self { state, ends, sets, all }
    }

    pub fn is_of(&self, state: &Arc<ClusterState>) -> bool {
        Arc::ptr_eq(&self.state, state)
    }

    /// Requests that all nodes take at one time, as it is found at the moment.
    pub fn limit(&self) -> usize {
        self.all.iter().map(|node| node.limit()).sum()
    }

    pub fn replicas(&self, token: i64) -> ReplicaSet {
        let at = self.ends.partition_point(|(end, _)| *end < token);
        // Beyond the last token the ring begins again.
        let end = self.ends.get(at).or(self.ends.first());
        end.map_or(ReplicaSet(0), |(_, set)| *set)
    }

    /// The nodes of a set.
    pub fn nodes(&self, set: ReplicaSet) -> &[Arc<Coordinator>] {
        self.sets.get(set.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// Any node can coordinate.
    pub fn all(&self) -> &[Arc<Coordinator>] {
        &self.all
    }
}

#[cfg(test)]
impl ReplicaSet {
    pub fn numbered(number: u32) -> Self {
        Self(number)
    }
}
