//! The statement of one row with its values in it, as somebody would type it into `cqlsh`, and the row that the table
//! holds under the same primary key.

use std::collections::BTreeMap;

use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};

use super::bind::{Nulls, cql_value};
use super::config::Config;
use super::fit::{Binding, Role};
use super::one_key::{self, ToTable};
use super::over::{IsWhole, Removal};
use super::replay::Hazards;
use super::show::show;
use super::table::Table;
use super::ttl::{self, Ttl};
use super::{BoundOutput, OpenError, bind_outputs, errors, prepare, session, statement};
use crate::record::descriptor::{Descriptor, Effect};
use crate::record::position::WriteTime;
use crate::sink::read_back::RowRef;
use crate::sink::{SinkError, SinkFault, WriteBatch};

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
    ttl: Option<Ttl>,
    removal: Removal,
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
            let hazards = Hazards::of(&session, &table).await;
            let is_whole = hazards.map_or(IsWhole::No, |hazards| hazards.is_whole());
            let explained = Explained {
                ttl: config.ttl.of(&table.name),
                removal: Removal::of(&table, &bindings, is_whole),
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

    /// Notes in the writes what rows of one record and one key do to one another, as `host run` does.
    pub fn arrange(&self, writes: &mut [WriteBatch]) {
        let nulls = if self.writes_nulls {
            Nulls::Tombstone
        } else {
            Nulls::Unset
        };
        let outputs = self.outputs.iter().map(|(&output, explained)| ToTable {
            output,
            table: &explained.table,
            bindings: &explained.bindings,
            effect: explained.effect,
        });
        one_key::arrange(outputs, nulls, writes);
    }

    /// The statement that `host run` would execute now; a null that stays unset is left out of it. `None` where the row is not
    /// written, because of others of its record.
    pub fn statement(&self, write: &WriteBatch, row: u32) -> Result<Option<String>, SinkError> {
        let explained = &self.outputs[&write.output];
        write.refusal(row)?;
        let (time, without) = write.written(row);
        let mut cells = Vec::with_capacity(explained.bindings.len());
        let bindings = explained.bindings.iter();
        for binding in bindings.filter(|binding| !without.contains(&binding.field)) {
            match cql_value(binding, &write.batch, row as usize)? {
                Some(value) => cells.push((binding.column.as_str(), value.to_string())),
                None if self.writes_nulls => cells.push((binding.column.as_str(), "null".to_owned())),
                None => {}
            }
        }
        let table = &explained.table;
        let statement = || {
            let left = explained.ttl.map(|ttl| (ttl, ttl.left(time, ttl::now())));
            match (explained.effect, left) {
                (Effect::Delete, _) => statement::delete_literal(table, &cells, time),
                (Effect::Upsert, None) => statement::insert_literal(table, &cells, time, None),
                (Effect::Upsert, Some((_, Some(left)))) => statement::insert_literal(table, &cells, time, Some(left)),
                (Effect::Upsert, Some((ttl, None))) => {
                    let statement = explained.removal.literal(table, &cells, time);
                    format!("{statement} -- its life of {ttl} is over")
                }
            }
        };
        Ok(write.is_written(row).then(statement))
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
            .map_err(|error| SinkError::new(SinkFault::Away, "no connection to the server", error))?;
        let found = rows
            .maybe_first_row::<Row>()
            .map_err(|error| SinkError::new(SinkFault::Away, "no connection to the server", error))?;
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
