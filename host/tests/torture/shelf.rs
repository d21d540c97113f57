//! The second table of the runs: a collection of every kind, rows that end, several rows of one key from one record. What
//! must be in it is computed here from the promises; what is in it is read as it is stored.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::TryStreamExt;
use scylla::value::{CqlValue, Row as CqlRow};

use crate::joiner::now_ms;
use crate::ledger::Cell;
use crate::support::cassandra;

/// The columns that are no key, in the order of [`Row`].
pub const COLUMNS: [&str; 7] = ["stamp", "tags", "sizes", "names", "froms", "deep", "note"];

/// What `CREATE TABLE` says of them.
pub const DEFINITION: &str = "(id bigint PRIMARY KEY, stamp text, tags set<text>, sizes map<text, int>, \
    names frozen<list<text>>, froms frozen<set<int>>, deep map<int, frozen<list<text>>>, note text)";

/// How long its rows live from the time of their records: to the year 2034, so that none ends while it is looked at.
pub const TTL: &str = "shelf=4000d";
const TTL_SECONDS: i64 = 4000 * 86_400;

pub type Row = [Option<Cell>; COLUMNS.len()];
pub type Table = BTreeMap<i64, Row>;

/// What one record does to the row of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Put,
    Delete,
    PutPut,
    DeletePut,
    PutDelete,
}

/// A cell and when its life ends, as the table has it.
#[derive(Debug, Clone)]
pub struct Life {
    pub cell: String,
    pub write_time: i64,
    /// Seconds since 1970.
    pub end: i64,
}

impl Deed {
    pub fn draw(choices: &mut fastrand::Rng) -> Self {
        match choices.u32(..20) {
            0..2 => Self::Delete,
            2..5 => Self::PutPut,
            5..9 => Self::DeletePut,
            9..11 => Self::PutDelete,
            _ => Self::Put,
        }
    }

    /// The word by which the plugin knows it.
    pub fn behaviour(self) -> &'static str {
        match self {
            Self::Put => "shelf put",
            Self::Delete => "shelf delete",
            Self::PutPut => "shelf put-put",
            Self::DeletePut => "shelf delete-put",
            Self::PutDelete => "shelf put-delete",
        }
    }

    /// The record's rows one after another, all with its write timestamp: the last one stands.
    pub fn settle(self, table: &mut Table, id: i64, seed: i64, write_time: i64) {
        let put = |table: &mut Table, number| {
            let row = table.entry(id).or_default();
            for (cell, given) in row.iter_mut().zip(values(seed, number)) {
                match given {
                    Given::Null => {}
                    Given::Empty => *cell = None,
                    Given::Value(value) => *cell = Some(Cell { value, write_time }),
                }
            }
        };
        match self {
            Self::Put => put(table, 0),
            Self::PutPut => (0..2).for_each(|number| put(table, number)),
            Self::DeletePut => {
                table.remove(&id);
                put(table, 0);
            }
            Self::Delete | Self::PutDelete => _ = table.remove(&id),
        }
    }
}

enum Given {
    /// The cell stays as it was.
    Null,
    /// A collection without elements is no value.
    Empty,
    Value(String),
}

/// What the plugin gives by the record's number, in its first or second row.
fn values(seed: i64, number: i64) -> [Given; COLUMNS.len()] {
    let set = |items: &[String]| Given::Value(braced(items.iter().cloned()));
    let tags = [format!("t{}", seed % 5), format!("k{number}"), format!("t{}", seed % 3)];
    [
        Given::Value(format!("{seed}-{number}")),
        if number == 1 && seed % 2 == 0 {
            Given::Null
        } else {
            set(&tags)
        },
        set(&[format!("n: {}", seed % 100), format!("k{number}: 1")]),
        Given::Value(format!("[x, n{}, x]", seed % 7)),
        set(&[(seed % 4).to_string(), (9 + number).to_string()]),
        if seed % 11 == 0 {
            Given::Empty
        } else {
            set(&[format!("{}: [d{number}, d{number}]", seed % 3)])
        },
        if (seed + number) % 3 == 0 {
            Given::Null
        } else {
            Given::Value(format!("note {seed}-{number}"))
        },
    ]
}

/// The table, and the life of each of its cells.
pub async fn read(nodes: &str, keyspace: &str) -> (Table, Vec<Life>) {
    let session = cassandra::session(nodes).await;
    let columns: Vec<_> = COLUMNS
        .iter()
        .map(|column| format!("{column}, WRITETIME({column}), TTL({column})"))
        .collect();
    let cql = format!("SELECT id, {} FROM {keyspace}.shelf", columns.join(", "));
    let pages = session.query_iter(cql, ()).await.unwrap();
    let mut rows = pages.rows_stream::<CqlRow>().unwrap();
    let (mut table, mut lives) = (Table::new(), Vec::new());
    // The driver reads no list of nulls, which is what `TTL` gives of elements without an end.
    while let Some(row) = rows.try_next().await.expect("every element of a collection has an end") {
        let mut values = row.columns.into_iter();
        let id = values.next().flatten().and_then(|id| id.as_bigint()).unwrap();
        let row = COLUMNS.map(|column| {
            let (value, time, ttl) = (
                values.next().flatten(),
                values.next().flatten(),
                values.next().flatten(),
            );
            let cell = Cell {
                value: shown(&value?),
                write_time: all_have(&time.expect("a cell has a write timestamp")),
            };
            lives.push(Life {
                cell: format!("shelf row {id} {column}"),
                write_time: cell.write_time,
                // 0 where it has no end.
                end: ttl.map_or(0, |ttl| now_ms() / 1000 + latest(&ttl)),
            });
            Some(cell)
        });
        table.insert(id, row);
    }
    (table, lives)
}

impl Life {
    /// How many seconds later it ends than it must: where a server let a request wait, a little.
    pub fn late(&self) -> i64 {
        self.end - (self.write_time.div_euclid(1_000_000) + TTL_SECONDS)
    }
}

/// The write timestamp of a cell, or of all elements of a collection.
fn all_have(value: &CqlValue) -> i64 {
    let numbers: BTreeSet<i64> = numbers(value).collect();
    assert_eq!(numbers.len(), 1, "one record has written all elements: {numbers:?}");
    latest(value)
}

/// Elements that several requests have written may end a moment apart.
fn latest(value: &CqlValue) -> i64 {
    numbers(value).max().expect("an element")
}

fn numbers(value: &CqlValue) -> impl Iterator<Item = i64> {
    let items = match value {
        CqlValue::List(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().map(|item| match item {
        CqlValue::BigInt(number) => *number,
        CqlValue::Int(number) => i64::from(*number),
        other => panic!("{other:?} is neither a write timestamp nor a TTL"),
    })
}

fn shown(value: &CqlValue) -> String {
    match value {
        CqlValue::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        CqlValue::Set(items) => braced(items.iter().map(shown)),
        CqlValue::Map(pairs) => braced(
            pairs
                .iter()
                .map(|(key, value)| format!("{}: {}", shown(key), shown(value))),
        ),
        other => cassandra::text(other.clone()),
    }
}

/// Sets and maps have an order of their own.
fn braced(items: impl Iterator<Item = String>) -> String {
    let items: BTreeSet<_> = items.collect();
    format!("{{{}}}", items.into_iter().collect::<Vec<_>>().join(", "))
}
