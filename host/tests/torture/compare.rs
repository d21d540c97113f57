//! The comparison that ends every run: the whole table, each cell with its write timestamp, and all dead letters.

use std::collections::BTreeMap;
use std::fmt;

use futures::stream::TryStreamExt;
use scylla::value::{CqlValue, Row as CqlRow};

use crate::ledger::{COLUMNS, Cell, Expected, Letter, Position, Row, Table};
use crate::shelf;
use crate::stage::{Reading, Stage};
use crate::support::{cassandra, kafka};

/// Examples of one kind that are shown.
const SHOWN: usize = 5;

/// What a run has left behind.
#[derive(Debug, Default)]
pub struct Found {
    pub table: Table,
    pub shelf: shelf::Table,
    /// Of each cell of `shelf`.
    pub lives: Vec<shelf::Life>,
    pub letters: BTreeMap<Position, Letter>,
    /// Letters that were published more than once: when each copy was appended, in ms since the epoch.
    pub doubled: BTreeMap<Position, Vec<i64>>,
    /// Letters whose copies differ.
    pub unsteady: Vec<Position>,
}

/// How a run's end differs from what it must be. Everything empty: not at all.
#[derive(Debug, Default)]
pub struct Differences {
    pub lost_rows: Vec<String>,
    pub strange_rows: Vec<String>,
    pub wrong_cells: Vec<String>,
    pub wrong_write_times: Vec<String>,
    pub wrong_ends: Vec<String>,
    pub lost_letters: Vec<String>,
    pub strange_letters: Vec<String>,
    pub wrong_letters: Vec<String>,
}

/// Reads table and dead letters of a reading.
pub fn find(stage: &Stage, reading: &Reading) -> Found {
    let (nodes, keyspace) = (&stage.servers.cassandra, &reading.keyspace);
    let (shelf, lives) = stage.runtime.block_on(shelf::read(nodes, keyspace));
    let mut found = Found {
        table: stage.runtime.block_on(table(nodes, keyspace)),
        shelf,
        lives,
        ..Found::default()
    };
    let mut appended: BTreeMap<Position, Vec<i64>> = BTreeMap::new();
    for seen in kafka::read_all(&stage.servers.kafka, &reading.letters) {
        let header = |name: &str| seen.header(name).unwrap_or_else(|| panic!("a dead letter has {name}"));
        let number = |name: &str| header(name).parse::<i64>().unwrap();
        assert_eq!(header("__connect.errors.topic"), stage.topic);
        let position = (
            i32::try_from(number("__connect.errors.partition")).unwrap(),
            number("__connect.errors.offset"),
        );
        let letter = Letter {
            code: header("host.code"),
            write_time: number("host.write-timestamp"),
            value: seen.value.clone(),
        };
        appended
            .entry(position)
            .or_default()
            .push(seen.timestamp_ms.unwrap_or(0));
        let earlier = found.letters.insert(position, letter.clone());
        if earlier.is_some_and(|earlier| earlier != letter) {
            found.unsteady.push(position);
        }
    }
    appended.retain(|_, copies| copies.len() > 1);
    found.doubled = appended;
    found
}

async fn table(nodes: &str, keyspace: &str) -> Table {
    let session = cassandra::session(nodes).await;
    let columns: Vec<_> = COLUMNS
        .iter()
        .map(|column| format!("{column}, WRITETIME({column})"))
        .collect();
    let cql = format!("SELECT id, {} FROM {keyspace}.ledger", columns.join(", "));
    let pages = session.query_iter(cql, ()).await.unwrap();
    let rows: Vec<CqlRow> = pages.rows_stream::<CqlRow>().unwrap().try_collect().await.unwrap();
    rows.into_iter().map(row).collect()
}

fn row(row: CqlRow) -> (i64, Row) {
    let mut values = row.columns.into_iter();
    let mut next = || values.next().unwrap();
    let id = next().and_then(|id| id.as_bigint()).unwrap();
    let cells = COLUMNS.map(|_| {
        let (value, write_time) = (next(), next());
        value.map(|value| Cell {
            value: cassandra::text(value),
            write_time: write_time.as_ref().and_then(CqlValue::as_bigint).unwrap(),
        })
    });
    (id, cells)
}

