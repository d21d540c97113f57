//! The rows of one record as a table in the file sees them. An output may delete by a part of the primary key.

use arrow_array::Array;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use super::Shared;
use super::statement::Prepared;
use super::value;
use crate::sink::WriteBatch;
use crate::sink::one_key::{self, Scope, Seen, Set};

/// A table with the outputs that go to it.
struct OfTable<'a> {
    shared: &'a Shared,
    /// Columns of the key that every row of the table names.
    in_common: Vec<&'a str>,
}

/// Notes in the writes what rows of one record and one key do to one another.
pub(super) fn arrange(shared: &Shared, writes: &mut [WriteBatch]) {
    let mut tables: Vec<&str> = shared.outputs.values().map(|output| &*output.table.name).collect();
    tables.sort_unstable();
    tables.dedup();
    for table in tables {
        let outputs = || shared.outputs.values().filter(|output| output.table.name == table);
        let of_table = writes.iter().enumerate().filter(|(_, write)| {
            let output = shared.outputs.get(&write.output);
            output.is_some_and(|output| output.table.name == table)
        });
        let of_table: Vec<_> = of_table.map(|(index, _)| index).collect();
        let Some(first) = outputs().next() else { continue };
        let in_all = |column: &&str| outputs().all(|output| output.keys().any(|(_, key)| key == *column));
        let in_common = first.keys().map(|(_, column)| column).filter(in_all).collect();
        one_key::arrange(writes, &of_table, &OfTable { shared, in_common });
    }
}

impl OfTable<'_> {
    fn output(&self, batch: &WriteBatch) -> &Prepared {
        &self.shared.outputs[&batch.output]
    }
}

impl one_key::Table for OfTable<'_> {
    fn put_group(&self, batch: &WriteBatch, row: u32, bytes: &mut Vec<u8>) -> bool {
        let output = self.output(batch);
        self.in_common.iter().all(|common| {
            let place = output.keys().find(|(_, column)| column == common);
            place.is_some_and(|(field, _)| put_value(output, batch, field, row, bytes).is_some())
        })
    }

    fn see<'a>(&'a self, batch: &'a WriteBatch, row: u32) -> Option<Seen<'a>> {
        let output = self.output(batch);
        let mut key = Vec::new();
        for (field, column) in output.keys() {
            let mut bytes = Vec::new();
            put_value(output, batch, field, row, &mut bytes)?;
            key.push((column, bytes));
        }
        key.sort_unstable_by_key(|(column, _)| *column);
        let others = output.columns.iter().enumerate().filter(|(field, _)| {
            let is_null = batch.batch.columns[*field].is_null(row as usize);
            !output.is_key[*field] && !is_null
        });
        Some(Seen {
            effect: output.output.effect,
            key,
            sets: others
                .map(|(field, column)| Set {
                    field,
                    column,
                    scope: Scope::Row,
                })
                .collect(),
            misfit: None,
        })
    }

    fn partition_key(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// Appends the value and its kind; `None` for a null.
fn put_value(output: &Prepared, batch: &WriteBatch, field: usize, row: u32, bytes: &mut Vec<u8>) -> Option<()> {
    let value = value::of(&output.output.fields[field], &batch.batch.columns[field], row as usize)?;
    let mut put = |kind: u8, value: &[u8]| {
        bytes.push(kind);
        bytes.extend(value.len().to_be_bytes());
        bytes.extend(value);
    };
    match &value {
        ToSqlOutput::Owned(Value::Integer(number)) => put(1, &number.to_be_bytes()),
        ToSqlOutput::Owned(Value::Real(number)) => put(2, &number.to_be_bytes()),
        ToSqlOutput::Owned(Value::Text(text)) => put(3, text.as_bytes()),
        ToSqlOutput::Borrowed(ValueRef::Text(text)) => put(3, text),
        ToSqlOutput::Borrowed(ValueRef::Blob(blob)) => put(4, blob),
        _ => return None,
    }
    Some(())
}
