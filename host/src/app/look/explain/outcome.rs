//! The plugin's outcome for a record, and the statements that would write it.

use std::fmt::Write as _;
use std::sync::Arc;

use super::write_time::Explained as WriteTimeExplained;
use crate::app::failure::Failure;
use crate::app::wire::Settings;
use crate::pipeline::batch::gather::{Stamps, gather};
use crate::pipeline::batch::make::Made;
use crate::pipeline::trouble::fault::{Disposition, Fault, disposition};
use crate::plugin::Plugin;
use crate::record::Record;
use crate::record::causes::chain;
use crate::record::descriptor::{Descriptor, Effect, Rows};
use crate::record::display::text;
use crate::record::position::WriteTime;
use crate::record::reject::Reject;
use crate::record::stage::Stage;
use crate::sink::WriteBatch;
use crate::sink::cassandra::explain::{Explainer, Stored};
use crate::sink::one_key::Part;
use crate::sink::read_back::RowRef;
use crate::sink::{SinkError, object};

/// The plugin's outcome for one record.
pub enum Outcome {
    Rejected(Reject),
    Filtered,
    Rows(Vec<Rows>),
}

/// Finds the outcome, in the order in which a run would look: the write timestamp, rejects, rows.
pub fn of(made: Made, time: &WriteTimeExplained) -> Outcome {
    if let Some(message) = time.too_far_ahead() {
        return Outcome::Rejected(Reject::new(Stage::Decode, "future-timestamp", message));
    }
    match made.rejects.into_values().next() {
        Some(reject) => Outcome::Rejected(reject),
        None if made.rows.iter().all(|rows| rows.batch.rows == 0) => Outcome::Filtered,
        None => Outcome::Rows(made.rows),
    }
}

/// The outcome as text, with the CQL if the sink is Cassandra and answers.
pub async fn explained(
    settings: &Settings,
    plugin: &Plugin,
    outcome: Outcome,
    record: &Record,
    time: &WriteTimeExplained,
) -> Result<String, Failure> {
    let rows = match outcome {
        Outcome::Rejected(reject) => return Ok(rejected(&reject)),
        Outcome::Filtered => return Ok("\nfiltered: the plugin leaves this record out".to_owned()),
        Outcome::Rows(rows) => rows,
    };
    let descriptor = plugin.descriptor();
    let mut words = String::new();
    let explainer = match settings.to.explainer(settings, descriptor).await {
        Ok(explainer) => explainer,
        Err(error) => {
            let _ = writeln!(words, "\nno CQL: {}", chain(&error));
            None
        }
    };
    let mut writes = writes(rows, record, time.time, descriptor);
    if let Some(explainer) = &explainer {
        explainer.arrange(&mut writes);
    }
    for write in &writes {
        for row in (0..).take(write.batch.rows) {
            if let Err(reject) = show_row(&mut words, descriptor, write, row) {
                return Ok(words + &rejected(&reject));
            }
            if let Some(explainer) = &explainer
                && descriptor.outputs[write.output].target.table().is_some()
                && let Err(reject) = show_statement(&mut words, explainer, write, row).await
            {
                return Ok(words + &rejected(&reject));
            }
        }
    }
    Ok(words.trim_end().to_owned())
}

/// The rows of the record as a run would write them.
fn writes(rows: Vec<Rows>, record: &Record, time: WriteTime, plugin: &Descriptor) -> Vec<WriteBatch> {
    let stamps = Stamps {
        records: &Arc::new(vec![record.clone()]),
        write_times: &[time],
    };
    gather(rows, &stamps, &plugin.outputs)
}

fn rejected(reject: &Reject) -> String {
    format!("\nrejected ({} at {}): {}", reject.code, reject.stage, reject.message)
}

