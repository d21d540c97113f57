//! The statement of one row with its values in it, as somebody would type it into `cqlsh`, and the row that the table
//! holds under the same primary key.

use std::collections::BTreeMap;

use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};

use super::bind::cql_value;
use super::config::Config;
use super::fit::{Binding, Role};
use super::show::show;
use super::table::Table;
use super::{BoundOutput, OpenError, bind_outputs, errors, prepare, session, statement};
use crate::record::descriptor::{Descriptor, Effect};
use crate::record::position::WriteTime;
use crate::sink::SinkError;
use crate::sink::read_back::RowRef;

/// Explains rows of one plugin's outputs that go to tables; writes nothing.
pub struct Explainer {
    session: Session,
    /// By the index of the output in the descriptor; those that go to topics are not among them.
    outputs: BTreeMap<usize, Explained>,
    writes_nulls: bool,
}

struct Explained {
    table: Table,
    bindings: Vec<Binding>,
    effect: Effect,
    select: PreparedStatement,
}

/// A cell that the table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub column: String,
    pub value: Option<String>,
    /// `None` for a column of the primary key, an empty one, and a collection.
    pub write_time: Option<WriteTime>,
}

impl Explainer {
    pub async fn open(config: &Config, keyspace: &str, descriptor: &Descriptor) -> Result<Self, OpenError> {
        let session = session::connect(config, keyspace).await?;
        let bound = bind_outputs(&session, keyspace, descriptor).await?;
        let mut outputs = BTreeMap::new();
        for (index, BoundOutput { table, bindings }) in bound {
            let select = prepare(&session, statement::select_with_write_times(&table, &bindings)).await?;
            let explained = Explained {
                table,
                bindings,
                effect: descriptor.outputs[index].effect,
                select,
            };
            outputs.insert(index, explained);
        }
        Ok(Self {
            session,
            outputs,
            writes_nulls: config.write_nulls,
        })
    }

    /// The statement that `host run` would execute; a null that stays unset is left out of it.
    pub fn statement(&self, output: usize, row: &RowRef, time: WriteTime) -> Result<String, SinkError> {
        let explained = &self.outputs[&output];
        let mut cells = Vec::with_capacity(explained.bindings.len());
        for binding in &explained.bindings {
            match cql_value(binding, &row.batch, row.row)? {
                Some(value) => cells.push((binding.column.as_str(), value.to_string())),
                None if self.writes_nulls => cells.push((binding.column.as_str(), "null".to_owned())),
                None => {}
            }
        }
        Ok(match explained.effect {
            Effect::Upsert => statement::insert_literal(&explained.table, &cells, time),
            Effect::Delete => statement::delete_literal(&explained.table, &cells, time),
        })
    }

    /// What the table holds under the row's primary key; `None` where it holds nothing.
    pub async fn stored(&self, output: usize, row: &RowRef) -> Result<Option<Vec<Stored>>, SinkError> {
        let explained = &self.outputs[&output];
        let keys = explained.bindings.iter().filter(|binding| binding.role == Role::Key);
        let keys = keys.map(|binding| cql_value(binding, &row.batch, row.row));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let result = self
            .session
            .execute_unpaged(&explained.select, keys)
            .await
            .map_err(errors::sink_error)?;
        // An answer that is no row is an answer of a broken server.
        let rows = result
            .into_rows_result()
            .map_err(|error| SinkError::Connection(error.into()))?;
        let found = rows
            .maybe_first_row::<Row>()
            .map_err(|error| SinkError::Connection(error.into()))?;
        Ok(found.map(|row| explained.cells(&row.columns)))
    }
}

impl Explained {
    /// The values of all bindings, then the write timestamps of those that have one.
    fn cells(&self, values: &[Option<CqlValue>]) -> Vec<Stored> {
        let (cells, times) = values.split_at(self.bindings.len().min(values.len()));
        let mut times = times.iter();
        self.bindings
            .iter()
            .zip(cells)
            .map(|(binding, value)| {
                let time = if statement::has_write_time(binding) {
                    times.next()
                } else {
                    None
                };
                Stored {
                    column: binding.column.clone(),
                    value: value.as_ref().and_then(show),
                    write_time: time.and_then(|time| Some(WriteTime(time.as_ref()?.as_bigint()?))),
                }
            })
            .collect()
    }
}
