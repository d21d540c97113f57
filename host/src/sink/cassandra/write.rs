//! Writes rows, many at a time: binds them, groups them into CQL batches by replicas, and sends each to one of its
//! replicas, as many at one time as the nodes take. The bound on what is in flight at a node is one for the whole sink,
//! whatever number of partitions write through it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use super::bind::{Bound, Cells, Markers, Nulls};
use super::config::Config;
use super::coordinator::{self, Coordinators, NoPermit, Permit, Ring, permit};
use super::cql_batch::{Bounds, Placed, groups, place};
use super::limit::RequestOutcome;
use super::one_key::{self, ToTable};
use super::over::{IsWhole, Removal};
use super::replay::Hazards;
use super::request::Requests;
use super::statement;
use super::ttl::{self, Ttl};
use super::{BoundOutput, OpenError, bind_outputs, errors, thresholds};
use crate::cassandra::errors::{Fault, RequestError};
use crate::cassandra::prepared::Prepared;
use crate::cassandra::session::{self, ConnectError, Session};
use crate::cassandra::table::Table;
use crate::record::descriptor::{Descriptor, Effect};
use crate::sink::{Sink, SinkError, WriteBatch};

/// Writes one plugin's rows to the tables of a keyspace, in CQL batches that go to a replica each.
pub struct CassandraSink {
    cluster: Cluster,
    /// By the index of the output in the descriptor; those that go to topics are not among them.
    outputs: BTreeMap<usize, Writer>,
    nulls: Nulls,
}

/// Connections and the bounds on what is written through them, shared by the sinks of several plugins.
#[derive(Clone)]
pub struct Cluster {
    session: Arc<Session>,
    coordinators: Arc<Coordinators>,
    bounds: Bounds,
    /// The remarks on tables that were already logged.
    said: Arc<Mutex<BTreeSet<String>>>,
}

struct Writer {
    table: Table,
    effect: Effect,
    markers: Markers,
    requests: Requests,
    /// Where rows have a TTL and are taken away once their life is over.
    over: Option<Over>,
    ring: RwLock<Arc<Ring>>,
}

/// The statement that takes away rows whose life is over.
struct Over {
    ttl: Ttl,
    markers: Markers,
    requests: Requests,
}

/// Rows by their index in the results.
type Chosen = Vec<(usize, u32)>;

/// A row's index in the results, and why it was not written.
type Failed = (usize, SinkError);

impl Cluster {
    /// Connects, and asks how large a CQL batch may be.
    ///
    /// # Errors
    /// No node answers, or the settings or the login are wrong.
    pub async fn connect(config: &Config, keyspace: &str) -> Result<Self, ConnectError> {
        let session = session::connect(&config.session, keyspace).await?;
        let bounds = thresholds::bounds(&session.asking(), config.cql_batches).await?;
        tracing::debug!(?bounds, "CQL batches");
        Ok(Self {
            bounds,
            session: Arc::new(session),
            coordinators: Arc::new(Coordinators::new(config.in_flight)),
            said: Arc::default(),
        })
    }

    /// Warns of what a table does to a replay, each thing once, and says whether a deletion of a row takes all of it.
    async fn look_at(&self, bound: &BoundOutput, config: &Config) -> IsWhole {
        let hazards = Hazards::of(&self.session.asking(), &bound.table).await;
        let (remarks, is_whole) = match &hazards {
            Ok(hazards) => (hazards.remarks(&bound.bindings, &config.ttl), hazards.is_whole()),
            Err(unknown) => (vec![unknown.to_string()], IsWhole::No),
        };
        let mut said = self.said.lock();
        for remark in remarks {
            if said.insert(remark.clone()) {
                tracing::warn!("{remark}");
            }
        }
        is_whole
    }
}

impl CassandraSink {
    /// Connects, finds the table of each of the plugin's outputs in `keyspace` and prepares its statement.
    pub async fn open(config: &Config, keyspace: &str, descriptor: &Descriptor) -> Result<Self, OpenError> {
        Self::open_on(Cluster::connect(config, keyspace).await?, config, keyspace, descriptor).await
    }

    /// The same for another plugin, over the same connections and within the same bounds.
    pub async fn open_beside(
        &self,
        config: &Config,
        keyspace: &str,
        descriptor: &Descriptor,
    ) -> Result<Self, OpenError> {
        Self::open_on(self.cluster.clone(), config, keyspace, descriptor).await
    }

    /// Without connecting.
    pub async fn open_on(
        cluster: Cluster,
        config: &Config,
        keyspace: &str,
        descriptor: &Descriptor,
    ) -> Result<Self, OpenError> {
        let bound = bind_outputs(&cluster.session.asking(), keyspace, descriptor).await?;
        let nulls = if config.write_nulls {
            Nulls::Tombstone
        } else {
            Nulls::Unset
        };
        let mut outputs = BTreeMap::new();
        for (index, bound) in bound {
            cluster.say_unknown_replication(&bound.table);
            let effect = descriptor.outputs[index].effect;
            outputs.insert(index, cluster.writer(bound, effect, config, nulls).await?);
        }
        Ok(Self {
            cluster,
            outputs,
            nulls,
        })
    }

