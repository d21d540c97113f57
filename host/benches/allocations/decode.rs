//! Decoding: orders in both formats, as the first plugin takes them and with the types that they could have.

use std::collections::HashMap;

use host::codec::Decoder;
use host::record::Record;
use host::record::columns::DataType;
use host::record::descriptor::Input;

use crate::{Case, support};

pub fn cases() -> Vec<Case> {
    vec![
        case("decode avro", &support::inputs(), support::avro_orders),
        case("decode json", &support::inputs(), support::json_orders),
        case("decode avro, typed", &typed(), support::avro_orders),
        case("decode json, typed", &typed(), support::json_orders),
        case("decode json, escapes", &support::inputs(), escaped),
    ]
}

fn case(name: &'static str, inputs: &[Input], records: fn(usize) -> Vec<Record>) -> Case {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let decoder = Decoder::new(inputs, Some(support::registry(support::SCHEMA)));
    let mut kept: HashMap<usize, Vec<Record>> = HashMap::new();
    let run = move |count: usize| {
        let records = kept.entry(count).or_insert_with(|| records(count));
        let batch = runtime.block_on(decoder.decode(records)).expect("a schema");
        assert_eq!(batch.rows.len(), count, "{:?}", batch.rejects.first());
    };
    Case {
        name,
        run: Box::new(run),
    }
}

/// The inputs with ids as uuids and times as timestamps.
fn typed() -> Vec<Input> {
    let mut inputs = support::inputs();
    for input in &mut inputs {
        input.field.data_type = match input.field.name.as_str() {
            "order_id" | "customer_id" => DataType::Uuid,
            "order_status" => DataType::Text,
            _ => DataType::Timestamp,
        };
    }
    inputs
}

/// JSON as programs write it that keep to ASCII.
fn escaped(count: usize) -> Vec<Record> {
    let mut records = support::json_orders(count);
    for record in &mut records {
        let value = record.value.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        record.value = Some(
            value
                .replace(r#""delivered""#, r#""d\u00e9livr\u00e9""#)
                .into_bytes()
                .into(),
        );
    }
    records
}
