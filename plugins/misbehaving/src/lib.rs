//! A plugin that does what a plugin must not do, for the tests of the sandbox.
//!
//! Each record says in its field `behaviour` what is to happen. [`record`] implements what one record alone can do
//! (trap, never end, be forgotten), and [`spoil`] what is done to the whole outcome (wrong columns and row numbers).
//! Any other word makes a good record.
//!
//! The settings do the same for `configure` ([`describe`]). `leak-kib` and `table-mib` set the memory that each record,
//! and `configure`, never gives back ([`memory`]). With `configure=echo` the plugin takes a column of each data type
//! and returns them unchanged. With `configure=ledger` its rows have a key and follow from their record alone
//! ([`ledger`]). With `configure=numbers` they hold a float ([`numbers`]).

mod describe;
mod ledger;
mod memory;
mod numbers;
mod record;
mod shelf;
mod spoil;

use transform_sdk::bindings::exports::host::transform::transformer::{Batch, Descriptor, Guest, Outcome, Rows};
use transform_sdk::view::values;

struct Misbehaving;

impl Guest for Misbehaving {
    fn configure(settings: Vec<(String, String)>) -> Result<Descriptor, String> {
        describe::describe(&settings)
    }

    fn transform(input: Batch, _lookups: Vec<Batch>) -> Outcome {
        if input.columns.len() == describe::ALL.len() {
            return echo(input);
        }
        if input.columns.len() == numbers::INPUTS {
            let makes = texts(&input, 2);
            return numbers::transform(input, &makes);
        }
        let behaviours = texts(&input, 0);
        let numbers = numbers(&input, 1);
        memory::leak(behaviours.len());
        let mut answer = record::Answer::default();
        for (row, (behaviour, number)) in (0..).zip(behaviours.iter().zip(numbers)) {
            if !ledger::is_special(&input, behaviour) {
                answer.take(row, behaviour, number);
            }
        }
        let mut outcome = answer.outcome();
        if input.columns.len() == ledger::INPUTS {
            ledger::complete(&mut outcome, &input, &behaviours);
        }
        for (row, behaviour) in (0..).zip(&behaviours) {
            spoil::spoil(&mut outcome, row, behaviour);
        }
        outcome
    }
}

fn echo(input: Batch) -> Outcome {
    Outcome {
        rows: vec![Rows {
            output: 0,
            source: (0..input.rows).collect(),
            columns: input.columns,
        }],
        filtered: Vec::new(),
        rejects: Vec::new(),
    }
}

/// A column of texts, with nulls as empty texts.
fn texts(input: &Batch, column: usize) -> Vec<String> {
    let texts = values::<Option<&str>>(&input.columns[column], input.rows as usize).expect("the column is text");
    texts
        .into_iter()
        .map(|text| text.unwrap_or_default().to_owned())
        .collect()
}

/// A column of numbers, with its nulls.
fn numbers(input: &Batch, column: usize) -> Vec<Option<i64>> {
    values(&input.columns[column], input.rows as usize).expect("the column is int64")
}

#[allow(
    unsafe_code,
    clippy::used_underscore_items,
    reason = "generated code: the functions that the host calls"
)]
mod export {
    use crate::Misbehaving;

    transform_sdk::bindings::export!(Misbehaving with_types_in transform_sdk::bindings);
}
