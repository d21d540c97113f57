//! Implements `configure=ledger`: every cell of a row follows from its record alone, for tests that compare tables.
//!
//! A record also has an id, which is the table's key, and a note. A null note leaves the cell as it was. The word
//! `delete` deletes the row of that id, and `shelf` gives rows of another kind ([`shelf`]). Everything that a record
//! can do wrong in the usual mode it can do here too.

use transform_sdk::Json;
use transform_sdk::bindings::exports::host::transform::transformer::{
    Batch, Descriptor, Effect, Input, Origin, Outcome, Output, Rows, Target,
};
use transform_sdk::bindings::host::transform::columns::{Column, DataType, Field};
use transform_sdk::builder::column;
use transform_sdk::view::values;

use crate::{describe, numbers, shelf};

/// Number of columns of a batch in this mode. No other mode has as many.
pub const INPUTS: usize = 5;

const DELETE: &str = "delete";

/// The inputs of the usual mode, then id, note and offset.
pub fn descriptor(usual: Descriptor) -> Descriptor {
    let id = Field {
        nullable: false,
        ..describe::field("id", DataType::Int64)
    };
    let note = describe::field("note", DataType::Text);
    let offset = Field {
        nullable: false,
        ..describe::field("offset", DataType::Int64)
    };
    let mut inputs = usual.inputs;
    inputs.extend([describe::input(id.clone()), describe::input(note.clone())]);
    inputs.push(Input {
        field: offset,
        origin: Origin::Offset,
    });
    let table = |name: &str, effect, fields| Output {
        name: name.to_owned(),
        target: Target::Table("ledger".to_owned()),
        effect,
        fields,
    };
    let mut fields = usual.outputs[0].fields.clone();
    fields.extend([id.clone(), note]);
    let mut outputs = vec![
        table("rows", Effect::Upsert, fields),
        table("gone", Effect::Delete, vec![id.clone()]),
    ];
    outputs.extend(shelf::outputs(&id));
    Descriptor {
        inputs,
        outputs,
        ..usual
    }
}

/// Whether the record gives no row of the usual kind, because it deletes one or is for the other table.
pub fn is_special(input: &Batch, behaviour: &str) -> bool {
    input.columns.len() == INPUTS && behaviour == DELETE || shelf::takes(input, behaviour)
}

/// Adds the columns of this mode to the rows, and adds the deletes.
pub fn complete(outcome: &mut Outcome, input: &Batch, behaviours: &[String]) {
    let ids = numbers(input, 2);
    let offsets = numbers(input, 4);
    let rows = &mut outcome.rows[0];
    let documents = rows.source.iter().map(|&row| {
        let offset = offsets[place(row)].unwrap_or(-1);
        Json::from(format!("{{\"offset\":{offset}}}"))
    });
    // This replaces the row's number, which depends on how records were put into batches.
    rows.columns[2] = column(documents);
    rows.columns.push(id_column(&ids, &rows.source));
    rows.columns.push(note_column(input, &rows.source));
    let gone: Vec<_> = (0..)
        .zip(behaviours)
        .filter(|(_, behaviour)| *behaviour == DELETE)
        .map(|(row, _)| row)
        .collect();
    if !gone.is_empty() {
        outcome.rows.push(Rows {
            output: 1,
            columns: vec![id_column(&ids, &gone)],
            source: gone,
        });
    }
    shelf::complete(outcome, input, behaviours);
}

pub fn id_column(ids: &[Option<i64>], source: &[u32]) -> Column {
    column(source.iter().map(|&row| ids[place(row)].unwrap_or(0)))
}

fn note_column(input: &Batch, source: &[u32]) -> Column {
    let notes = values::<Option<&str>>(&input.columns[3], input.rows as usize).expect("the fourth column is text");
    column(source.iter().map(|&row| notes[place(row)]))
}

fn place(row: u32) -> usize {
    row as usize
}
