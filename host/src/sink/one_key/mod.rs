//! Rows that one record gives for one key of a table: what is written of them is what the last of them leaves, as if they
//! had been applied one after another in the plugin's order.
//!
//! All rows of a record have one write timestamp, and at one timestamp a store does not keep their order: a delete wins over
//! a write, and of two values the greater one stands. So no two rows of a record say anything about one cell:
//!
//! 1. A row that a later row deletes is not written.
//! 2. A value that a later row replaces is left out of its row. A null that says nothing replaces nothing.
//! 3. A delete that a later row follows is written one microsecond earlier. That is below everything of this record, and not
//!    below anything of the record before it, which is 16 microseconds away and has 15 generations
//!    (`pipeline/commit/write_time.rs`). If the two tie, the delete wins, and the delete is the later one.
//! 4. Rows of one key are written together or not at all. If one does not fit the table, its record is rejected; otherwise a
//!    delete alone would take away what the rejected row replaces.
//!
//! Then it makes no difference in which order the rows arrive, nor how often.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Misfit, SinkError, WriteBatch};
use crate::record::descriptor::Effect;
use crate::record::position::WriteTime;

/// The parts that are written of a row that shares its key with other rows of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Nothing: later rows delete it, or replace all that it says.
    Nothing,
    /// Everything except these fields (indices into those of the output), which later rows set.
    Without(Vec<usize>),
    /// The delete, one microsecond earlier: a later row writes the row again.
    Earlier,
    /// Nothing: this row, or another one of the key, does not fit the table.
    Refused(Misfit),
}

/// The parts by row. Rows that are not in it are written as they are; nearly always that is all of them.
pub type Parts = BTreeMap<u32, Part>;

/// A row of one of several writes. Rows of one record are ordered as the plugin gave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowAt {
    pub write: usize,
    pub row: u32,
}

/// A row as its table sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<'a> {
    pub effect: Effect,
    /// Columns of the primary key with their values, by name: all of them where the row is written.
    pub key: Vec<(&'a str, Vec<u8>)>,
    /// The row's statement about other columns; nothing if it deletes.
    pub sets: Vec<Set<'a>>,
    pub misfit: Option<Misfit>,
}

/// A value for a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set<'a> {
    /// Index into the fields of the output.
    pub field: usize,
    pub column: &'a str,
    pub scope: Scope,
}

/// Which rows share the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Row,
    /// The column is static: all rows of a partition key share its value, and deleting one of them leaves it.
    Partition,
}

/// A table, as the sink that writes it knows it.
pub trait Table {
    /// Appends what rows must have in common to say something about the same cells; false where the row has no such
    /// key, so that it is refused by itself.
    fn put_group(&self, batch: &WriteBatch, row: u32, bytes: &mut Vec<u8>) -> bool;

    /// `None` where the row has no key.
    fn see<'a>(&'a self, batch: &'a WriteBatch, row: u32) -> Option<Seen<'a>>;

    /// The columns of the partition key, by name.
    fn partition_key(&self) -> Vec<&str>;
}

impl Part {
    /// The error of a row that is refused with the others of its key.
    pub fn refusal(&self) -> Option<SinkError> {
        match self {
            Self::Refused(misfit) => Some(misfit.clone().into()),
            Self::Nothing | Self::Without(_) | Self::Earlier => None,
        }
    }
}

/// The write timestamp of a delete that a later row of its record follows. `None` where nothing can be older: the
/// delete is left out then, since Cassandra does not store a deletion with a negative timestamp.
pub fn earlier(time: WriteTime) -> Option<WriteTime> {
    time.0.checked_sub(1).filter(|time| *time >= 0).map(WriteTime)
}

/// Notes in the writes of one table, which `of_table` names, what is written of the rows that share a key with other
/// rows of their record.
pub fn arrange(writes: &mut [WriteBatch], of_table: &[usize], table: &impl Table) {
    let rows = of_crowded_records(writes, of_table);
    if rows.is_empty() {
        return;
    }
    let mut decided = Vec::new();
    for group in groups(writes, &rows, table) {
        let seen = group.iter().map(|at| {
            let seen = table.see(&writes[at.write], at.row);
            seen.map(|seen| (*at, seen))
        });
        let seen: Vec<_> = seen.flatten().collect();
        decided.extend(parts(&seen, &table.partition_key()));
    }
    for (at, part) in decided {
        writes[at.write].parts.insert(at.row, part);
    }
}

/// The rows of records that give the table several, by record and in their order. Where each record gives one at most,
/// this costs a look at each row.
fn of_crowded_records(writes: &[WriteBatch], of_table: &[usize]) -> Vec<RowAt> {
    let is_rising = |write: &usize| writes[*write].source.is_sorted_by(|one, next| one < next);
    if of_table.len() < 2 && of_table.iter().all(is_rising) {
        return Vec::new();
    }
    let sources = of_table.iter().flat_map(|write| &writes[*write].source);
    let records = sources.max().map_or(0, |last| *last as usize + 1);
    let mut counts = vec![0_u8; records];
    for write in of_table {
        for record in &writes[*write].source {
            let count = &mut counts[*record as usize];
            *count = count.saturating_add(1);
        }
    }
    let mut rows = Vec::new();
    for &write in of_table {
        let of_write = (0..).zip(&writes[write].source);
        let crowded = of_write.filter(|(_, record)| counts[**record as usize] > 1);
        rows.extend(crowded.map(|(row, record)| (*record, RowAt { write, row })));
    }
    rows.sort_unstable();
    rows.into_iter().map(|(_, at)| at).collect()
}