    async fn write_rows(&self, batch: &WriteBatch, which: &[u32]) -> Vec<Result<(), SinkError>> {
        let writer = &self.outputs[&batch.output];
        let (bound, misfits) = writer.markers.bind(batch, which);
        let mut results: Vec<_> = which.iter().map(|row| batch.refusal(*row)).collect();
        for (at, misfit) in misfits {
            results[at] = Err(misfit);
        }
        let rows = which.iter().copied().enumerate();
        let fitting = rows.filter(|(at, row)| results[*at].is_ok() && batch.is_written(*row));
        let (living, over) = writer.by_life(batch, fitting);
        let mut failed = self.cluster.send(writer, &writer.requests, &bound, living).await;
        if let Some(Over { markers, requests, .. }) = writer.over.as_ref().filter(|_| !over.is_empty()) {
            let rows: Vec<u32> = over.iter().map(|(_, row)| *row).collect();
            // They have been bound once already, so that one that does not fit is rejected as it ever was.
            let (bound, _) = markers.bind(batch, &rows);
            failed.extend(self.cluster.send(writer, requests, &bound, over).await);
        }
        for (at, error) in failed {
            results[at] = Err(error);
        }
        results
    }
}

impl Sink for CassandraSink {
    fn arrange(&self, writes: &mut [WriteBatch]) {
        let placed = self.outputs.iter().map(|(&output, writer)| ToTable {
            output,
            table: &writer.table,
            bindings: &writer.markers.bindings,
            effect: writer.effect,
        });
        one_key::arrange(placed, self.nulls, writes);
    }

    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>> {
        Box::pin(async move { self.write_rows(&batch, &which).await })
    }
}

impl Cluster {
    /// Says so where the driver does not know on which nodes the table's rows belong.
    fn say_unknown_replication(&self, table: &Table) {
        if !self.session.state().knows_keyspace(&table.keyspace) {
            tracing::warn!(
                keyspace = table.keyspace,
                "the driver has not read the replication of the keyspace yet: until it has, not every row goes to a node \
                 that stores it"
            );
        }
    }

    async fn writer(
        &self,
        bound: BoundOutput,
        effect: Effect,
        config: &Config,
        nulls: Nulls,
    ) -> Result<Writer, OpenError> {
        let asking = self.session.asking();
        let ttl = config.ttl.of(&bound.table.name).filter(|_| effect == Effect::Upsert);
        let is_whole = match effect {
            Effect::Upsert => self.look_at(&bound, config).await,
            Effect::Delete => IsWhole::No,
        };
        let BoundOutput { table, bindings } = bound;
        let (cql, write_time) = match effect {
            Effect::Upsert => statement::insert(&table, &bindings, ttl),
            Effect::Delete => statement::delete(&table, &bindings),
        };
        let over = match ttl {
            Some(ttl) => match Removal::of(&table, &bindings, is_whole).statement(&table, &bindings, nulls) {
                Some((cql, markers)) => Some(Over {
                    ttl,
                    markers,
                    requests: Requests::of(Prepared::of(&asking, cql).await?),
                }),
                None => None,
            },
            None => None,
        };
        Ok(Writer {
            requests: Requests::of(Prepared::of(&asking, cql).await?),
            ring: RwLock::new(Arc::new(self.coordinators.ring(self.session.state(), &table))),
            markers: Markers {
                cells: ttl.map_or(Cells::Kept, Cells::Expiring),
                ..Markers::of(&table, bindings, write_time, nulls)
            },
            over,
            table,
            effect,
        })
    }

    /// Sends rows that were bound for the requests' statement.
    async fn send(&self, writer: &Writer, requests: &Requests, bound: &Bound<'_>, rows: Chosen) -> Vec<Failed> {
        let ring = self.ring(writer);
        let sending = Sending {
            cluster: self,
            requests,
            bound,
            placed: place(bound, &ring, rows.into_iter()),
            ring,
        };
        sending.all().await
    }

    /// The ring as it is now.
    fn ring(&self, writer: &Writer) -> Arc<Ring> {
        let state = self.session.state();
        let known = writer.ring.read().clone();
        if known.is_of(&state) {
            return known;
        }
        let new = Arc::new(self.coordinators.ring(state, &writer.table));
        *writer.ring.write() = Arc::clone(&new);
        new
    }
}

impl Writer {
    /// The rows that are written, and those whose life is over.
    fn by_life(&self, batch: &WriteBatch, rows: impl Iterator<Item = (usize, u32)>) -> (Chosen, Chosen) {
        let Some(over) = &self.over else {
            return (rows.collect(), Vec::new());
        };
        let now = ttl::now();
        rows.partition(|(_, row)| over.ttl.left(batch.write_times[*row as usize], now).is_some())
    }
}

/// The rows of one batch on their way.
struct Sending<'a> {
    cluster: &'a Cluster,
    ring: Arc<Ring>,
    requests: &'a Requests,
    bound: &'a Bound<'a>,
    placed: Vec<Placed>,
}

