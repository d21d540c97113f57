//! The rows of one record as a table in Cassandra sees them. Keys are compared as the server compares them: by the bytes
//! that are bound, where those are one to one with values.

use std::collections::BTreeMap;

use super::bind::{Nulls, bound_bytes};
use crate::cassandra::binding::{Binding, NoValue, Role};
use crate::cassandra::key::{self, Compared, KeyPart};
use crate::cassandra::table::Table;
use crate::record::columns::Batch;
use crate::record::descriptor::Effect;
use crate::sink::one_key::{self, Scope, Seen, Set};
use crate::sink::{Misfit, WriteBatch};

/// An output, its table and how its fields are bound.
pub struct ToTable<'a> {
    pub output: usize,
    pub table: &'a Table,
    pub bindings: &'a [Binding],
    pub effect: Effect,
}

/// A table with the outputs that go to it.
struct Shared<'a> {
    table: &'a Table,
    nulls: Nulls,
    /// By the index of the output in the descriptor.
    outputs: BTreeMap<usize, Output<'a>>,
    /// Whether an output sets a column that the rows of a partition key share.
    sets_static: bool,
}

struct Output<'a> {
    effect: Effect,
    bindings: &'a [Binding],
    /// The bindings of the partition key, then of the clustering key.
    partition_key: Vec<&'a Binding>,
    clustering_key: Vec<&'a Binding>,
}

/// Notes in the writes what rows of one record and one key do to one another.
pub fn arrange<'a>(outputs: impl Iterator<Item = ToTable<'a>>, nulls: Nulls, writes: &mut [WriteBatch]) {
    let mut tables: BTreeMap<&str, Shared<'_>> = BTreeMap::new();
    for placed in outputs {
        let shared = tables.entry(&placed.table.name).or_insert_with(|| Shared {
            table: placed.table,
            nulls,
            outputs: BTreeMap::new(),
            sets_static: false,
        });
        shared.add(&placed);
    }
    for shared in tables.values() {
        let of_table = writes.iter().enumerate();
        let of_table = of_table.filter(|(_, write)| shared.outputs.contains_key(&write.output));
        let of_table: Vec<_> = of_table.map(|(index, _)| index).collect();
        one_key::arrange(writes, &of_table, shared);
    }
}

impl<'a> Shared<'a> {
    fn add(&mut self, placed: &ToTable<'a>) {
        let binding = |column: &String| placed.bindings.iter().find(|binding| binding.column == *column);
        let output = Output {
            effect: placed.effect,
            bindings: placed.bindings,
            partition_key: self.table.partition_key.iter().filter_map(binding).collect(),
            clustering_key: self.table.clustering_key.iter().filter_map(binding).collect(),
        };
        let is_static = |binding: &Binding| self.table.is_static(&binding.column);
        self.sets_static |= placed.bindings.iter().any(is_static);
        self.outputs.insert(placed.output, output);
    }
}

impl one_key::Table for Shared<'_> {
    fn put_group(&self, batch: &WriteBatch, row: u32, bytes: &mut Vec<u8>) -> bool {
        let Output {
            partition_key,
            clustering_key,
            ..
        } = &self.outputs[&batch.output];
        let mut put = |binding: &&Binding, part| {
            let begin = bytes.len();
            bytes.extend([0; size_of::<u32>()]);
            let is_put = put_value(binding, part, &batch.batch, row as usize, bytes).is_some();
            let length = u32::try_from(bytes.len() - begin).unwrap_or(u32::MAX);
            bytes[begin..begin + size_of::<u32>()].copy_from_slice(&length.to_be_bytes());
            is_put
        };
        partition_key.iter().all(|binding| put(binding, KeyPart::Partition))
            && (self.sets_static || clustering_key.iter().all(|binding| put(binding, KeyPart::Clustering)))
    }

    fn see<'a>(&'a self, batch: &'a WriteBatch, row: u32) -> Option<Seen<'a>> {
        let row = row as usize;
        let output = &self.outputs[&batch.output];
        let partition_key = output.partition_key.iter().map(|binding| (binding, KeyPart::Partition));
        let clustering_key = output
            .clustering_key
            .iter()
            .map(|binding| (binding, KeyPart::Clustering));
        let mut key = Vec::new();
        for (binding, part) in partition_key.chain(clustering_key) {
            let mut bytes = Vec::new();
            put_value(binding, part, &batch.batch, row, &mut bytes)?;
            key.push((&*binding.column, bytes));
        }
        key.sort_unstable_by_key(|(column, _)| *column);
        let says = |binding: &&Binding| {
            let is_null = batch.batch.columns[binding.field].is_null(row);
            binding.role == Role::Value && (!is_null || self.nulls == Nulls::Tombstone)
        };
        let set = |binding: &'a Binding| Set {
            field: binding.field,
            column: &binding.column,
            scope: if self.table.is_static(&binding.column) {
                Scope::Partition
            } else {
                Scope::Row
            },
        };
        Some(Seen {
            effect: output.effect,
            key,
            sets: output.bindings.iter().filter(says).map(set).collect(),
            misfit: output
                .bindings
                .iter()
                .find_map(|binding| misfit(binding, &batch.batch, row)),
        })
    }

    fn partition_key(&self) -> Vec<&str> {
        self.table.partition_key.iter().map(String::as_str).collect()
    }
}

fn misfit(binding: &Binding, batch: &Batch, row: usize) -> Option<Misfit> {
    match binding.value(batch, row) {
        Ok(_) => None,
        Err(NoValue::Misfit { column, reason }) => Some(Misfit { column, reason }),
        Err(error @ NoValue::NullKey { .. }) => Some(Misfit {
            reason: error.to_string(),
            column: binding.column.clone(),
        }),
    }
}

/// Appends the same bytes for values that are one value of the key to the server, and different ones for others.
fn put_value(binding: &Binding, part: KeyPart, batch: &Batch, row: usize, bytes: &mut Vec<u8>) -> Option<()> {
    match Compared::of(&binding.column_type, part) {
        Compared::AsBound => bound_bytes(binding, batch, row, bytes)?,
        Compared::ByValue => bytes.extend(key::text(binding.value(batch, row).ok()??).into_bytes()),
    }
    Some(())
}

#[cfg(test)]
mod tests;
