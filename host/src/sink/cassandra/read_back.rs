//! Reads rows from Cassandra by primary key, at the consistency level that they were written with.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};

use super::bind::cql_value;
use super::config::Config;
use super::fit::{Binding, Role};
use super::replay::{Hazards, Unknown};
use super::show::show;
use super::ttl::Ttl;
use super::{BoundOutput, OpenError, bind_outputs, errors, prepare, session, statement};
use crate::record::descriptor::Descriptor;
use crate::sink::read_back::{Image, NullEffect, ReadBack, RowRef};
use crate::sink::{SinkError, SinkFault};

pub struct CassandraReader {
    session: Session,
    /// By the index of the output in the descriptor; those that go to topics are not among them.
    outputs: BTreeMap<usize, Reader>,
    null_effect: NullEffect,
}

struct Reader {
    statement: PreparedStatement,
    bindings: Vec<Binding>,
    /// Indices into `bindings`, in the order of the primary key, so that images of all outputs of a table agree.
    key: Vec<usize>,
    hazards: Result<Hazards, Unknown>,
    /// Of rows that were written with the settings as they are.
    ttl: Option<Ttl>,
}

impl CassandraReader {
    pub async fn open(config: &Config, keyspace: &str, descriptor: &Descriptor) -> Result<Self, OpenError> {
        let session = session::connect(config, keyspace).await?;
        let mut outputs = BTreeMap::new();
        for (index, BoundOutput { table, bindings }) in bind_outputs(&session, keyspace, descriptor).await? {
            let position = |column| bindings.iter().position(|binding| binding.column == column);
            let reader = Reader {
                statement: prepare(&session, statement::select(&table, &bindings)).await?,
                key: table.primary_key().filter_map(position).collect(),
                hazards: Hazards::of(&session, &table).await,
                ttl: config.ttl.of(&table.name),
                bindings,
            };
            outputs.insert(index, reader);
        }
        Ok(Self {
            session,
            outputs,
            null_effect: if config.write_nulls {
                NullEffect::Erases
            } else {
                NullEffect::LeavesOld
            },
        })
    }
}

impl ReadBack for CassandraReader {
    fn null_effect(&self) -> NullEffect {
        self.null_effect
    }

    fn remarks(&self) -> Vec<String> {
        let remarks = self.outputs.values().flat_map(|reader| match &reader.hazards {
            Ok(hazards) => hazards.missing(&reader.bindings, reader.ttl),
            Err(unknown) => vec![unknown.to_string()],
        });
        // Several outputs may go to one table.
        let each_once: BTreeSet<String> = remarks.collect();
        each_once.into_iter().collect()
    }

    fn may_hide(&self, output: usize, field: usize) -> bool {
        let reader = &self.outputs[&output];
        let column = reader.bindings.iter().find(|binding| binding.field == field);
        match (column, &reader.hazards) {
            (Some(binding), Ok(hazards)) => hazards.hidden(&binding.column).is_some(),
            _ => false,
        }
    }

    fn image(&self, output: usize, row: &RowRef) -> Result<Image, SinkError> {
        let reader = &self.outputs[&output];
        let values = reader
            .bindings
            .iter()
            .map(|binding| cql_value(binding, &row.batch, row.row));
        Ok(reader.image(&values.collect::<Result<Vec<_>, _>>()?))
    }

    fn key(&self, output: usize, row: &RowRef) -> Result<String, SinkError> {
        let reader = &self.outputs[&output];
        let part = |index: &usize| {
            let binding = &reader.bindings[*index];
            let value = cql_value(binding, &row.batch, row.row)?;
            Ok(key_part(binding, value.as_ref().and_then(show).as_deref()))
        };
        let key = reader.key.iter().map(part);
        Ok(key.collect::<Result<Vec<_>, SinkError>>()?.join(" "))
    }

    fn read<'a>(&'a self, output: usize, row: &'a RowRef) -> BoxFuture<'a, Result<Option<Image>, SinkError>> {
        Box::pin(async move {
            let reader = &self.outputs[&output];
            let keys = reader.bindings.iter().filter(|binding| binding.role == Role::Key);
            let keys = keys.map(|binding| cql_value(binding, &row.batch, row.row));
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            let result = self
                .session
                .execute_unpaged(&reader.statement, keys)
                .await
                .map_err(errors::sink_error)?;
            // An answer that is no row is an answer of a broken server.
            let rows = result
                .into_rows_result()
                .map_err(|error| SinkError::new(SinkFault::Away, "no connection to the server", error))?;
            let found = rows
                .maybe_first_row::<Row>()
                .map_err(|error| SinkError::new(SinkFault::Away, "no connection to the server", error))?;
            Ok(found.map(|row| reader.image(&row.columns)))
        })
    }
}

impl Reader {
    fn image(&self, values: &[Option<CqlValue>]) -> Image {
        let cells: Vec<Option<String>> = values.iter().map(|value| value.as_ref().and_then(show)).collect();
        let part = |index: &usize| key_part(&self.bindings[*index], cells[*index].as_deref());
        let key: Vec<String> = self.key.iter().map(part).collect();
        Image {
            key: key.join(" "),
            cells,
        }
    }
}

fn key_part(binding: &Binding, value: Option<&str>) -> String {
    format!("{}={}", binding.column, value.unwrap_or_default())
}
