//! Describes the plugin to the host. The setting `configure` chooses what goes wrong while it does.

use crate::{ledger, memory, numbers, record};
use transform_sdk::bindings::exports::host::transform::transformer::{
    Descriptor, Effect, Input, Lookup, Origin, Output, Target,
};
use transform_sdk::bindings::host::transform::columns::{DataType, Field};

/// One field of each type, for `configure=echo`.
pub const ALL: [(&str, DataType); 10] = [
    ("boolean", DataType::Boolean),
    ("int32", DataType::Int32),
    ("int64", DataType::Int64),
    ("float64", DataType::Float64),
    ("text", DataType::Text),
    ("blob", DataType::Blob),
    ("json", DataType::Json),
    ("uuid", DataType::Uuid),
    ("timestamp", DataType::Timestamp),
    ("date", DataType::Date),
];

pub fn describe(settings: &[(String, String)]) -> Result<Descriptor, String> {
    let mut descriptor = good();
    for (key, value) in settings {
        match key.as_str() {
            "configure" => {}
            "leak-kib" => memory::leak_with_each_record(number(value)? << 10),
            "table-mib" => memory::keep(number(value)? << 20),
            _ => return Err(format!("there is no setting {key}")),
        }
        if key != "configure" {
            continue;
        }
        match value.as_str() {
            "refuse" => return Err("refused as asked".to_owned()),
            "trap" => panic!("as asked"),
            "loop" => record::run_for_ever(),
            "memory" => record::take_all_memory(),
            "echo" => descriptor = echo(),
            "ledger" => descriptor = ledger::descriptor(descriptor),
            "numbers" => descriptor = numbers::descriptor(descriptor),
            "no-name" => descriptor.name.clear(),
            "no-version" => descriptor.version.clear(),
            "long-name" => descriptor.name = "n".repeat(100_000),
            "no-outputs" => descriptor.outputs.clear(),
            "no-fields" => descriptor.outputs[0].fields.clear(),
            "no-table" => descriptor.outputs[0].target = Target::Table(String::new()),
            "input-twice" => {
                let name = descriptor.inputs[0].field.name.clone();
                descriptor.inputs[1].field.name = name;
            }
            "output-twice" => descriptor.outputs.push(descriptor.outputs[0].clone()),
            // CQL folds the case of names.
            "column-twice" => "Behaviour".clone_into(&mut descriptor.outputs[0].fields[1].name),
            "many-fields" => {
                descriptor.outputs[0].fields = (0..100_000).map(|n| field(&format!("f{n}"), DataType::Text)).collect();
            }
            "offset-as-text" => descriptor.inputs[0].origin = Origin::Offset,
            "lookups" => descriptor.lookups.push(Lookup {
                table: "customers".to_owned(),
                key: vec!["behaviour".to_owned()],
                fields: vec![field("city", DataType::Text)],
            }),
            other => return Err(format!("configure={other} is not known")),
        }
    }
    Ok(descriptor)
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

fn good() -> Descriptor {
    let behaviour = Field {
        nullable: false,
        ..field("behaviour", DataType::Text)
    };
    Descriptor {
        name: "misbehaving".to_owned(),
        version: "0.1.0".to_owned(),
        inputs: vec![input(behaviour.clone()), input(field("number", DataType::Int64))],
        lookups: Vec::new(),
        outputs: vec![output(vec![
            behaviour,
            field("number", DataType::Int64),
            field("document", DataType::Json),
        ])],
    }
}

fn echo() -> Descriptor {
    let fields: Vec<_> = ALL.iter().map(|&(name, data_type)| field(name, data_type)).collect();
    Descriptor {
        inputs: fields.iter().cloned().map(input).collect(),
        outputs: vec![output(fields)],
        ..good()
    }
}

pub fn field(name: &str, data_type: DataType) -> Field {
    Field {
        name: name.to_owned(),
        data_type,
        nullable: true,
    }
}

pub fn input(field: Field) -> Input {
    Input {
        origin: Origin::Value(field.name.clone()),
        field,
    }
}

fn output(fields: Vec<Field>) -> Output {
    Output {
        name: "rows".to_owned(),
        target: Target::Table("misbehaving".to_owned()),
        effect: Effect::Upsert,
        fields,
    }
}
