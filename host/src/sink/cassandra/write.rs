//! Writes rows, many at a time: a row is converted, bound and sent when it is its turn, so that only the rows in flight
//! take memory. The bound on them is one for the whole sink, whatever number of partitions write through it.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, MaybeUnset};
use tokio::sync::Semaphore;

use super::config::Config;
use super::convert::{Value, convert};
use super::fit::{Binding, Role};
use super::session::ConnectError;
use super::statement::{self, TimestampMarker};
use super::{BoundOutput, OpenError, bind, errors, prepare, session};
use crate::record::columns::Batch;
use crate::record::descriptor::{Descriptor, Effect};
use crate::record::position::WriteTime;
use crate::sink::{Sink, SinkError, WriteBatch};

/// A value for a bind marker: nothing, null, or a value.
type Bound = MaybeUnset<Option<CqlValue>>;

pub struct CassandraSink {
    cluster: Cluster,
    /// One for each output of the descriptor, in order.
    outputs: Vec<Writer>,
    nulls: Nulls,
}

/// Connections and the bound on what is written through them, shared by the sinks of several plugins.
#[derive(Clone)]
struct Cluster {
    session: Arc<Session>,
    in_flight: Arc<Semaphore>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nulls {
    /// The bind marker is left unset: what the column held stays, and no tombstone is made.
    Unset,
    /// A tombstone is written.
    Tombstone,
}

struct Writer {
    statement: PreparedStatement,
    marker: TimestampMarker,
    bindings: Vec<Binding>,
}

impl CassandraSink {
    /// Connects, finds the table of each of the plugin's outputs in `keyspace` and prepares its statement.
    pub async fn open(config: &Config, keyspace: &str, descriptor: &Descriptor) -> Result<Self, OpenError> {
        let cluster = Cluster {
            session: Arc::new(session::connect(config).await?),
            in_flight: Arc::new(Semaphore::new(config.writes_in_flight.max(1))),
        };
        Self::on(cluster, config, keyspace, descriptor).await
    }

    /// The same for another plugin, over the same connections and within the same bound.
    pub async fn open_beside(
        &self,
        config: &Config,
        keyspace: &str,
        descriptor: &Descriptor,
    ) -> Result<Self, OpenError> {
        // Preparing asks the server, so what fits the tables as they were last seen does fit.
        let as_seen = Self::on(self.cluster.clone(), config, keyspace, descriptor).await;
        if as_seen.is_ok() {
            return as_seen;
        }
        // A table may have got the column meanwhile that the other plugin writes. Reading all tables takes a while.
        self.cluster
            .session
            .refresh_metadata()
            .await
            .map_err(ConnectError::Refresh)?;
        Self::on(self.cluster.clone(), config, keyspace, descriptor).await
    }

    async fn on(cluster: Cluster, config: &Config, keyspace: &str, descriptor: &Descriptor) -> Result<Self, OpenError> {
        let bound = bind(&cluster.session, keyspace, descriptor)?;
        let mut outputs = Vec::with_capacity(bound.len());
        for (output, BoundOutput { table, bindings }) in descriptor.outputs.iter().zip(bound) {
            let (cql, marker) = match output.effect {
                Effect::Upsert => statement::insert(&table, &bindings),
                Effect::Delete => statement::delete(&table, &bindings),
            };
            outputs.push(Writer {
                statement: prepare(&cluster.session, cql).await?,
                marker,
                bindings,
            });
        }
        Ok(Self {
            cluster,
            outputs,
            nulls: if config.write_nulls {
                Nulls::Tombstone
            } else {
                Nulls::Unset
            },
        })
    }

    async fn write_row(&self, batch: &WriteBatch, row: usize) -> Result<(), SinkError> {
        // The semaphore is never closed, so there always is a permit in the end.
        let _permit = self.cluster.in_flight.acquire().await;
        let writer = &self.outputs[batch.output];
        let values = bound_row(
            &writer.bindings,
            &batch.batch,
            row,
            RowBinding {
                write_time: batch.write_times[row],
                marker: writer.marker,
                nulls: self.nulls,
            },
        )?;
        self.cluster
            .session
            .execute_unpaged(&writer.statement, values)
            .await
            .map(drop)
            .map_err(errors::sink_error)
    }
}

impl Sink for CassandraSink {
    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>> {
        Box::pin(async move {
            let batch = batch.as_ref();
            join_all(which.iter().map(|row| self.write_row(batch, *row as usize))).await
        })
    }
}

/// How a row's values become those of its statement.
#[derive(Debug, Clone, Copy)]
struct RowBinding {
    write_time: WriteTime,
    marker: TimestampMarker,
    nulls: Nulls,
}

/// The values of all bind markers of a row's statement, in order.
fn bound_row(bindings: &[Binding], batch: &Batch, row: usize, how: RowBinding) -> Result<Vec<Bound>, SinkError> {
    let timestamp = MaybeUnset::Set(Some(CqlValue::BigInt(how.write_time.0)));
    let mut values = Vec::with_capacity(bindings.len() + 1);
    if how.marker == TimestampMarker::First {
        values.push(timestamp);
        for binding in bindings {
            values.push(bound_value(binding, batch, row, how.nulls)?);
        }
    } else {
        for binding in bindings {
            values.push(bound_value(binding, batch, row, how.nulls)?);
        }
        values.push(timestamp);
    }
    Ok(values)
}

fn bound_value(binding: &Binding, batch: &Batch, row: usize, nulls: Nulls) -> Result<Bound, SinkError> {
    match cql_value(binding, batch, row)? {
        Some(value) => Ok(MaybeUnset::Set(Some(value))),
        None if nulls == Nulls::Tombstone => Ok(MaybeUnset::Set(None)),
        None => Ok(MaybeUnset::Unset),
    }
}

/// The value of a row for one column, converted by the column's type; a null only where it is not of the primary key.
pub(super) fn cql_value(binding: &Binding, batch: &Batch, row: usize) -> Result<Option<CqlValue>, SinkError> {
    match Value::at(&batch.columns[binding.field], binding.data_type, row) {
        Some(value) => convert(value, &binding.column_type)
            .map(Some)
            .map_err(|misfit| SinkError::Value {
                column: binding.column.clone(),
                reason: misfit.to_string(),
            }),
        None if binding.role == Role::Key => Err(SinkError::NullKey {
            column: binding.column.clone(),
        }),
        None => Ok(None),
    }
}
