//! Compares a registered Avro schema with a plugin's inputs: fields, their types, and which may be null. The codec's
//! own code reads the schema and decides what fits, so that the comparison says what a run does.

use super::finding::Finding;
use super::services::registry_failure;
use crate::app::failure::Failure;
use crate::codec::becomes::{Becomes, becomes};
use crate::codec::registry::RegistryError;
use crate::codec::schema::{RecordShape, Schema, Shape};
use crate::record::causes::chain;
use crate::record::descriptor::{Input, Origin};

/// Compares the schema `name` with the inputs that come from the record's value.
pub fn compare(name: &str, schema: &Schema, inputs: &[Input]) -> Vec<Finding> {
    let branches = match schema.root() {
        Shape::Union(branches) => branches.as_slice(),
        root => std::slice::from_ref(root),
    };
    let records = branches.iter().filter_map(|branch| match branch {
        Shape::Record(index) => schema.record(*index),
        _ => None,
    });
    let compared = |record| compare_record(name, schema, record, inputs);
    let mut findings: Vec<Vec<Finding>> = records.map(compared).collect();
    if findings.is_empty() {
        return vec![Finding::Mismatch(format!(
            "schema {name} is of type {}, not a record, which has fields",
            schema.root().name()
        ))];
    }
    // If there are several records, one that fits is enough. Those of the others are rejected one by one.
    if findings.iter().any(|findings| !has_mismatch(findings)) {
        for findings in &mut findings {
            soften(findings);
        }
    }
    findings.into_iter().flatten().collect()
}

fn compare_record(name: &str, schema: &Schema, record: &RecordShape, inputs: &[Input]) -> Vec<Finding> {
    let name = match schema.root() {
        Shape::Union(_) => format!("{name}, record {}", record.name),
        _ => name.to_owned(),
    };
    let each = inputs.iter().filter_map(|input| compare_input(&name, record, input));
    let mut findings: Vec<Finding> = each.collect();
    if !has_mismatch(&findings) {
        let text = format!(
            "schema {name}: {} inputs from {} fields",
            inputs.len(),
            record.fields.len()
        );
        findings.insert(0, Finding::Fits(text));
    }
    findings
}

fn has_mismatch(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| matches!(finding, Finding::Mismatch(_)))
}

fn soften(findings: &mut [Finding]) {
    for finding in findings {
        if let Finding::Mismatch(text) = finding {
            *finding = Finding::Note(format!("{text}: such records are rejected"));
        }
    }
}

fn compare_input(name: &str, record: &RecordShape, input: &Input) -> Option<Finding> {
    let Origin::Value(wanted) = &input.origin else {
        return None;
    };
    let Input { field, .. } = input;
    let Some(found) = record.place(wanted).and_then(|place| record.fields.get(place)) else {
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
    let types = match &found.shape {
        Shape::Union(branches) => branches.as_slice(),
        shape => std::slice::from_ref(shape),
    };
    let mut some = None;
    for shape in types.iter().filter(|shape| **shape != Shape::Null) {
        match becomes(shape, field.data_type) {
            Becomes::Always => {}
            Becomes::Sometimes => some = some.or(Some(shape)),
            Becomes::Never => {
                return Some(Finding::Mismatch(format!(
                    "field {wanted} of schema {name} is {}, which cannot become input {} of type {}",
                    shape.name(),
                    field.name,
                    field.data_type
                )));
            }
        }
    }
    if types.contains(&Shape::Null) && !field.nullable {
        return Some(Finding::Note(format!(
            "field {wanted} of schema {name} may be null, and input {} may not: such records are rejected",
            field.name
        )));
    }
    some.map(|shape| {
        Finding::Note(format!(
            "field {wanted} of schema {name} is {}, and input {} of type {} takes only some of its values: records with \
             others are rejected",
            shape.name(),
            field.name,
            field.data_type
        ))
    })
}

/// Describes why `host run` cannot read the schema either. Fails if the registry cannot be asked at all.
pub fn unreadable(name: &str, error: RegistryError) -> Result<String, Failure> {
    match error {
        error @ (RegistryError::Unreachable { .. } | RegistryError::Login { .. } | RegistryError::BadUrl { .. }) => {
            Err(registry_failure(error))
        }
        error => Ok(format!("schema {name}: its records are rejected: {}", chain(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::columns::DataType;
    use crate::record::descriptor::Field;

    const SCHEMA: &str = r#"{"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "string"},
        {"name": "status", "type": ["null", "string"], "default": null},
        {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
        {"name": "items", "type": {"type": "array", "items": "string"}}]}"#;

    fn schema(text: &str) -> Schema {
        Schema::parse(text).expect("a schema")
    }

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
            compare("orders-value version 2", &schema(SCHEMA), &inputs),
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
            input("at", DataType::Boolean, true),
        ];
        assert_eq!(
            compare("v", &schema(SCHEMA), &inputs),
            [
                Finding::Mismatch("schema v has no field colour, and input in_colour is not nullable".into()),
                Finding::Mismatch(
                    "field items of schema v is array, which cannot become input in_items of type text".into()
                ),
                Finding::Mismatch(
                    "field at of schema v is timestamp, which cannot become input in_at of type boolean".into()
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
            compare("v", &schema(SCHEMA), &inputs)[1..],
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
        for text in [
            r#""string""#,
            r#"{"type": "enum", "symbols": []}"#,
            r#"["null", "int"]"#,
        ] {
            assert!(
                matches!(compare("v", &schema(text), &[])[..], [Finding::Mismatch(_)]),
                "{text}"
            );
        }
    }

    #[test]
    fn of_a_union_one_record_that_fits_is_enough() {
        let schema = schema(
            r#"["null", {"type": "record", "name": "a.Paid", "fields": [{"name": "id", "type": "string"}]},
                {"type": "record", "name": "a.Sent", "fields": [{"name": "at", "type": "long"}]}]"#,
        );
        assert_eq!(
            compare("v", &schema, &[input("id", DataType::Text, false)]),
            [
                Finding::Fits("schema v, record a.Paid: 1 inputs from 1 fields".into()),
                Finding::Note(
                    "schema v, record a.Sent has no field id, and input in_id is not nullable: such records are rejected"
                        .into()
                ),
            ]
        );
        let neither = compare("v", &schema, &[input("price", DataType::Text, false)]);
        assert!(
            neither.iter().all(|finding| matches!(finding, Finding::Mismatch(_))),
            "{neither:?}"
        );
    }

    #[test]
    fn a_type_of_which_only_some_values_fit_is_noted_and_an_alias_is_a_name() {
        let schema = schema(
            r#"{"type": "record", "name": "R", "fields": [{"name": "n", "aliases": ["number"], "type": "long"}]}"#,
        );
        let findings = compare("v", &schema, &[input("number", DataType::Int32, true)]);
        let [Finding::Fits(_), Finding::Note(note)] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            note,
            "field number of schema v is long, and input in_number of type int32 takes only some of its values: records \
             with others are rejected"
        );
    }
}
