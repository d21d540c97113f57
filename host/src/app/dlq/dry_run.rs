//! `host dlq replay --dry-run`: prints what would become of each letter. Nothing is written or committed.

use std::io::Write;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::reading::{Reading, say_letters};
use super::written;
use crate::app::failure::Failure;
use crate::app::wire::services::{make_failure, source_failure};
use crate::codec::Decoder;
use crate::pipeline::batch::make::{Made, Warm, make};
use crate::plugin::Plugin;
use crate::record::descriptor::{Descriptor, Effect, Field, Rows, Target};
use crate::record::letter::replay::Skip;
use crate::record::{Redriven, display};
use crate::source::letters::read::{References, read};
use crate::source::letters::{CountedSelection, Tally};

/// Calls the plugin with each letter alone, and prints the outcome.
pub(super) async fn run(
    plugin: &Arc<Plugin>,
    decoder: &Decoder,
    reading: Reading,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let Reading {
        place,
        ranges,
        selection,
    } = reading;
    let tally = Arc::new(Tally::default());
    let floor = selection.floor;
    let selection = CountedSelection {
        conditions: selection,
        tally: Arc::clone(&tally),
    };
    let mut warm = Warm::default();
    let mut letters = read(place, ranges, References::Restored);
    while let Some(found) = letters.recv().await {
        let found = found.map_err(source_failure)?;
        let at = found.at.clone();
        let taken = match selection.judge(found) {
            Ok(record) => record,
            // Records that are left out on purpose are only counted.
            Err(None | Some(Skip::Filtered)) => continue,
            Err(Some(why)) => {
                written(writeln!(out, "{at}  not replayed: {why}"))?;
                continue;
            }
        };
        let Some(redriven) = taken.redriven else { continue };
        let made = make(plugin, decoder, std::slice::from_ref(&taken), &mut warm).await;
        let made = made.map_err(make_failure)?;
        let record = taken.position;
        for line in outcome(plugin.descriptor(), &made, redriven) {
            written(writeln!(out, "{at}  {record}  {line}"))?;
        }
    }
    written(say_letters(out, tally.counts(), floor))
}

fn outcome(descriptor: &Descriptor, made: &Made, redriven: Redriven) -> Vec<String> {
    if let Some((_, reject)) = made.rejects.first_key_value() {
        return vec![format!(
            "rejected again, as replay {} of its record: {reject}",
            redriven.replays
        )];
    }
    if made.filtered > 0 {
        return vec!["filtered".to_owned()];
    }
    let Redriven { generation, .. } = redriven;
    let time = redriven.write_time().0;
    let rows = made.rows.iter();
    let each = rows.flat_map(|rows| (0..rows.batch.rows).map(move |row| (rows, row)));
    each.map(|(rows, row)| {
        let output = &descriptor.outputs[rows.output];
        let effect = match (output.effect, &output.target) {
            (Effect::Upsert, _) => "row for",
            (Effect::Delete, Target::Table(_)) => "deletes from",
            (Effect::Delete, Target::Topic(_)) => "tombstone for",
        };
        let row = shown(&output.fields, rows, row);
        format!(
            "{effect} {}, write timestamp {time} (generation {generation}): {row}",
            output.target
        )
    })
    .collect()
}

fn shown(fields: &[Field], rows: &Rows, row: usize) -> Value {
    let columns = fields.iter().zip(&rows.batch.columns);
    let members = columns.map(|(field, column)| (field.name.clone(), display::json(field, column, row)));
    Value::Object(members.collect::<Map<_, _>>())
}
