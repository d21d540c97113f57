//! Gives rows to a topic, depending on the record's id. An id that ends in 9 deletes the topic's row and gives the
//! table none. An id that ends in 8 gives two rows, the second with the id negated. From 1000 on, a row carries as many
//! bytes of padding as its id says.

use transform_sdk::bindings::exports::host::transform::transformer::{Effect, Output, Rows, Target};
use transform_sdk::bindings::host::transform::columns::{Column, DataType, Field};
use transform_sdk::builder::column;

/// The second and third output; the table's is the first.
const STATES: u32 = 1;
const GONE: u32 = 2;

pub fn outputs(settings: &[(String, String)]) -> Vec<Output> {
    let topic = settings.iter().find(|(key, _)| key == "topic");
    let topic = topic.map_or_else(|| "variants".to_owned(), |(_, topic)| topic.clone());
    let output = |name: &str, effect, fields| Output {
        name: name.to_owned(),
        target: Target::Topic(topic.clone()),
        effect,
        fields,
    };
    let id = || field("Id", DataType::Int64, false);
    vec![
        output(
            "states",
            Effect::Upsert,
            vec![id(), field("padding", DataType::Text, true)],
        ),
        output("gone", Effect::Delete, vec![id()]),
    ]
}

pub fn deletes(id: i64) -> bool {
    id % 10 == 9
}

pub fn rows(ids: &[i64]) -> Vec<Rows> {
    let (mut states, mut gone) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for (row, &id) in (0..).zip(ids) {
        let (source, kept) = if deletes(id) { &mut gone } else { &mut states };
        source.push(row);
        kept.push(id);
        if id % 10 == 8 {
            source.push(row);
            kept.push(-id);
        }
    }
    let padding = padding(&states.1);
    vec![
        // Deletes come first, because the host must not depend on the order of these.
        Rows {
            output: GONE,
            source: gone.0,
            columns: vec![column(gone.1)],
        },
        Rows {
            output: STATES,
            source: states.0,
            columns: vec![column(states.1), padding],
        },
    ]
}

fn padding(ids: &[i64]) -> Column {
    column(ids.iter().map(|&id| {
        let bytes = usize::try_from(id).ok().filter(|bytes| *bytes >= 1000);
        bytes.map(|bytes| "x".repeat(bytes))
    }))
}

fn field(name: &str, data_type: DataType, nullable: bool) -> Field {
    Field {
        name: name.to_owned(),
        data_type,
        nullable,
    }
}
