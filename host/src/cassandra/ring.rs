//! Which nodes have the rows of a token, as the cluster is at the moment.

use std::collections::HashMap;

use scylla::cluster::metadata::Strategy;
use scylla::frame::response::result::TableSpec;
use uuid::Uuid;

use super::cluster::ClusterView;
use super::table::Table;

/// A set of replicas, as its number in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplicaSet(u32);

/// `N` stands for a node.
#[derive(Debug)]
pub struct Ring<N> {
    /// The driver's state that this was made from. The driver makes a new one when anything changes.
    state: ClusterView,
    /// Each token up to which, from the one before it, rows have one set of replicas; and that set.
    ends: Vec<(i64, ReplicaSet)>,
    sets: Vec<Vec<N>>,
    all: Vec<N>,
}

impl<N: Clone> Ring<N> {
    /// The ring of a table's rows; `all` are the nodes of the cluster, with `id` as the host's.
    pub fn of(state: ClusterView, table: &Table, all: Vec<N>, id: impl Fn(&N) -> Uuid) -> Self {
        let by_id: HashMap<Uuid, &N> = all.iter().map(|node| (id(node), node)).collect();
        let spec = TableSpec::borrowed(&table.keyspace, &table.name);
        let local = Strategy::LocalStrategy;
        let cluster = state.driver();
        let strategy = cluster
            .get_keyspace(&table.keyspace)
            .map_or(&local, |keyspace| &keyspace.strategy);
        let locator = cluster.replica_locator();
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

    /// Whether the ring was made from this state of the cluster; if not, it is out of date.
    pub fn is_of(&self, state: &ClusterView) -> bool {
        self.state.is(state)
    }

    /// The set of nodes that store the rows of a token; the empty set if the ring has no tokens.
    pub fn replicas(&self, token: i64) -> ReplicaSet {
        let at = self.ends.partition_point(|(end, _)| *end < token);
        // Beyond the last token the ring begins again.
        let end = self.ends.get(at).or(self.ends.first());
        end.map_or(ReplicaSet(0), |(_, set)| *set)
    }

    /// The nodes of a set.
    pub fn nodes(&self, set: ReplicaSet) -> &[N] {
        self.sets.get(set.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// Any node can coordinate.
    pub fn all(&self) -> &[N] {
        &self.all
    }
}

#[cfg(test)]
impl ReplicaSet {
    /// The set with this number, for tests that have no ring.
    pub fn numbered(number: u32) -> Self {
        Self(number)
    }
}
