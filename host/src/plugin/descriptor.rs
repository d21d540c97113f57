//! Checks a guest's description of itself, and makes of it a descriptor that the host can rely on.

use std::collections::HashSet;

use super::bindings::exports::host::transform::transformer as wit;
use super::bindings::host::transform::columns as wit_columns;
use super::error::PluginError;
use super::log::cut;
use crate::record::columns::DataType;
use crate::record::descriptor::{Descriptor, Effect, Field, Input, Origin, Output, Target};

/// Wider than any table in use. It bounds how much a guest can make the host set up.
const MAX_FIELDS: usize = 1000;
const MAX_NAME_BYTES: usize = 200;

/// Takes the descriptor over, or refuses it with what is wrong.
pub fn validate(described: wit::Descriptor) -> Result<Descriptor, PluginError> {
    if !described.lookups.is_empty() {
        let tables = described
            .lookups
            .into_iter()
            .map(|lookup| cut(&lookup.table, MAX_NAME_BYTES))
            .collect();
        return Err(PluginError::Lookups { tables });
    }
    name("its name", &described.name)?;
    name("its version", &described.version)?;
    if described.outputs.is_empty() {
        return wrong("it has no output");
    }
    let inputs: Vec<_> = described.inputs.into_iter().map(input).collect();
    unique("inputs", inputs.iter().map(|input| input.field.name.as_str()))?;
    for input in &inputs {
        check_origin(input)?;
    }
    let outputs: Vec<_> = described.outputs.into_iter().map(output).collect();
    unique("outputs", outputs.iter().map(|output| output.name.as_str()))?;
    for output in &outputs {
        let (Target::Table(target) | Target::Topic(target)) = &output.target;
        name("the table or topic of an output", target)?;
        if output.fields.is_empty() {
            return wrong(format!("output {} has no fields", output.name));
        }
        let folded: Vec<_> = output
            .fields
            .iter()
            .map(|field| field.name.to_ascii_lowercase())
            .collect();
        let place = format!("output {}, whose columns CQL folds to lower case", output.name);
        unique(&place, folded.iter().map(String::as_str))?;
    }
    Ok(Descriptor {
        name: described.name,
        version: described.version,
        inputs,
        lookups: Vec::new(),
        outputs,
    })
}

fn wrong<T>(why: impl Into<String>) -> Result<T, PluginError> {
    Err(PluginError::Descriptor { why: why.into() })
}

fn name(what: &str, name: &str) -> Result<(), PluginError> {
    match name {
        "" => wrong(format!("{what} is empty")),
        _ if name.len() > MAX_NAME_BYTES => wrong(format!("{what} is longer than {MAX_NAME_BYTES} bytes")),
        _ if name.chars().any(char::is_control) => wrong(format!("{what} has control characters in it")),
        _ => Ok(()),
    }
}

fn unique<'a>(place: &str, names: impl Iterator<Item = &'a str>) -> Result<(), PluginError> {
    let mut seen = HashSet::new();
    for one in names {
        name(&format!("a name in {place}"), one)?;
        if !seen.insert(one) {
            return wrong(format!("{place}: {one} comes twice"));
        }
        if seen.len() > MAX_FIELDS {
            return wrong(format!("{place}: more than {MAX_FIELDS} fields"));
        }
    }
    Ok(())
}

/// Checks the data type of an input that is not a field of the value: each such origin allows only certain types.
fn check_origin(input: &Input) -> Result<(), PluginError> {
    let allowed: &[DataType] = match input.origin {
        Origin::Value(_) => return Ok(()),
        Origin::WholeValue | Origin::Key | Origin::Header(_) => &[DataType::Text, DataType::Blob, DataType::Json],
        Origin::RecordTimestamp => &[DataType::Timestamp, DataType::Int64],
        Origin::Partition => &[DataType::Int32, DataType::Int64],
        Origin::Offset => &[DataType::Int64],
        Origin::Topic => &[DataType::Text],
    };
    if allowed.contains(&input.field.data_type) {
        return Ok(());
    }
    let allowed: Vec<_> = allowed.iter().map(|data_type| data_type.name()).collect();
    wrong(format!(
        "input {} is {}, but the {} is {}",
        input.field.name,
        input.field.data_type,
        input.origin,
        allowed.join(" or ")
    ))
}

fn input(input: wit::Input) -> Input {
    let origin = match input.origin {
        wit::Origin::Value(name) => Origin::Value(name),
        wit::Origin::WholeValue => Origin::WholeValue,
        wit::Origin::Key => Origin::Key,
        wit::Origin::Header(name) => Origin::Header(name),
        wit::Origin::RecordTimestamp => Origin::RecordTimestamp,
        wit::Origin::Partition => Origin::Partition,
        wit::Origin::Offset => Origin::Offset,
        wit::Origin::Topic => Origin::Topic,
    };
    Input {
        field: field(input.field),
        origin,
    }
}

fn output(output: wit::Output) -> Output {
    Output {
        name: output.name,
        target: match output.target {
            wit::Target::Table(name) => Target::Table(name),
            wit::Target::Topic(name) => Target::Topic(name),
        },
        effect: match output.effect {
            wit::Effect::Upsert => Effect::Upsert,
            wit::Effect::Delete => Effect::Delete,
        },
        fields: output.fields.into_iter().map(field).collect(),
    }
}

fn field(field: wit_columns::Field) -> Field {
    let data_type = match field.data_type {
        wit_columns::DataType::Boolean => DataType::Boolean,
        wit_columns::DataType::Int32 => DataType::Int32,
        wit_columns::DataType::Int64 => DataType::Int64,
        wit_columns::DataType::Float64 => DataType::Float64,
        wit_columns::DataType::Text => DataType::Text,
        wit_columns::DataType::Blob => DataType::Blob,
        wit_columns::DataType::Json => DataType::Json,
        wit_columns::DataType::Uuid => DataType::Uuid,
        wit_columns::DataType::Timestamp => DataType::Timestamp,
        wit_columns::DataType::Date => DataType::Date,
    };
    Field {
        name: field.name,
        data_type,
        nullable: field.nullable,
    }
}