/// All differences between what must be and what is.
pub fn differences(expected: &Expected, found: &Found) -> Differences {
    let mut differences = Differences::default();
    differences.compare_rows("row", &COLUMNS, &expected.table, &found.table);
    differences.compare_rows("shelf row", &shelf::COLUMNS, &expected.shelf, &found.shelf);
    // A second may end between two looks at the clock.
    let ends_well = |life: &&shelf::Life| !(-2..=expected.late_s).contains(&life.late());
    let wrong = found.lives.iter().filter(ends_well);
    let text = |life: &shelf::Life| format!("{}: {} s later than it must", life.cell, life.late());
    differences.wrong_ends.extend(wrong.map(text));
    for (position, letter) in &expected.letters {
        let place = place(*position);
        match found.letters.get(position) {
            None => differences.lost_letters.push(format!("{place}, {}", letter.code)),
            Some(found) if found.code != letter.code => {
                let text = format!("{place} is {}, must be {}", found.code, letter.code);
                differences.wrong_letters.push(text);
            }
            Some(found) if found.value != letter.value => {
                differences
                    .wrong_letters
                    .push(format!("{place} is not its record byte for byte"));
            }
            Some(found) if found.write_time != letter.write_time => {
                let text = format!("letter of {place}: {} must be {}", found.write_time, letter.write_time);
                differences.wrong_write_times.push(text);
            }
            Some(_) => {}
        }
    }
    let unsteady = found
        .unsteady
        .iter()
        .map(|position| format!("{} was published twice, differently", place(*position)));
    differences.wrong_letters.extend(unsteady);
    let strange = found
        .letters
        .iter()
        .filter(|(position, _)| !expected.letters.contains_key(position));
    let text = |(position, letter): (&Position, &Letter)| format!("{}, {}", place(*position), letter.code);
    differences.strange_letters.extend(strange.map(text));
    differences
}

fn place((partition, offset): Position) -> String {
    format!("partition {partition} offset {offset}")
}

impl Differences {
    fn compare_rows<const N: usize>(
        &mut self,
        what: &str,
        columns: &[&str; N],
        expected: &BTreeMap<i64, [Option<Cell>; N]>,
        found: &BTreeMap<i64, [Option<Cell>; N]>,
    ) {
        for (id, expected) in expected {
            match found.get(id) {
                None => self.lost_rows.push(format!("{what} {id}")),
                Some(found) => self.compare_row(&format!("{what} {id}"), columns, expected, found),
            }
        }
        let strange = found.keys().filter(|id| !expected.contains_key(id));
        self.strange_rows.extend(strange.map(|id| format!("{what} {id}")));
    }

    fn compare_row(&mut self, row: &str, columns: &[&str], expected: &[Option<Cell>], found: &[Option<Cell>]) {
        for (column, (expected, found)) in columns.iter().zip(expected.iter().zip(found)) {
            let value = |cell: &Option<Cell>| cell.as_ref().map(|cell| cell.value.clone());
            if value(expected) != value(found) {
                self.wrong_cells.push(format!(
                    "{row} {column}: {:?} must be {:?}",
                    value(found),
                    value(expected)
                ));
            } else if expected != found {
                let time = |cell: &Option<Cell>| cell.as_ref().map(|cell| cell.write_time);
                self.wrong_write_times.push(format!(
                    "{row} {column}: {:?} must be {:?}",
                    time(found),
                    time(expected)
                ));
            }
        }
    }

    fn kinds(&self) -> [(&'static str, &Vec<String>); 8] {
        [
            ("rows lost", &self.lost_rows),
            ("rows that must not be there", &self.strange_rows),
            ("wrong cells", &self.wrong_cells),
            ("wrong write timestamps", &self.wrong_write_times),
            ("rows that end at another time", &self.wrong_ends),
            ("dead letters lost", &self.lost_letters),
            ("dead letters of good records", &self.strange_letters),
            ("wrong dead letters", &self.wrong_letters),
        ]
    }

    pub fn is_none(&self) -> bool {
        self.kinds().iter().all(|(_, examples)| examples.is_empty())
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, examples) in self.kinds() {
            writeln!(f, "{:>7} {kind}", examples.len())?;
            for example in examples.iter().take(SHOWN) {
                writeln!(f, "          {example}")?;
            }
        }
        Ok(())
    }
}
