//! Reads one row of a table by its primary key.

use std::error::Error;

use scylla::value::Row;

use super::asking::Asking;
use super::binding::{Binding, NoValue, Role, key_conditions};
use super::errors::RequestError;
use super::prepared::{NotPrepared, Prepared};
use super::quoted::quoted;
use super::session::Session;
use super::table::Table;
use super::types::CqlValue;
use crate::record::columns::Batch;

/// Reads the columns of all bindings, and where they are asked for, their write timestamps.
pub struct RowReader {
    statement: Prepared,
    bindings: Vec<Binding>,
    times: WriteTimes,
}

/// Whether the write timestamps of the columns are read with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteTimes {
    Read,
    Left,
}

/// A cell that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub value: Option<CqlValue>,
    /// In microseconds since 1970; `None` where it is not read, or where CQL tells none: of the primary key, of an empty
    /// cell, of a collection that is not frozen.
    pub write_time: Option<i64>,
}

/// Why a row could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Key(#[from] NoValue),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("the answer is not a row")]
    NoRow(#[source] Box<dyn Error + Send + Sync>),
}

impl RowReader {
    /// Prepares the SELECT for one row of the table by its primary key, with the columns of these bindings. Fails if
    /// the statement cannot be prepared.
    pub async fn open(
        asking: &Asking<'_>,
        table: &Table,
        bindings: &[Binding],
        times: WriteTimes,
    ) -> Result<Self, NotPrepared> {
        Ok(Self {
            statement: Prepared::of(asking, select(table, bindings, times)).await?,
            bindings: bindings.to_vec(),
            times,
        })
    }

    /// The bindings whose columns are read, in the order of the cells that [`Self::read`] returns.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Reads the row that has the primary key of this one: a cell for each binding, in their order. `None` where the table
    /// has none.
    pub async fn read(&self, session: &Session, batch: &Batch, row: usize) -> Result<Option<Vec<Cell>>, ReadError> {
        let keys = self.bindings.iter().filter(|binding| binding.role == Role::Key);
        let keys = keys.map(|binding| binding.value(batch, row));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let answer = session.driver().execute_unpaged(self.statement.driver(), keys).await;
        let answer = answer.map_err(RequestError::from)?;
        let rows = answer
            .into_rows_result()
            .map_err(|error| ReadError::NoRow(error.into()))?;
        let found = rows
            .maybe_first_row::<Row>()
            .map_err(|error| ReadError::NoRow(error.into()))?;
        Ok(found.map(|row| self.cells(row.columns)))
    }

    /// The values of all bindings, and behind them the write timestamps of those that have one.
    fn cells(&self, values: Vec<Option<CqlValue>>) -> Vec<Cell> {
        let mut values = values.into_iter();
        let cells: Vec<_> = values.by_ref().take(self.bindings.len()).collect();
        let with_time = |(binding, value)| Cell {
            value,
            write_time: match self.times {
                WriteTimes::Read if has_write_time(binding) => {
                    values.next().flatten().and_then(|time| time.as_bigint())
                }
                WriteTimes::Read | WriteTimes::Left => None,
            },
        };
        self.bindings.iter().zip(cells).map(with_time).collect()
    }
}

/// Bind markers: the key's bindings in order.
fn select(table: &Table, bindings: &[Binding], times: WriteTimes) -> String {
    let columns = bindings.iter().map(|binding| quoted(&binding.column));
    let times = bindings
        .iter()
        .filter(|binding| times == WriteTimes::Read && has_write_time(binding))
        .map(|binding| format!("WRITETIME({})", quoted(&binding.column)));
    let columns: Vec<_> = columns.chain(times).collect();
    let (columns, name, conditions) = (columns.join(", "), table.quoted_name(), key_conditions(bindings));
    format!("SELECT {columns} FROM {name} WHERE {conditions}")
}

/// Whether CQL tells one write timestamp for the column.
fn has_write_time(binding: &Binding) -> bool {
    binding.role == Role::Value && !binding.is_many_cells()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::binding::fixture::bindings;

    #[test]
    fn rows_are_read_by_their_key_columns() {
        let table = Table {
            keyspace: "shop".into(),
            name: "orders".into(),
            ..Table::default()
        };
        assert_eq!(
            select(&table, &bindings(), WriteTimes::Left),
            r#"SELECT "id", "select", "odd "" name", "At" FROM "shop"."orders" WHERE "id" = ? AND "At" = ?"#
        );
        assert_eq!(
            select(&table, &bindings()[..2], WriteTimes::Read),
            r#"SELECT "id", "select", WRITETIME("select") FROM "shop"."orders" WHERE "id" = ?"#
        );
    }
}