/// Rows of one record that may say something about the same cells, in their order; only where there are several.
fn groups(writes: &[WriteBatch], rows: &[RowAt], table: &impl Table) -> Vec<Vec<RowAt>> {
    let mut bytes = Vec::new();
    let mut keyed = Vec::with_capacity(rows.len());
    for at in rows {
        let begin = bytes.len();
        let batch = &writes[at.write];
        if table.put_group(batch, at.row, &mut bytes) {
            keyed.push((batch.source[at.row as usize], begin..bytes.len(), *at));
        }
    }
    keyed.sort_by(|(record, key, at), (other_record, other_key, other_at)| {
        let of_key = bytes[key.clone()].cmp(&bytes[other_key.clone()]);
        record.cmp(other_record).then(of_key).then(at.cmp(other_at))
    });
    let groups = keyed.chunk_by(|(record, key, _), (other_record, other_key, _)| {
        record == other_record && bytes[key.clone()] == bytes[other_key.clone()]
    });
    groups
        .filter(|group| group.len() > 1)
        .map(|group| group.iter().map(|(.., at)| *at).collect())
        .collect()
}

/// Values of some columns.
type Key<'a> = Vec<&'a [u8]>;

/// The effect of later rows, while rows are looked at from the last to the first.
struct Later<'a> {
    /// The sets of columns that rows are deleted by.
    delete_by: BTreeSet<Vec<&'a str>>,
    deleted: HashSet<(Vec<&'a str>, Key<'a>)>,
    /// Rows that are written, by what they may be deleted by.
    written: HashSet<(Vec<&'a str>, Key<'a>)>,
    /// The columns that are set, by the values of the primary key or of the partition key.
    set: HashMap<Key<'a>, HashSet<&'a str>>,
}

/// What is written of each of these rows of one record, which are given in their order; of the others everything is.
pub fn parts<'a>(rows: &'a [(RowAt, Seen<'a>)], partition_key: &[&str]) -> Vec<(RowAt, Part)> {
    let mut refused: HashMap<Key<'_>, &Misfit> = HashMap::new();
    for (_, seen) in rows {
        if let Some(misfit) = &seen.misfit {
            refused.entry(seen.whole_key()).or_insert(misfit);
        }
    }
    let deletes = rows.iter().filter(|(_, seen)| seen.effect == Effect::Delete);
    let mut later = Later {
        delete_by: deletes.map(|(_, seen)| seen.key_columns()).collect(),
        deleted: HashSet::new(),
        written: HashSet::new(),
        set: HashMap::new(),
    };
    let mut parts = Vec::new();
    for (at, seen) in rows.iter().rev() {
        let part = match refused.get(&seen.whole_key()) {
            Some(misfit) => Some(Part::Refused((*misfit).clone())),
            None => match seen.effect {
                Effect::Delete => later.delete(seen),
                Effect::Upsert => later.write(seen, partition_key),
            },
        };
        parts.extend(part.map(|part| (*at, part)));
    }
    parts
}

impl<'a> Later<'a> {
    fn delete(&mut self, row: &'a Seen<'a>) -> Option<Part> {
        let key = (row.key_columns(), row.whole_key());
        let is_written_again = self.written.contains(&key);
        if !self.deleted.insert(key) {
            return Some(Part::Nothing);
        }
        is_written_again.then_some(Part::Earlier)
    }

    fn write(&mut self, row: &'a Seen<'a>, partition_key: &[&str]) -> Option<Part> {
        let by: Vec<_> = self
            .delete_by
            .iter()
            .map(|columns| (columns.clone(), row.key_of(columns)))
            .collect();
        let is_deleted = by.iter().any(|key| self.deleted.contains(key));
        if !is_deleted {
            self.written.extend(by);
        }
        let mut without = Vec::new();
        let mut is_replaced = false;
        for set in &row.sets {
            let key = match set.scope {
                Scope::Row => row.whole_key(),
                Scope::Partition => row.key_of(partition_key),
            };
            let is_gone = is_deleted && set.scope == Scope::Row;
            if is_gone || !self.set.entry(key).or_default().insert(set.column) {
                without.push(set.field);
                is_replaced |= set.scope == Scope::Row;
            }
        }
        // What stays of a deleted row is static. A row that loses nothing but static values is still a row.
        let says_nothing = without.len() == row.sets.len() && (is_deleted || is_replaced);
        match (says_nothing, without.is_empty()) {
            (true, _) => Some(Part::Nothing),
            (false, true) => None,
            (false, false) => Some(Part::Without(without)),
        }
    }
}

impl<'a> Seen<'a> {
    fn key_columns(&self) -> Vec<&'a str> {
        self.key.iter().map(|(column, _)| *column).collect()
    }

    fn whole_key(&self) -> Key<'_> {
        self.key.iter().map(|(_, value)| &**value).collect()
    }

    /// The values of these columns, of which it has all.
    fn key_of(&self, columns: &[&str]) -> Key<'_> {
        let part = self.key.iter().filter(|(column, _)| columns.contains(column));
        part.map(|(_, value)| &**value).collect()
    }
}

#[cfg(test)]
mod tests;
