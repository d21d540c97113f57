//! The records of a run, drawn from the seed, and what must become of them: computed here from the promises alone, so
//! that a mistake which every run of the program makes is noticed, too.

use std::collections::BTreeMap;

use serde_json::json;

use crate::poison::{self, Poison};
use crate::shelf::{self, Deed};

/// The columns of the table that are no key, in the order of [`Row`].
pub const COLUMNS: [&str; 4] = ["behaviour", "number", "document", "note"];

/// Microseconds between the write timestamps of two records of a partition, at least.
const STEP_MICROS: i64 = 16;

/// The first records are stamped so; what is drawn must not depend on today.
const BEGIN_MS: i64 = 1_700_000_000_000;

/// What records to draw.
#[derive(Debug, Clone)]
pub struct Mix {
    pub records: usize,
    pub partitions: i32,
    /// Rows that the table can have; records over keys is how often each is written.
    pub keys: i64,
    pub poison_per_mille: u32,
    /// Records that are for the second table.
    pub shelf_per_mille: u32,
    /// Whether guests that never end are among the poison.
    pub has_endless: bool,
}

#[derive(Debug, Clone)]
pub struct Record {
    pub partition: i32,
    pub value: Option<Vec<u8>>,
    pub timestamp_ms: i64,
    pub fate: Fate,
}

/// What must become of a record.
#[derive(Debug, Clone)]
pub enum Fate {
    Row {
        id: i64,
        behaviour: String,
        number: Option<i64>,
        note: Option<String>,
    },
    Delete {
        id: i64,
    },
    /// For the second table, whose every cell follows from the number.
    Shelf {
        id: i64,
        deed: Deed,
        seed: i64,
    },
    Filtered,
    Rejected(Poison),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub value: String,
    pub write_time: i64,
}

pub type Row = [Option<Cell>; COLUMNS.len()];
pub type Table = BTreeMap<i64, Row>;

/// Partition and offset.
pub type Position = (i32, i64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub code: String,
    pub write_time: i64,
    pub value: Option<Vec<u8>>,
}

/// What must be there when everything is settled.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    pub table: Table,
    pub shelf: shelf::Table,
    /// How many seconds later than it must a row of `shelf` may end: as long as a server may let a request wait.
    pub late_s: i64,
    pub letters: BTreeMap<Position, Letter>,
}

/// Draws the records, in the order in which they are produced.
pub fn draw(mix: &Mix, choices: &mut fastrand::Rng) -> Vec<Record> {
    let mut clocks = vec![BEGIN_MS; usize::try_from(mix.partitions).unwrap()];
    let mut records = Vec::with_capacity(mix.records);
    let mut due: Vec<Poison> = poison::every().collect();
    while records.len() < mix.records {
        let id = choices.i64(0..mix.keys);
        let partition = i32::try_from(id % i64::from(mix.partitions)).unwrap();
        let clock = &mut clocks[usize::try_from(partition).unwrap()];
        *clock += [0, 0, 0, 1, 1, 2, 7, 500][choices.usize(..8)];
        // One in twenty is stamped before its predecessors.
        let timestamp_ms = *clock
            - if choices.u32(..20) == 0 {
                choices.i64(0..5000)
            } else {
                0
            };
        let record = |fate: Fate| Record {
            partition,
            value: value(&fate, id),
            timestamp_ms: match &fate {
                Fate::Rejected(poison) => poison.timestamp_ms().unwrap_or(timestamp_ms),
                _ => timestamp_ms,
            },
            fate,
        };
        if choices.u32(..1000) < mix.poison_per_mille {
            // Each kind comes first once, so that no run is without one.
            let poison = due.pop().unwrap_or_else(|| poison::draw(choices));
            if mix.has_endless || !poison.is_endless() {
                records.push(record(Fate::Rejected(poison)));
            }
            continue;
        }
        if choices.u32(..1000) < mix.shelf_per_mille {
            let (deed, seed) = (Deed::draw(choices), choices.i64(0..1_000_000));
            records.push(record(Fate::Shelf { id, deed, seed }));
            continue;
        }
        match choices.u32(..100) {
            0..2 => records.push(record(Fate::Filtered)),
            2..6 => records.push(record(Fate::Delete { id })),
            // One row within one millisecond: written, deleted, written; written twice.
            6..9 => {
                records.push(record(row(id, choices)));
                records.push(record(Fate::Delete { id }));
                records.push(record(row(id, choices)));
            }
            9..13 => {
                records.push(record(row(id, choices)));
                records.push(record(row(id, choices)));
            }
            _ => records.push(record(row(id, choices))),
        }
    }
    records.truncate(mix.records);
    records
}

