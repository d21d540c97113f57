//! Part of `configure=ledger`: rows with a collection of every kind, and several rows of one key from one record.
//!
//! A record with the word `shelf` and an action (`shelf put`) gives rows to the table `shelf` only. Their cells follow
//! from the record's number and from the row's place among the record's rows.

use transform_sdk::bindings::exports::host::transform::transformer::{Batch, Effect, Outcome, Output, Rows, Target};
use transform_sdk::bindings::host::transform::columns::{Column, DataType, Field};
use transform_sdk::{Json, builder};

use crate::ledger::{INPUTS, id_column};
use crate::{describe, numbers};

/// The numbers of these outputs among those of the mode.
const PUTS: u32 = 2;
const GONE: u32 = 3;

/// The columns beside the key: a text, then collections, then a text.
const COLUMNS: [(&str, DataType); 7] = [
    ("stamp", DataType::Text),
    ("tags", DataType::Json),
    ("sizes", DataType::Json),
    ("names", DataType::Json),
    ("froms", DataType::Json),
    ("deep", DataType::Json),
    ("note", DataType::Text),
];

pub fn outputs(id: &Field) -> [Output; 2] {
    let table = |name: &str, effect, fields| Output {
        name: name.to_owned(),
        target: Target::Table("shelf".to_owned()),
        effect,
        fields,
    };
    let columns = COLUMNS.map(|(name, data_type)| describe::field(name, data_type));
    let all = std::iter::once(id.clone()).chain(columns).collect();
    [
        table("shelf", Effect::Upsert, all),
        table("shelf-gone", Effect::Delete, vec![id.clone()]),
    ]
}

/// Whether the record is for this table.
pub fn takes(input: &Batch, behaviour: &str) -> bool {
    input.columns.len() == INPUTS && behaviour.starts_with("shelf ")
}

/// Adds the rows, so that those of one record are in order: first deletes, then puts, then deletes after a put.
pub fn complete(outcome: &mut Outcome, input: &Batch, behaviours: &[String]) {
    let (ids, seeds) = (numbers(input, 2), numbers(input, 1));
    let rows_of = |words: &[&str]| -> Vec<u32> {
        let rows = (0..)
            .zip(behaviours)
            .filter(|(_, behaviour)| words.contains(&behaviour.as_str()));
        rows.map(|(row, _)| row).collect()
    };
    let deletes = |source: Vec<u32>| Rows {
        output: GONE,
        columns: vec![id_column(&ids, &source)],
        source,
    };
    let puts = |number: i64, source: Vec<u32>| {
        let seeds = source
            .iter()
            .map(|&row| seeds[row as usize].unwrap_or(0))
            .collect::<Vec<_>>();
        let mut columns = vec![id_column(&ids, &source)];
        columns.extend((0..COLUMNS.len()).map(|column| values(column, number, &seeds)));
        Rows {
            output: PUTS,
            source,
            columns,
        }
    };
    let all = [
        deletes(rows_of(&["shelf delete-put"])),
        puts(
            0,
            rows_of(&["shelf put", "shelf put-put", "shelf put-delete", "shelf delete-put"]),
        ),
        puts(1, rows_of(&["shelf put-put"])),
        deletes(rows_of(&["shelf put-delete", "shelf delete"])),
    ];
    outcome
        .rows
        .extend(all.into_iter().filter(|rows| !rows.source.is_empty()));
}

/// One column of the rows that are the first (0) or the second (1) of their records.
fn values(column: usize, number: i64, seeds: &[i64]) -> Column {
    let texts = seeds.iter().map(|&seed| value(column, number, seed));
    match COLUMNS[column].1 {
        DataType::Json => builder::column(texts.map(|text| text.map(Json::from))),
        _ => builder::column(texts),
    }
}

fn value(column: usize, number: i64, seed: i64) -> Option<String> {
    match COLUMNS[column].0 {
        "stamp" => Some(format!("{seed}-{number}")),
        "tags" => (number == 0 || seed % 2 == 1).then(|| format!(r#"["t{}", "k{number}", "t{}"]"#, seed % 5, seed % 3)),
        "sizes" => Some(format!(r#"{{"n": {}, "k{number}": 1}}"#, seed % 100)),
        "names" => Some(format!(r#"["x", "n{}", "x"]"#, seed % 7)),
        "froms" => Some(format!("[{}, {}]", seed % 4, 9 + number)),
        "deep" if seed % 11 == 0 => Some("{}".to_owned()),
        "deep" => Some(format!(r#"{{"{}": ["d{number}", "d{number}"]}}"#, seed % 3)),
        _ => ((seed + number) % 3 != 0).then(|| format!("note {seed}-{number}")),
    }
}
