//! Inputs of the benchmarks: generated orders as records in both formats and as columns, a registry that knows their schema,
//! and the first plugin.

pub mod bound;
mod registry;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use host::codec::Decoder;
use host::codec::schema::Schema;
use host::csv_file::json;
use host::generate::{HEADER, Plan};
use host::plugin::limits::Limits;
use host::plugin::{Plugin, PluginEngine};
use host::produce::avro::AvroEncoder;
use host::record::Record;
use host::record::columns::{Batch, DataType};
use host::record::descriptor::{Field, Input, Origin};
use host::record::position::{Offset, Partition, Position};

pub use registry::registry;

pub const SCHEMA: &str = include_str!("../../../schemas/ecommerce-orders-value.avsc");

const SCHEMA_ID: u32 = 7;

/// The inputs that `plugins/order_enrich` declares.
pub fn inputs() -> Vec<Input> {
    let input = |name: &str| Input {
        field: Field {
            name: name.to_owned(),
            data_type: DataType::Text,
            nullable: true,
        },
        origin: Origin::Value(name.to_owned()),
    };
    HEADER.map(input).into()
}

/// `plugins/order_enrich.wasm`, which `make plugins` builds.
pub fn plugin() -> Plugin {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/order_enrich.wasm");
    let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; make plugins", file.display()));
    let limits = Limits::default();
    let engine = PluginEngine::new(limits).expect("an engine");
    Plugin::load(&engine, &bytes, &[], limits).expect("a plugin")
}

/// The orders as the plugin gets them.
pub fn decoded(count: usize) -> Batch {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let decoder = Decoder::new(&inputs(), None);
    let orders = runtime
        .block_on(decoder.decode(&json_orders(count)))
        .expect("no registry");
    assert_eq!(orders.batch.rows, count, "{:?}", orders.rejects.first());
    orders.batch
}

/// The orders as `host produce` sends them with a schema.
pub fn avro_orders(count: usize) -> Vec<Record> {
    let schema = Schema::parse(SCHEMA).expect("the project's schema");
    let encoder = AvroEncoder::new(&schema, SCHEMA_ID, &HEADER.map(str::to_owned)).expect("its columns");
    records(count, |cells| encoder.encode(cells).expect("an order"))
}

/// The orders as `host produce` sends them without a schema.
pub fn json_orders(count: usize) -> Vec<Record> {
    records(count, |cells| json::object(&HEADER.map(str::to_owned), cells))
}

fn records(count: usize, value: impl Fn(&[Option<String>]) -> Vec<u8>) -> Vec<Record> {
    let plan = Plan {
        rows: count as u64,
        seed: 1,
        dirty: 0.0,
    };
    let mut csv = Vec::new();
    host::generate::orders(plan, &mut csv).expect("memory to write to");
    let csv = String::from_utf8(csv).expect("text");
    let partition = Arc::new(Partition {
        topic: "ecommerce-orders".into(),
        number: 0,
    });
    let record = |(offset, line): (i64, &str)| {
        let cells: Vec<_> = line
            .split(',')
            .map(|cell| (!cell.is_empty()).then(|| cell.to_owned()))
            .collect();
        Record {
            position: Position {
                partition: Arc::clone(&partition),
                offset: Offset(offset),
                line: None,
            },
            timestamp_ms: Some(1_506_941_793_000),
            key: None,
            value: Some(Bytes::from(value(&cells))),
            headers: Vec::new(),
            redriven: None,
        }
    };
    (0..).zip(csv.lines().skip(1)).map(record).collect()
}
