//! Writes a record as a line of NDJSON, from which `host try` and a unit test get the same input as `host run` got.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde_json::{Map, Value};

use crate::app::failure::Failure;
use crate::plugin::Plugin;
use crate::record::Record;
use crate::record::columns::Batch;
use crate::record::descriptor::Origin;
use crate::record::display::json;
use crate::sink::object;

/// Writes the decoded fields that the plugin takes. If the record does not decode, writes its value, if that is text.
pub fn save(path: &Path, plugin: &Plugin, record: &Record, input: &Batch) -> Result<(), Failure> {
    let line = if input.rows == 0 {
        raw(record)?
    } else {
        decoded(plugin, input)?
    };
    std::fs::write(path, line + "\n")
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(Failure::Failed)
}

fn raw(record: &Record) -> Result<String, Failure> {
    let value = record.value.as_deref().map(std::str::from_utf8);
    match value {
        Some(Ok(text)) if !text.contains('\n') => Ok(text.to_owned()),
        _ => Err(Failure::Failed(anyhow!(
            "the record does not decode and its value is not a line of text, so it cannot be saved as a fixture"
        ))),
    }
}

fn decoded(plugin: &Plugin, input: &Batch) -> Result<String, Failure> {
    let fields: Vec<_> = plugin
        .descriptor()
        .inputs
        .iter()
        .map(|input| input.field.clone())
        .collect();
    // A line with another value would not be the same input.
    object::check(&fields, input, 0)
        .context("the record cannot be saved as a fixture")
        .map_err(Failure::Failed)?;
    let mut object = Map::new();
    for (input, column) in plugin.descriptor().inputs.iter().zip(&input.columns) {
        match &input.origin {
            Origin::Value(name) => drop(object.insert(name.clone(), json(&input.field, column, 0))),
            origin => tracing::warn!(
                input = input.field.name,
                "a fixture holds a value only, not what comes from the {origin}"
            ),
        }
    }
    Ok(Value::Object(object).to_string())
}