impl Sending<'_> {
    /// Sends all rows, and gives those that were not written. As many groups are on their way at one time as the nodes
    /// take when this begins. Each way is one future that sends group after group: it holds several KiB, too much to
    /// make anew for every request.
    fn all(&self) -> BoxFuture<'_, Vec<Failed>> {
        let groups = groups(&self.placed, self.cluster.bounds, |row| self.bound.size(row));
        // One way even without nodes, so that its error is reported.
        let ways = coordinator::limit(self.ring.all()).max(1).min(groups.len());
        let next = AtomicUsize::new(0);
        async move {
            let way = async || {
                let mut failed = Vec::new();
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    failed.extend(self.send(&self.placed[group.clone()]).await);
                }
                failed
            };
            let ways: FuturesUnordered<_> = (0..ways).map(|_| way()).collect();
            ways.concat().await
        }
        .boxed()
    }

    /// Waits for a node that has room for the group.
    async fn permit(&self, group: &[Placed], tried: &[Uuid]) -> Result<Permit, NoPermit> {
        let replicas = self.ring.nodes(group[0].replicas);
        permit(replicas, self.ring.all(), tried).await
    }

    /// Sends a group, and row by row what the server refuses of it: one row that it does not take must not stand for
    /// others.
    async fn send(&self, group: &[Placed]) -> Vec<Failed> {
        let Err(error) = self.through_some_node(group).await else {
            return Vec::new();
        };
        if group.len() == 1 || !error.is_refusal() {
            return group.iter().map(|row| (row.at, error.clone().into())).collect();
        }
        let mut failed = Vec::new();
        for row in group {
            let row = std::slice::from_ref(row);
            if let Err(error) = self.through_some_node(row).await {
                failed.push((row[0].at, error.into()));
            }
        }
        failed
    }

    /// A node that goes away takes what is in flight through it along; another one can take that at once. Each is asked
    /// once at most.
    async fn through_some_node(&self, group: &[Placed]) -> Result<(), Unwritten> {
        let mut tried = Vec::new();
        let mut last = None;
        loop {
            let this = match self.permit(group, &tried).await {
                Ok(permit) => permit,
                Err(none) => return Err(last.unwrap_or_else(|| none.into())),
            };
            let node = this.node;
            let result = self.requests.send(&self.cluster.session, node, self.bound, group).await;
            this.end(answer(result.as_ref().err().map(RequestError::fault)));
            match result {
                Ok(()) => return Ok(()),
                Err(error) if error.fault() == Fault::Unreached => last = Some(error.into()),
                Err(error) => return Err(error.into()),
            }
            tried.push(node);
        }
    }
}

/// Why a group was not written.
#[derive(Debug, Clone, thiserror::Error)]
enum Unwritten {
    #[error("{0}")]
    Failed(RequestError),
    #[error("nothing was sent, since the server has answered nothing for {} s", .0.as_secs())]
    Silent(Duration),
}

impl Unwritten {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Failed(error) if error.fault() == Fault::Refused)
    }
}

impl From<RequestError> for Unwritten {
    fn from(error: RequestError) -> Self {
        Self::Failed(error)
    }
}

impl From<NoPermit> for Unwritten {
    fn from(none: NoPermit) -> Self {
        match none {
            NoPermit::AllTried => RequestError::no_node().into(),
            NoPermit::Silent(since) => Self::Silent(since.elapsed()),
        }
    }
}

impl From<Unwritten> for SinkError {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Failed(error) => error.into(),
            Unwritten::Silent(_) => errors::silent(unwritten),
        }
    }
}

/// The meaning of the end of a request for its node: whether the request has failed in this way.
#[expect(
    clippy::match_same_arms,
    reason = "each arm has its own reason, and the reasons are the point"
)]
fn answer(fault: Option<Fault>) -> RequestOutcome {
    match fault {
        None => RequestOutcome::Done,
        // It has looked at it.
        Some(Fault::Refused) => RequestOutcome::Done,
        Some(Fault::Silent) => RequestOutcome::Silent,
        // A coordinator whose replicas are late has answered.
        Some(Fault::Overloaded | Fault::Late) => RequestOutcome::Overloaded,
        Some(
            Fault::Unavailable | Fault::Unreached | Fault::Failed | Fault::Gone | Fault::Forbidden | Fault::Unknown,
        ) => RequestOutcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_node_that_says_nothing_is_silent() {
        for (fault, expected) in [
            (None, RequestOutcome::Done),
            (Some(Fault::Silent), RequestOutcome::Silent),
            (Some(Fault::Late), RequestOutcome::Overloaded),
            (Some(Fault::Overloaded), RequestOutcome::Overloaded),
            (Some(Fault::Refused), RequestOutcome::Done),
            (Some(Fault::Failed), RequestOutcome::Failed),
            (Some(Fault::Unreached), RequestOutcome::Failed),
        ] {
            assert_eq!(answer(fault), expected, "{fault:?}");
        }
    }
}
