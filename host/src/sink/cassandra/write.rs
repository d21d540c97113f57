//! Writes rows, many at a time: binds them, groups them into CQL batches by replicas, and sends each to one of its
//! replicas, as many at one time as the nodes take. The bound on what is in flight at a node is one for the whole sink,
//! whatever number of partitions write through it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use scylla::client::session::Session;
use scylla::errors::{ExecutionError, RequestAttemptError};
use uuid::Uuid;

use super::asking::Asking;
use super::bind::{Bound, Markers, Nulls};
use super::config::Config;
use super::coordinator::{Coordinators, NoPermit, Permit, permit};
use super::cql_batch::{Bounds, Placed, groups, place};
use super::limit::Answer;
use super::request::Requests;
use super::ring::Ring;
use super::session::ConnectError;
use super::statement;
use super::table::Table;
use super::{BoundOutput, OpenError, bind_outputs, errors, prepare, session, thresholds};
use crate::record::descriptor::{Descriptor, Effect};
use crate::sink::{Sink, SinkError, WriteBatch};

pub struct CassandraSink {
    cluster: Cluster,
    /// By the index of the output in the descriptor; those that go to topics are not among them.
    outputs: BTreeMap<usize, Writer>,
}

/// Connections and the bounds on what is written through them, shared by the sinks of several plugins.
#[derive(Clone)]
pub struct Cluster {
    session: Arc<Session>,
    coordinators: Arc<Coordinators>,
    bounds: Bounds,
}

struct Writer {
    table: Table,
    markers: Markers,
    requests: Requests,
    ring: RwLock<Arc<Ring>>,
}

/// A row's index in the results, and why it was not written.
type Failed = (usize, SinkError);

impl Cluster {
    /// Connects, and asks how large a CQL batch may be.
    ///
    /// # Errors
    /// No node answers, or the settings or the login are wrong.
    pub async fn connect(config: &Config, keyspace: &str) -> Result<Self, ConnectError> {
        let session = session::connect(config, keyspace).await?;
        let bounds = thresholds::bounds(&Asking::of(&session), config.cql_batches).await?;
        tracing::debug!(?bounds, "CQL batches");
        Ok(Self {
            bounds,
            session: Arc::new(session),
            coordinators: Arc::new(Coordinators::new(config.in_flight)),
        })
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
        let bound = bind_outputs(&cluster.session, keyspace, descriptor).await?;
        let nulls = if config.write_nulls {
            Nulls::Tombstone
        } else {
            Nulls::Unset
        };
        let mut outputs = BTreeMap::new();
        for (index, BoundOutput { table, bindings }) in bound {
            let (cql, write_time) = match descriptor.outputs[index].effect {
                Effect::Upsert => statement::insert(&table, &bindings),
                Effect::Delete => statement::delete(&table, &bindings),
            };
            let state = cluster.session.get_cluster_state();
            if state.get_keyspace(&table.keyspace).is_none() {
                tracing::warn!(
                    keyspace = table.keyspace,
                    "the driver has not read the replication of the keyspace yet: until it has, not every row goes to a \
                     node that stores it"
                );
            }
            let writer = Writer {
                requests: Requests::of(prepare(&cluster.session, cql).await?),
                ring: RwLock::new(Arc::new(Ring::of(state, &table, &cluster.coordinators))),
                markers: Markers::of(&table, bindings, write_time, nulls),
                table,
            };
            outputs.insert(index, writer);
        }
        Ok(Self { cluster, outputs })
    }

    async fn write_rows(&self, batch: &WriteBatch, which: &[u32]) -> Vec<Result<(), SinkError>> {
        let writer = &self.outputs[&batch.output];
        let (bound, misfits) = writer.markers.bind(batch, which);
        let mut results: Vec<Result<(), SinkError>> = which.iter().map(|_| Ok(())).collect();
        for (at, misfit) in misfits {
            results[at] = Err(misfit);
        }
        let fitting = which.iter().copied().enumerate().filter(|(at, _)| results[*at].is_ok());
        let ring = self.cluster.ring(writer);
        let sending = Sending {
            cluster: &self.cluster,
            requests: &writer.requests,
            bound: &bound,
            placed: place(&bound, &ring, fitting),
            ring,
        };
        for (at, error) in sending.all().await {
            results[at] = Err(error);
        }
        results
    }
}

