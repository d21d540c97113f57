//! What each primary key's row must be once all of a file's records have gone through, as a store would show it: a
//! later row replaces the values of an earlier one with the same key, its nulls as the store takes them, and a delete
//! takes the row away. The same holds among the rows of one record, in the plugin's order.

use std::collections::HashMap;
use std::sync::Arc;

use crate::record::descriptor::{Descriptor, Effect, Field, Output, Rows, Target};
use crate::sink::read_back::{Image, NullEffect, ReadBack, RowRef};

/// Cells of a row, one for each field of an output.
pub type Cells = Vec<Option<String>>;

/// The last state of one output's row with one primary key.
#[derive(Debug)]
pub struct Fate {
    pub output: usize,
    /// A row with the primary key, to read it by.
    pub row: RowRef,
    /// The key as the store shows it.
    pub key: String,
    pub end: End,
}

/// What a store must hold for a key in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Row(Cells),
    NoRow,
    /// Another output of the same table wrote the row last, and the fate of that output has its values.
    Overtaken,
}

/// Collects the rows of a file's records, and keeps the last state of each key.
pub struct Expected<'a> {
    store: &'a dyn ReadBack,
    outputs: &'a [Output],
    /// The keys, in the order in which they first came.
    fates: Vec<Fate>,
    /// Index into `fates`, for each output by the key as the store shows it.
    by_key: Vec<HashMap<String, usize>>,
}

impl<'a> Expected<'a> {
    /// Begins without any row. `store` tells the keys of rows, and how it shows their values.
    pub fn new(store: &'a dyn ReadBack, descriptor: &'a Descriptor) -> Self {
        Self {
            store,
            outputs: &descriptor.outputs,
            fates: Vec::new(),
            by_key: vec![HashMap::new(); descriptor.outputs.len()],
        }
    }

    /// Adds the rows of one batch of records. Returns how many of them the store refuses.
    pub fn add(&mut self, rows: Vec<Rows>) -> u64 {
        let mut refused = 0;
        for of_record in in_order(rows).chunk_by(|(one, ..), (other, ..)| one == other) {
            let mut fitting = Vec::new();
            // Rows of one record and key are written together or not at all.
            let mut left_out = Vec::new();
            for (_, output, row) in of_record {
                if let Ok(image) = self.store.image(*output, row) {
                    fitting.push((*output, row.clone(), image));
                } else {
                    refused += 1;
                    let key = self.store.key(*output, row);
                    left_out.extend(key.ok().map(|key| (*output, key)));
                }
            }
            let is_left_out = |output, image: &Image| {
                let of_key = |(other, key): &(usize, String)| self.is_same_place(*other, output) && *key == image.key;
                left_out.iter().any(of_key)
            };
            fitting.retain(|(output, _, image)| !is_left_out(*output, image));
            for (output, row, image) in fitting {
                self.take(output, row, image);
            }
        }
        refused
    }

    /// Whether two outputs go to one table, whose name CQL and SQL fold.
    fn is_same_place(&self, one: usize, other: usize) -> bool {
        match (&self.outputs[one].target, &self.outputs[other].target) {
            (Target::Table(one), Target::Table(other)) => one.eq_ignore_ascii_case(other),
            (one, other) => one == other,
        }
    }

    /// Returns one fate for each output and key, without those that another output wrote last.
    pub fn into_fates(self) -> Vec<Fate> {
        let mut fates = self.fates;
        fates.retain(|fate| fate.end != End::Overtaken);
        fates
    }

    fn take(&mut self, output: usize, row: RowRef, image: Image) {
        for other in 0..self.outputs.len() {
            if other != output && self.is_same_place(other, output) {
                self.tell(other, output, &image);
            }
        }
        let Image { key, cells } = image;
        let known = self.by_key[output].get(&key).copied();
        let end = match self.outputs[output].effect {
            Effect::Delete => End::NoRow,
            Effect::Upsert => match known.map(|index| &self.fates[index].end) {
                Some(End::Row(old)) => End::Row(merged(old, cells, self.store.null_effect())),
                _ => End::Row(merged(&self.of_others(output, &key), cells, self.store.null_effect())),
            },
        };
        if let Some(index) = known {
            self.fates[index].end = end;
        } else {
            self.by_key[output].insert(key.clone(), self.fates.len());
            self.fates.push(Fate { output, row, key, end });
        }
    }

    /// The values that other outputs of its table give for the fields of this one.
    fn of_others(&self, output: usize, key: &str) -> Cells {
        let others = (0..self.outputs.len()).filter(|other| *other != output && self.is_same_place(*other, output));
        let rows: Vec<_> = others
            .filter_map(|other| match &self.fates[*self.by_key[other].get(key)?].end {
                End::Row(cells) => Some((&self.outputs[other].fields, cells)),
                End::NoRow | End::Overtaken => None,
            })
            .collect();
        let fields = self.outputs[output].fields.iter();
        let value = |field: &Field| {
            rows.iter().find_map(|(fields, cells)| {
                let place = fields
                    .iter()
                    .position(|other| other.name.eq_ignore_ascii_case(&field.name));
                cells[place?].clone()
            })
        };
        fields.map(value).collect()
    }

    /// Applies what `output` did to a row of their table to the row's fate in `other`.
    fn tell(&mut self, other: usize, output: usize, image: &Image) {
        let Some(fate) = self.by_key[other].get(&image.key).map(|index| &mut self.fates[*index]) else {
            return;
        };
        let (mine, theirs) = (&self.outputs[output], &self.outputs[other]);
        match (&fate.end, mine.effect) {
            (End::Row(old), Effect::Upsert) => {
                let nulls = self.store.null_effect();
                let cells = theirs.fields.iter().zip(old).map(|(field, old)| {
                    let shared = mine
                        .fields
                        .iter()
                        .position(|mine| mine.name.eq_ignore_ascii_case(&field.name));
                    shared.map_or_else(
                        || old.clone(),
                        |index| cell(old.as_ref(), image.cells[index].clone(), nulls),
                    )
                });
                fate.end = End::Row(cells.collect());
            }
            (_, Effect::Delete) | (End::NoRow | End::Overtaken, Effect::Upsert) => fate.end = End::Overtaken,
        }
    }
}

/// Rows of one batch in the order of their records, and of one record in the plugin's: record, output and row.
fn in_order(rows: Vec<Rows>) -> Vec<(u32, usize, RowRef)> {
    let mut ordered = Vec::new();
    for Rows { output, source, batch } in rows {
        let batch = Arc::new(batch);
        for (row, source) in source.into_iter().enumerate() {
            let batch = Arc::clone(&batch);
            ordered.push((source, output, RowRef { batch, row }));
        }
    }
    ordered.sort_by_key(|(record, ..)| *record);
    ordered
}

fn merged(old: &Cells, new: Cells, nulls: NullEffect) -> Cells {
    old.iter()
        .zip(new)
        .map(|(old, new)| cell(old.as_ref(), new, nulls))
        .collect()
}

fn cell(old: Option<&String>, new: Option<String>, nulls: NullEffect) -> Option<String> {
    match nulls {
        NullEffect::LeavesOld => new.or_else(|| old.cloned()),
        NullEffect::Erases => new,
    }
}
