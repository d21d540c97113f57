//! The statement of one row with its values in it, ready to be typed into `cqlsh`, and the row that the table holds
//! under the same primary key.

use std::collections::BTreeMap;

use super::bind::Nulls;
use super::config::Config;
use super::one_key::{self, ToTable};
use super::over::{IsWhole, Removal};
use super::replay::Hazards;
use super::ttl::{self, Ttl};
use super::{BoundOutput, OpenError, bind_outputs, statement};
use crate::cassandra::binding::Binding;
use crate::cassandra::read::{Cell, RowReader, WriteTimes};
use crate::cassandra::session::{self, Session};
use crate::cassandra::show::{self, show};
use crate::cassandra::table::Table;
use crate::record::descriptor::{Descriptor, Effect};
use crate::record::position::WriteTime;
use crate::sink::read_back::RowRef;
use crate::sink::{SinkError, WriteBatch};

/// Explains rows of one plugin's outputs that go to tables; writes nothing.
pub struct Explainer {
    session: Session,
    /// By the index of the output in the descriptor; those that go to topics are not among them.
    outputs: BTreeMap<usize, Explained>,
    writes_nulls: bool,
}

struct Explained {
    table: Table,
    effect: Effect,
    reader: RowReader,
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
    /// Connects, and prepares for each output that goes to a table the statement that reads a row back. Fails as
    /// opening the sink does.
    pub async fn open(config: &Config, keyspace: &str, descriptor: &Descriptor) -> Result<Self, OpenError> {
        let session = session::connect(&config.session, keyspace).await?;
        let bound = bind_outputs(&session.asking(), keyspace, descriptor).await?;
        let mut outputs = BTreeMap::new();
        for (index, BoundOutput { table, bindings }) in bound {
            let asking = session.asking();
            let reader = RowReader::open(&asking, &table, &bindings, WriteTimes::Read).await?;
            let hazards = Hazards::of(&asking, &table).await;
            let is_whole = hazards.map_or(IsWhole::No, |hazards| hazards.is_whole());
            let explained = Explained {
                ttl: config.ttl.of(&table.name),
                removal: Removal::of(&table, &bindings, is_whole),
                table,
                effect: descriptor.outputs[index].effect,
                reader,
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
            bindings: explained.reader.bindings(),
            effect: explained.effect,
        });
        one_key::arrange(outputs, nulls, writes);
    }

    /// The statement that `host run` would execute now; a null that stays unset is left out of it. `None` where the row
    /// is not written, because of others of its record.
    pub fn statement(&self, write: &WriteBatch, row: u32) -> Result<Option<String>, SinkError> {
        let explained = &self.outputs[&write.output];
        write.refusal(row)?;
        let (time, without) = write.written(row);
        let mut cells = Vec::with_capacity(explained.reader.bindings().len());
        let bindings = explained.reader.bindings().iter();
        for binding in bindings.filter(|binding| !without.contains(&binding.field)) {
            match binding.value(&write.batch, row as usize)? {
                Some(value) => cells.push((binding.column.as_str(), show::typed(&value))),
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

    /// The row that the table holds under the same primary key; `None` if it holds none.
    pub async fn stored(&self, output: usize, row: &RowRef) -> Result<Option<Vec<Stored>>, SinkError> {
        let reader = &self.outputs[&output].reader;
        let found = reader.read(&self.session, &row.batch, row.row).await?;
        Ok(found.map(|cells| reader.bindings().iter().zip(cells).map(stored).collect()))
    }
}

fn stored((binding, cell): (&Binding, Cell)) -> Stored {
    Stored {
        column: binding.column.clone(),
        value: cell.value.as_ref().and_then(show),
        write_time: cell.write_time.map(WriteTime),
    }
}