impl Sink for CassandraSink {
    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>> {
        Box::pin(async move { self.write_rows(&batch, &which).await })
    }
}

impl Cluster {
    /// The ring as it is now.
    fn ring(&self, writer: &Writer) -> Arc<Ring> {
        let state = self.session.get_cluster_state();
        let known = writer.ring.read().unwrap_or_else(PoisonError::into_inner).clone();
        if known.is_of(&state) {
            return known;
        }
        let new = Arc::new(Ring::of(state, &writer.table, &self.coordinators));
        *writer.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
        new
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
    /// Sends all rows, and gives those that were not written. As many groups are on their way at one time as the nodes take
    /// when this begins. Each way is one future that sends group after group: it holds several KiB, too much to make anew
    /// for every request.
    fn all(&self) -> BoxFuture<'_, Vec<Failed>> {
        let groups = groups(&self.placed, self.cluster.bounds, |row| self.bound.size(row));
        // One way even without nodes, so that its error is reported.
        let ways = self.ring.limit().max(1).min(groups.len());
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
            this.end(answer(&result));
            match result {
                Ok(()) => return Ok(()),
                Err(error) if is_gone(&error) => last = Some(error.into()),
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
    Failed(Box<ExecutionError>),
    #[error("nothing was sent, since the server has answered nothing for {} s", .0.as_secs())]
    Silent(Duration),
}

impl Unwritten {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Failed(error) if errors::is_refusal(error))
    }
}

impl From<ExecutionError> for Unwritten {
    fn from(error: ExecutionError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<NoPermit> for Unwritten {
    fn from(none: NoPermit) -> Self {
        match none {
            NoPermit::AllTried => ExecutionError::EmptyPlan.into(),
            NoPermit::Silent(since) => Self::Silent(since.elapsed()),
        }
    }
}

impl From<Unwritten> for SinkError {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Failed(error) => errors::sink_error(*error),
            Unwritten::Silent(_) => Self::Timeout(Box::new(unwritten)),
        }
    }
}

/// Whether the request did not reach the node, or its answer did not come back.
fn is_gone(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::EmptyPlan
            | ExecutionError::ConnectionPoolError(_)
            | ExecutionError::LastAttemptError(RequestAttemptError::BrokenConnectionError(_))
    )
}

/// What the end of a request says of its node.
fn answer(result: &Result<(), ExecutionError>) -> Answer {
    match result {
        Ok(()) => Answer::Done,
        // It has looked at it.
        Err(error) if errors::is_refusal(error) => Answer::Done,
        Err(ExecutionError::RequestTimeout(_)) => Answer::Silent,
        Err(error) if errors::is_overload(error) => Answer::Overloaded,
        Err(_) => Answer::Failed,
    }
}

#[cfg(test)]
mod tests {
    use scylla::errors::{DbError, WriteType};
    use scylla::statement::Consistency;

    use super::*;

    /// A coordinator whose replicas are late has answered.
    #[test]
    fn only_a_node_that_says_nothing_is_silent() {
        let late_replicas = DbError::WriteTimeout {
            consistency: Consistency::Quorum,
            received: 1,
            required: 2,
            write_type: WriteType::Simple,
        };
        let said = |error| ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, String::new()));
        for (error, expected) in [
            (ExecutionError::RequestTimeout(Duration::from_secs(10)), Answer::Silent),
            (said(late_replicas), Answer::Overloaded),
            (said(DbError::Overloaded), Answer::Overloaded),
            (said(DbError::Invalid), Answer::Done),
            (said(DbError::ServerError), Answer::Failed),
            (ExecutionError::EmptyPlan, Answer::Failed),
        ] {
            assert_eq!(answer(&Err(error.clone())), expected, "{error}");
        }
    }
}
