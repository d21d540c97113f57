//! Reads rows from Cassandra by primary key, at the consistency level that they were written with.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;

use super::config::Config;
use super::replay::{Hazards, Unknown};
use super::ttl::Ttl;
use super::{BoundOutput, OpenError, bind_outputs};
use crate::cassandra::binding::Binding;
use crate::cassandra::read::{Cell, RowReader, WriteTimes};
use crate::cassandra::session::{self, Session};
use crate::cassandra::show::show;
use crate::cassandra::types::CqlValue;
use crate::record::descriptor::Descriptor;
use crate::sink::SinkError;
use crate::sink::read_back::{Image, NullEffect, ReadBack, RowRef};

/// Reads rows by primary key from the tables that a plugin's outputs go to.
pub struct CassandraReader {
    session: Session,
    /// By the index of the output in the descriptor; those that go to topics are not among them.
    outputs: BTreeMap<usize, TableReader>,
    null_effect: NullEffect,
}

struct TableReader {
    rows: RowReader,
    /// Indices into the bindings, in the order of the primary key, so that images of all outputs of a table agree.
    key: Vec<usize>,
    hazards: Result<Hazards, Unknown>,
    /// The TTL of rows that are written with the present settings.
    ttl: Option<Ttl>,
}

impl CassandraReader {
    /// Connects, and prepares a SELECT for each output that goes to a table. Fails as opening the sink does.
    pub async fn open(config: &Config, keyspace: &str, descriptor: &Descriptor) -> Result<Self, OpenError> {
        let session = session::connect(&config.session, keyspace).await?;
        let asking = session.asking();
        let mut outputs = BTreeMap::new();
        for (index, BoundOutput { table, bindings }) in bind_outputs(&asking, keyspace, descriptor).await? {
            let position = |column| bindings.iter().position(|binding| binding.column == column);
            let reader = TableReader {
                rows: RowReader::open(&asking, &table, &bindings, WriteTimes::Left).await?,
                key: table.primary_key().filter_map(position).collect(),
                hazards: Hazards::of(&asking, &table).await,
                ttl: config.ttl.of(&table.name),
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
            Ok(hazards) => hazards.missing(reader.rows.bindings(), reader.ttl),
            Err(unknown) => vec![unknown.to_string()],
        });
        // Several outputs may go to one table.
        let each_once: BTreeSet<String> = remarks.collect();
        each_once.into_iter().collect()
    }

    fn may_hide(&self, output: usize, field: usize) -> bool {
        let reader = &self.outputs[&output];
        let column = reader.rows.bindings().iter().find(|binding| binding.field == field);
        match (column, &reader.hazards) {
            (Some(binding), Ok(hazards)) => hazards.hidden(&binding.column).is_some(),
            _ => false,
        }
    }

    fn image(&self, output: usize, row: &RowRef) -> Result<Image, SinkError> {
        let reader = &self.outputs[&output];
        let values = reader.rows.bindings().iter();
        let values = values.map(|binding| binding.value(&row.batch, row.row));
        Ok(reader.image(&values.collect::<Result<Vec<_>, _>>()?))
    }

    fn key(&self, output: usize, row: &RowRef) -> Result<String, SinkError> {
        let reader = &self.outputs[&output];
        let part = |index: &usize| {
            let binding = &reader.rows.bindings()[*index];
            let value = binding.value(&row.batch, row.row)?;
            Ok(key_part(binding, value.as_ref().and_then(show).as_deref()))
        };
        let key = reader.key.iter().map(part);
        Ok(key.collect::<Result<Vec<_>, SinkError>>()?.join(" "))
    }

    fn read<'a>(&'a self, output: usize, row: &'a RowRef) -> BoxFuture<'a, Result<Option<Image>, SinkError>> {
        Box::pin(async move {
            let reader = &self.outputs[&output];
            let found = reader.rows.read(&self.session, &row.batch, row.row).await?;
            let values = |cells: Vec<Cell>| cells.into_iter().map(|cell| cell.value).collect::<Vec<_>>();
            Ok(found.map(|cells| reader.image(&values(cells))))
        })
    }
}

impl TableReader {
    fn image(&self, values: &[Option<CqlValue>]) -> Image {
        let cells: Vec<Option<String>> = values.iter().map(|value| value.as_ref().and_then(show)).collect();
        let part = |index: &usize| key_part(&self.rows.bindings()[*index], cells[*index].as_deref());
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
