//! A registered Avro schema against a plugin's inputs, by what the schema's text says: which fields there are, of which
//! types, and which may be null. Whether the codec reads a type as an input's data type is said in one table here.

use serde_json::Value as Json;

use super::Finding;
use crate::record::columns::DataType;
use crate::record::descriptor::{Input, Origin};

/// One field of an Avro record.
#[derive(Debug, PartialEq, Eq)]
struct AvroField {
    /// The type's name (`string`, `record`, …), or its logical type's (`timestamp-millis`); several in a union.
    types: Vec<String>,
    null: Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Null {
    Never,
    Maybe,
}

/// Compares the schema `name`, given as Avro's JSON, with the inputs that come from the record's value.
pub fn compare(name: &str, schema: &str, inputs: &[Input]) -> Vec<Finding> {
    let Ok(schema) = serde_json::from_str::<Json>(schema) else {
        return vec![Finding::Mismatch(format!(
            "schema {name} is not Avro: its text is not JSON"
        ))];
    };
    let Some(fields) = schema.get("fields").and_then(Json::as_array) else {
        return vec![Finding::Mismatch(format!(
            "schema {name} is not a record, which has fields"
        ))];
    };
    let mut findings: Vec<Finding> = inputs
        .iter()
        .filter_map(|input| compare_input(name, fields, input))
        .collect();
    if !findings.iter().any(|finding| matches!(finding, Finding::Mismatch(_))) {
        let text = format!("schema {name}: {} inputs from {} fields", inputs.len(), fields.len());
        findings.insert(0, Finding::Fits(text));
    }
    findings
}

fn compare_input(name: &str, fields: &[Json], input: &Input) -> Option<Finding> {
    let Origin::Value(wanted) = &input.origin else {
        return None;
    };
    let Input { field, .. } = input;
    let Some(found) = fields
        .iter()
        .find(|field| field.get("name").and_then(Json::as_str) == Some(wanted))
    else {
        return Some(if field.nullable {
            Finding::Note(format!(
                "schema {name} has no field {wanted}: input {} is always null",
                field.name
            ))
        } else {
            Finding::Mismatch(format!(
                "schema {name} has no field {wanted}, and input {} is not nullable",
                field.name
            ))
        });
    };
    let found = avro_field(found.get("type").unwrap_or(&Json::Null));
    if let Some(avro) = found.types.iter().find(|avro| !can_become(avro, field.data_type)) {
        return Some(Finding::Mismatch(format!(
            "field {wanted} of schema {name} is {avro}, which cannot become input {} of type {}",
            field.name, field.data_type
        )));
    }
    (found.null == Null::Maybe && !field.nullable).then(|| {
        Finding::Note(format!(
            "field {wanted} of schema {name} may be null, and input {} may not: such records are rejected",
            field.name
        ))
    })
}

fn avro_field(typ: &Json) -> AvroField {
    let members = match typ {
        Json::Array(members) => members.as_slice(),
        single => std::slice::from_ref(single),
    };
    let names: Vec<String> = members.iter().map(type_name).collect();
    AvroField {
        null: if names.iter().any(|name| name == "null") {
            Null::Maybe
        } else {
            Null::Never
        },
        types: names.into_iter().filter(|name| name != "null").collect(),
    }
}

/// `"string"`, `{"type": "string", …}` and `{"type": "long", "logicalType": "timestamp-millis"}` all have a name.
fn type_name(typ: &Json) -> String {
    match typ {
        Json::String(name) => name.clone(),
        Json::Object(object) => match object.get("logicalType").or_else(|| object.get("type")) {
            Some(inner) => type_name(inner),
            None => "unknown".to_owned(),
        },
        _ => "unknown".to_owned(),
    }
}

/// Whether an Avro type is read as this data type.
fn can_become(avro: &str, data_type: DataType) -> bool {
    let fitting: &[&str] = match data_type {
        DataType::Boolean => &["boolean"],
        DataType::Int32 => &["int"],
        DataType::Int64 => &["int", "long"],
        DataType::Float64 => &["int", "float", "double"],
        DataType::Text => &["string", "enum", "uuid"],
        DataType::Blob => &["bytes", "fixed"],
        DataType::Uuid => &["string", "uuid"],
        DataType::Timestamp => &[
            "timestamp-millis",
            "timestamp-micros",
            "local-timestamp-millis",
            "local-timestamp-micros",
        ],
        DataType::Date => &["date"],
        // Every Avro value has a JSON text.
        DataType::Json => return true,
    };
    fitting.contains(&avro)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::descriptor::Field;

    const SCHEMA: &str = r#"{"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "string"},
        {"name": "status", "type": ["null", "string"], "default": null},
        {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
        {"name": "items", "type": {"type": "array", "items": "string"}}]}"#;

    fn input(name: &str, data_type: DataType, nullable: bool) -> Input {
        Input {
            field: Field {
                name: format!("in_{name}"),
                data_type,
                nullable,
            },
            origin: Origin::Value(name.to_owned()),
        }
    }

    #[test]
    fn what_fits_is_said_in_one_line() {
        let key = Input {
            origin: Origin::Key,
            ..input("key", DataType::Blob, true)
        };
        let inputs = [
            input("id", DataType::Text, false),
            input("status", DataType::Text, true),
            input("at", DataType::Timestamp, true),
            input("items", DataType::Json, false),
            key,
        ];
        assert_eq!(
            compare("orders-value version 2", SCHEMA, &inputs),
            [Finding::Fits(
                "schema orders-value version 2: 5 inputs from 4 fields".into()
            )]
        );
    }

    #[test]
    fn a_mismatch_names_the_field_and_the_input() {
        let inputs = [
            input("colour", DataType::Text, false),
            input("items", DataType::Text, true),
            input("at", DataType::Int64, true),
        ];
        assert_eq!(
            compare("v", SCHEMA, &inputs),
            [
                Finding::Mismatch("schema v has no field colour, and input in_colour is not nullable".into()),
                Finding::Mismatch(
                    "field items of schema v is array, which cannot become input in_items of type text".into()
                ),
                Finding::Mismatch(
                    "field at of schema v is timestamp-millis, which cannot become input in_at of type int64".into()
                ),
            ]
        );
    }

    #[test]
    fn what_runs_but_rejects_or_stays_empty_is_noted() {
        let inputs = [
            input("colour", DataType::Text, true),
            input("status", DataType::Text, false),
        ];
        assert_eq!(
            compare("v", SCHEMA, &inputs)[1..],
            [
                Finding::Note("schema v has no field colour: input in_colour is always null".into()),
                Finding::Note(
                    "field status of schema v may be null, and input in_status may not: such records are rejected"
                        .into()
                ),
            ]
        );
    }

    #[test]
    fn a_schema_that_is_no_record_is_a_mismatch() {
        for schema in ["", "\"string\"", r#"{"type": "enum", "symbols": []}"#] {
            assert!(
                matches!(compare("v", schema, &[])[..], [Finding::Mismatch(_)]),
                "{schema}"
            );
        }
    }
}