fn row(id: i64, choices: &mut fastrand::Rng) -> Fate {
    let behaviour = match choices.u32(..2000) {
        0 => "log-flood".to_owned(),
        1 => "log-long".to_owned(),
        2..12 => "two-rows".to_owned(),
        number => format!("good {number}"),
    };
    Fate::Row {
        id,
        behaviour,
        number: (choices.u32(..3) > 0).then(|| choices.i64(0..1_000_000)),
        note: (choices.u32(..5) > 1).then(|| format!("note {}", choices.u32(..))),
    }
}

fn value(fate: &Fate, id: i64) -> Option<Vec<u8>> {
    let text = match fate {
        Fate::Row {
            id,
            behaviour,
            number,
            note,
        } => json!({"id": id, "behaviour": behaviour, "number": number, "note": note}),
        Fate::Delete { id } => json!({"id": id, "behaviour": "delete"}),
        Fate::Shelf { id, deed, seed } => json!({"id": id, "behaviour": deed.behaviour(), "number": seed}),
        Fate::Filtered => json!({"id": id, "behaviour": "filter"}),
        Fate::Rejected(poison) => return poison.value(id),
    };
    Some(text.to_string().into_bytes())
}

/// What these records, produced in this order from offset 0 on, must come to.
pub fn expected(records: &[Record]) -> Expected {
    let mut expected = Expected {
        late_s: 10,
        ..Expected::default()
    };
    // Of each partition: the next offset, and the base of the last record.
    let mut ends: BTreeMap<i32, (i64, Option<i64>)> = BTreeMap::new();
    for record in records {
        let (next, base) = ends.entry(record.partition).or_default();
        let offset = *next;
        *next += 1;
        let is_future = matches!(record.fate, Fate::Rejected(poison) if poison.timestamp_ms().is_some());
        let stamped = if is_future { 0 } else { record.timestamp_ms * 1000 };
        let write_time = base.map_or(0, |base| base + STEP_MICROS).max(stamped);
        *base = Some(write_time);
        settle(&mut expected, record, (record.partition, offset), write_time);
    }
    expected
}

/// Write timestamps rise with the offset, and all records of a key are in one partition: the later one wins, cell by
/// cell, and a null leaves its cell as it was.
fn settle(expected: &mut Expected, record: &Record, position: Position, write_time: i64) {
    match &record.fate {
        Fate::Row {
            id,
            behaviour,
            number,
            note,
        } => {
            let row = expected.table.entry(*id).or_default();
            let document = format!("{{\"offset\":{}}}", position.1);
            let values = [
                Some(behaviour.clone()),
                number.map(|number| number.to_string()),
                Some(document),
                note.clone(),
            ];
            for (cell, value) in row.iter_mut().zip(values) {
                if let Some(value) = value {
                    *cell = Some(Cell { value, write_time });
                }
            }
        }
        Fate::Delete { id } => {
            expected.table.remove(id);
        }
        Fate::Shelf { id, deed, seed } => deed.settle(&mut expected.shelf, *id, *seed, write_time),
        Fate::Filtered => {}
        Fate::Rejected(poison) => {
            let letter = Letter {
                code: poison.code.to_owned(),
                write_time,
                value: record.value.clone(),
            };
            expected.letters.insert(position, letter);
        }
    }
}

#[test]
fn the_share_of_poison_is_as_asked_and_every_kind_comes() {
    let mix = Mix {
        records: 20_000,
        partitions: 6,
        keys: 5000,
        poison_per_mille: 50,
        shelf_per_mille: 50,
        has_endless: true,
    };
    let records = draw(&mix, &mut fastrand::Rng::with_seed(1));
    let poison: Vec<_> = records
        .iter()
        .filter_map(|record| match record.fate {
            Fate::Rejected(poison) => Some(poison.code),
            _ => None,
        })
        .collect();
    assert!(
        (700..1200).contains(&poison.len()),
        "{} of {}",
        poison.len(),
        records.len()
    );
    for kind in poison::every() {
        assert!(poison.contains(&kind.code), "{}", kind.code);
    }
}
