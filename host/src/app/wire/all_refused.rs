//! Makes a verb fail if every record of a file was rejected. It is then nearly always the wrong file, or its field
//! names are wrong, so the message names the fields of the plugin that no record has.

use anyhow::anyhow;

use super::ends::source::Source;
use crate::app::failure::Failure;
use crate::csv_file::names;
use crate::pipeline::watch::totals::Counts;
use crate::record::descriptor::{Descriptor, Origin};

/// Fails if there were records and all were rejected. Warns if there were none.
pub fn check(from: &dyn Source, descriptor: &Descriptor, counts: &Counts) -> Result<(), Failure> {
    if from.nature().is_endless {
        return Ok(());
    }
    if counts.records == 0 {
        if counts.skipped == 0 {
            tracing::warn!("{} holds no records", from.place());
        }
        return Ok(());
    }
    if counts.rejected.values().sum::<u64>() < counts.records {
        return Ok(());
    }
    Err(Failure::Failed(anyhow!(
        "none of the {} records of {} came through: {}{}",
        counts.records,
        from.place(),
        counts.rejected_text(),
        missing(from, descriptor)
    )))
}

/// `; no record has these fields of the plugin: order_id (the file has "Order ID")`, or nothing where every field is in
/// some record.
pub fn missing(from: &dyn Source, descriptor: &Descriptor) -> String {
    let names = from.field_names();
    let missing = names.and_then(|names| names::missing(fields(descriptor), &names));
    missing.map_or_else(String::new, |missing| {
        format!("; no record has these fields of the plugin: {missing}")
    })
}

/// The names that the plugin takes out of a record's value.
fn fields(descriptor: &Descriptor) -> impl Iterator<Item = &str> {
    descriptor.inputs.iter().filter_map(|input| match &input.origin {
        Origin::Value(name) => Some(name.as_str()),
        _ => None,
    })
}
