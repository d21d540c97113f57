//! Rows whose life is over before they are written, as in a replay of old records. In a first run they were written,
//! and expired since; so what an older write has left in their place must not show again.
//!
//! Such a row is taken away at its own write timestamp: as a whole where the output gives every column of the table,
//! else cell by cell, since other columns may be another writer's and live on. Nulls leave their cells alone, as ever.

use super::bind::{Cells, Markers, Nulls};
use super::statement;
use crate::cassandra::binding::{Binding, Role};
use crate::cassandra::table::Table;
use crate::record::position::WriteTime;

/// How a row whose life is over is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    Row,
    /// The cells that the row has a value for. A row that was written without a TTL keeps its key.
    Cells,
    /// The output gives a key and nothing else, and the table has more: the row lives for one second.
    Expiry,
}

impl Removal {
    /// `is_whole`: whether all that is stored under a row's key goes with a deletion of the row, static columns too.
    pub fn of(table: &Table, bindings: &[Binding], is_whole: IsWhole) -> Self {
        let gives_all = bindings.len() == table.columns.len() + table.not_understood.len();
        let has_values = bindings.iter().any(|binding| binding.role == Role::Value);
        match (gives_all, is_whole, has_values) {
            (true, IsWhole::Yes, _) => Self::Row,
            (_, _, true) => Self::Cells,
            (_, _, false) => Self::Expiry,
        }
    }

    /// The statement and what its bind markers are; `None` where it is the insert.
    pub fn statement(self, table: &Table, bindings: &[Binding], nulls: Nulls) -> Option<(String, Markers)> {
        let of = |role| bindings.iter().filter(move |binding| binding.role == role).cloned();
        let (bindings, (cql, write_time)) = match self {
            Self::Row => {
                let keys: Vec<_> = of(Role::Key).collect();
                let delete = statement::delete(table, &keys);
                (keys, delete)
            }
            Self::Cells => {
                let bindings: Vec<_> = of(Role::Value).chain(of(Role::Key)).collect();
                let erase = statement::erase(table, &bindings);
                (bindings, erase)
            }
            Self::Expiry => return None,
        };
        let markers = Markers {
            cells: Cells::Erased,
            ..Markers::of(table, bindings, write_time, nulls)
        };
        Some((cql, markers))
    }

    /// The statement as one would type it, for a row with these cells.
    pub fn literal(self, table: &Table, cells: &[(&str, String)], time: WriteTime) -> String {
        let is_key = |column: &str| table.is_key(column);
        let keys: Vec<_> = cells.iter().filter(|(column, _)| is_key(column)).cloned().collect();
        let values: Vec<_> = cells
            .iter()
            .map(|(column, _)| *column)
            .filter(|column| !is_key(column))
            .collect();
        match self {
            Self::Row => statement::delete_literal(table, &keys, time),
            Self::Cells if values.is_empty() => "-- nothing is written: the row has no value".to_owned(),
            Self::Cells => statement::erase_literal(table, &keys, &values, time),
            Self::Expiry => statement::insert_literal(table, cells, time, Some(1)),
        }
    }
}

/// Whether a deletion of a row takes everything that its key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsWhole {
    Yes,
    /// Static columns stay, or it is not known whether there are any.
    No,
}
