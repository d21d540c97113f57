//! Reads rows from Cassandra by primary key, at the consistency level that they were written with.

use futures::future::BoxFuture;
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};

use super::config::Config;
use super::fit::{Binding, Role};
use super::show::show;
use super::write::cql_value;
use super::{BoundOutput, OpenError, bind, errors, prepare, session, statement};
use crate::record::descriptor::Descriptor;
use crate::sink::SinkError;
use crate::sink::read_back::{Image, NullEffect, ReadBack, RowRef};

pub struct CassandraReader {
    session: Session,
    /// One for each output of the descriptor, in order.
    outputs: Vec<Reader>,
    null_effect: NullEffect,
}

struct Reader {
    statement: PreparedStatement,
    bindings: Vec<Binding>,
}

impl CassandraReader {
    pub async fn open(config: &Config, keyspace: &str, descriptor: &Descriptor) -> Result<Self, OpenError> {
        let session = session::connect(config).await?;
        let mut outputs = Vec::with_capacity(descriptor.outputs.len());
        for BoundOutput { table, bindings } in bind(&session, keyspace, descriptor)? {
            outputs.push(Reader {
                statement: prepare(&session, statement::select(&table, &bindings)).await?,
                bindings,
            });
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

    fn image(&self, output: usize, row: &RowRef) -> Result<Image, SinkError> {
        let bindings = &self.outputs[output].bindings;
        let values = bindings.iter().map(|binding| cql_value(binding, &row.batch, row.row));
        Ok(image(bindings, &values.collect::<Result<Vec<_>, _>>()?))
    }

    fn read<'a>(&'a self, output: usize, row: &'a RowRef) -> BoxFuture<'a, Result<Option<Image>, SinkError>> {
        Box::pin(async move {
            let Reader { statement, bindings } = &self.outputs[output];
            let keys = bindings.iter().filter(|binding| binding.role == Role::Key);
            let keys = keys.map(|binding| cql_value(binding, &row.batch, row.row));
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            let result = self
                .session
                .execute_unpaged(statement, keys)
                .await
                .map_err(errors::sink_error)?;
            // An answer that is no row is an answer of a broken server.
            let rows = result
                .into_rows_result()
                .map_err(|error| SinkError::Connection(error.into()))?;
            let found = rows
                .maybe_first_row::<Row>()
                .map_err(|error| SinkError::Connection(error.into()))?;
            Ok(found.map(|row| image(bindings, &row.columns)))
        })
    }
}

fn image(bindings: &[Binding], values: &[Option<CqlValue>]) -> Image {
    let cells: Vec<Option<String>> = values.iter().map(|value| value.as_ref().and_then(show)).collect();
    let keys = bindings
        .iter()
        .zip(&cells)
        .filter(|(binding, _)| binding.role == Role::Key);
    let key = keys.map(|(binding, cell)| format!("{}={}", binding.column, cell.as_deref().unwrap_or_default()));
    Image {
        key: key.collect::<Vec<_>>().join(" "),
        cells,
    }
}
