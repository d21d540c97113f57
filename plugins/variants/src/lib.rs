//! One component from which tests make many plugins. Its name and behaviour are in [`VARIANT`], 64 bytes of its file
//! that a test overwrites. So a test makes a new plugin without a compiler.
//!
//! The bytes are `variant:NAME` and, after a blank, the behaviour: nothing special, or one of
//!
//! - `reject=N`: rejects records whose id modulo 100 is less than N, with the code `too-fussy`,
//! - `trap`: panics on records whose id modulo 50 is 7; `break=N`: panics on every record whose id is N or more,
//! - `loop=N`: never returns from a record whose id is N or more,
//! - `slow`: takes a thousand times as long,
//! - `no-key`: gives no id; `rename`: gives a column another name; `wants`: takes a field that records do not have,
//! - `refuse`: does not accept its settings,
//! - `emits`: also gives rows to the topic that the setting `topic` names, see [`emits`],
//! - `scripts`: gives the rows that each record asks for, in the record's order, see [`scripts`].
//!
//! A row says which variant made it and where its record was. It names the variant twice, the second time mirrored. Of
//! two rows written with one write timestamp, Cassandra keeps the greater value of each cell, and the two cells then
//! name different variants.

mod emits;
mod scripts;

use std::hint::black_box;

use transform_sdk::bindings::exports::host::transform::transformer::{
    Batch, Descriptor, Effect, Guest, Input, Origin, Outcome, Output, Reject, Rows, Target,
};
use transform_sdk::bindings::host::transform::columns::{DataType, Field};
use transform_sdk::builder::column;
use transform_sdk::view::{InputField, values};

static VARIANT: [u8; 64] = *b"variant:one                                                     ";

struct Variants;

impl Guest for Variants {
    fn configure(settings: Vec<(String, String)>) -> Result<Descriptor, String> {
        transform_sdk::log::panics();
        let (name, what) = variant();
        if what == "scripts" {
            return Ok(scripts::describe(name, &settings));
        }
        if what == "refuse" {
            return Err("refused as asked".to_owned());
        }
        let mut inputs = vec![
            input("id", DataType::Int64, Origin::Value("id".to_owned())),
            input("partition", DataType::Int32, Origin::Partition),
            input("offset", DataType::Int64, Origin::Offset),
        ];
        if what == "wants" {
            inputs.push(input("colour", DataType::Text, Origin::Value("colour".to_owned())));
        }
        let mut fields: Vec<_> = inputs[..3].iter().map(|input| input.field.clone()).collect();
        fields.extend([field("made_by", DataType::Text), field("mirror", DataType::Text)]);
        match &*what {
            "no-key" => drop(fields.remove(0)),
            "rename" => "maker".clone_into(&mut fields[3].name),
            _ => {}
        }
        let mut outputs = vec![Output {
            name: "rows".to_owned(),
            target: Target::Table("variants".to_owned()),
            effect: Effect::Upsert,
            fields,
        }];
        if what == "emits" {
            outputs.extend(emits::outputs(&settings));
        }
        Ok(Descriptor {
            name: "variants".to_owned(),
            version: name,
            inputs,
            lookups: Vec::new(),
            outputs,
        })
    }

    fn transform(input: Batch, _lookups: Vec<Batch>) -> Outcome {
        let (name, what) = variant();
        if what == "scripts" {
            return scripts::transform(&input);
        }
        let ids = all::<i64>(&input, 0);
        let mut source = Vec::new();
        let mut rejects = Vec::new();
        for (row, &id) in (0..).zip(&ids) {
            if misses(&what, id) {
                rejects.push(Reject {
                    row,
                    code: "too-fussy".to_owned(),
                    message: format!("{id} is not to its liking"),
                });
            } else if what != "emits" || !emits::deletes(id) {
                source.push(row);
            }
        }
        let made = |text: &str| column(vec![text; source.len()]);
        let mut columns = vec![
            column(kept(&ids, &source)),
            column(kept(&all::<i32>(&input, 1), &source)),
            column(kept(&all::<i64>(&input, 2), &source)),
            made(&name),
            made(&mirrored(&name)),
        ];
        if what == "no-key" {
            columns.remove(0);
        }
        let mut rows = vec![Rows {
            output: 0,
            source,
            columns,
        }];
        if what == "emits" {
            rows.extend(emits::rows(&ids));
        }
        Outcome {
            rows,
            filtered: Vec::new(),
            rejects,
        }
    }
}

/// The variant's name and its behaviour.
fn variant() -> (String, String) {
    let text = String::from_utf8_lossy(black_box(&VARIANT)).into_owned();
    let text = text.strip_prefix("variant:").unwrap_or_default();
    let mut words = text.split_whitespace().map(str::to_owned);
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}

/// The mirrored name: the greater the name, the smaller its mirror.
fn mirrored(name: &str) -> String {
    let mirror = |byte: u8| char::from(b' ' + b'~' - byte.clamp(b' ', b'~'));
    name.bytes().map(mirror).collect()
}

/// Whether the variant rejects the record. Some variants panic here or never return.
fn misses(what: &str, id: i64) -> bool {
    match what.split_once('=') {
        Some(("reject", percent)) => percent.parse().is_ok_and(|percent: i64| id % 100 < percent),
        Some(("break", from)) if from.parse().is_ok_and(|from: i64| id >= from) => panic!("as asked"),
        Some(("loop", from)) if from.parse().is_ok_and(|from: i64| id >= from) => loop {
            black_box(());
        },
        _ if what == "trap" && id % 50 == 7 => panic!("as asked"),
        _ if what == "slow" => {
            (0..300_000).for_each(|step: u32| _ = black_box(step));
            false
        }
        _ => false,
    }
}

fn kept<T: Copy>(values: &[T], source: &[u32]) -> Vec<T> {
    source.iter().map(|&row| values[row as usize]).collect()
}

/// All numbers of a column.
fn all<'b, T: InputField<'b>>(input: &'b Batch, column: usize) -> Vec<T> {
    values(&input.columns[column], input.rows as usize).expect("the column has numbers of this type")
}

fn input(name: &str, data_type: DataType, origin: Origin) -> Input {
    Input {
        field: field(name, data_type),
        origin,
    }
}

fn field(name: &str, data_type: DataType) -> Field {
    Field {
        name: name.to_owned(),
        data_type,
        nullable: false,
    }
}

#[allow(
    unsafe_code,
    clippy::used_underscore_items,
    reason = "generated code: the functions that the host calls"
)]
mod export {
    use crate::Variants;

    transform_sdk::bindings::export!(Variants with_types_in transform_sdk::bindings);
}