fn show_row(words: &mut String, descriptor: &Descriptor, write: &WriteBatch, row: u32) -> Result<(), Reject> {
    let (output, row) = (&descriptor.outputs[write.output], row as usize);
    let _ = writeln!(words, "\noutput {} -> {}", output.name, output.target);
    let width = output.fields.iter().map(|field| field.name.len()).max().unwrap_or(0);
    for (field, column) in output.fields.iter().zip(&write.batch.columns) {
        let value = text(field, column, row).unwrap_or_else(|| "null".to_owned());
        let _ = writeln!(words, "  {:width$}  {value}", field.name);
    }
    if output.target.topic().is_some() {
        let value = match output.effect {
            Effect::Upsert => {
                if let Err(error) = object::check(&output.fields, &write.batch, row) {
                    return shown(words, &error);
                }
                format!("value {}", object::object(&output.fields, &write.batch, row))
            }
            Effect::Delete => "no value (a tombstone)".to_owned(),
        };
        let _ = writeln!(words, "  produced with the key of this record and {value}");
    }
    Ok(())
}

/// Returns the reject that an error of the sink means. Any other error is added to the text.
fn shown(words: &mut String, error: &SinkError) -> Result<(), Reject> {
    match disposition(Fault::Sink(error)) {
        Disposition::Reject(reject) => Err(reject),
        Disposition::Retry | Disposition::Halt => {
            let _ = writeln!(words, "  no CQL: {}", chain(error));
            Ok(())
        }
    }
}

/// Adds the statement, and how it compares with what the table holds. Fails with the reject of a row that does not fit.
async fn show_statement(words: &mut String, explainer: &Explainer, write: &WriteBatch, row: u32) -> Result<(), Reject> {
    match explainer.statement(write, row) {
        Ok(Some(statement)) => {
            let _ = writeln!(words, "  {statement}");
        }
        Ok(None) => {
            let _ = writeln!(
                words,
                "  not written: later rows of this record delete the row or set all its columns"
            );
            return Ok(());
        }
        Err(error) => return shown(words, &error),
    }
    match write.parts.get(&row) {
        Some(Part::Earlier) => {
            let _ = writeln!(
                words,
                "  a microsecond earlier, since a later row of this record writes the row again"
            );
        }
        Some(Part::Without(_)) => {
            let _ = writeln!(words, "  without the columns that later rows of this record set");
        }
        Some(Part::Nothing | Part::Refused(_)) | None => {}
    }
    let at = RowRef {
        batch: Arc::new(write.batch.clone()),
        row: row as usize,
    };
    let stored = match explainer.stored(write.output, &at).await {
        Ok(Some(stored)) => against(&stored, write.written(row).0),
        Ok(None) => "the table has no such row yet".to_owned(),
        Err(error) => format!("what the table holds cannot be read: {}", chain(&error)),
    };
    let _ = writeln!(words, "  {stored}");
    Ok(())
}

/// Whether a write at this time would show in the row that is there.
fn against(stored: &[Stored], time: WriteTime) -> String {
    let times: Vec<_> = stored.iter().filter_map(|cell| cell.write_time).collect();
    match (times.iter().min(), times.iter().max()) {
        (Some(&first), Some(&last)) if first == time && last == time => {
            "the table has this row with this write timestamp: it is this record's, or equals it".to_owned()
        }
        (Some(_), Some(last)) if *last < time => format!("the table has an older row ({}): this one would win", last.0),
        (Some(first), Some(_)) if *first > time => {
            format!("the table has a newer row ({}): this one would change nothing", first.0)
        }
        (Some(first), Some(last)) => format!(
            "the table has cells written from {} to {}: this one would win over the older ones",
            first.0, last.0
        ),
        _ => "the table has such a row, without cells that tell their write timestamps".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_wins_ties_or_loses_by_its_timestamp() {
        let cell = |time| Stored {
            column: "a".into(),
            value: None,
            write_time: Some(WriteTime(time)),
        };
        let says = |times: &[i64], words: &str| {
            let cells: Vec<_> = times.iter().map(|&time| cell(time)).collect();
            let said = against(&cells, WriteTime(5));
            assert!(said.contains(words), "{said}");
        };
        says(&[5, 5], "this record's");
        says(&[3, 4], "would win");
        says(&[6, 7], "change nothing");
        says(&[4, 6], "win over the older ones");
    }
}
