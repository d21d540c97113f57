//! Decodes whole batches: every origin, both formats, and every reason for a reject. The registry is a map of schemas.

use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::record::Header;
use crate::record::columns::DataType;
use crate::record::descriptor::{Field, Origin};
use crate::record::position::{Offset, Partition, Position};

const ID: u32 = 7;

fn input(name: &str, data_type: DataType, nullable: bool, origin: Origin) -> Input {
    let name = name.to_owned();
    Input {
        field: Field {
            name,
            data_type,
            nullable,
        },
        origin,
    }
}

fn required(name: &str, data_type: DataType) -> Input {
    input(name, data_type, false, Origin::Value(name.to_owned()))
}

fn optional(name: &str, data_type: DataType) -> Input {
    input(name, data_type, true, Origin::Value(name.to_owned()))
}

fn record(value: Option<&[u8]>) -> Record {
    let partition = Arc::new(Partition {
        topic: "orders".into(),
        number: 3,
    });
    Record {
        position: Position {
            partition,
            offset: Offset(42),
            line: None,
        },
        timestamp_ms: Some(1_000),
        key: Some(Bytes::from_static(b"\xFFkey")),
        value: value.map(Bytes::copy_from_slice),
        headers: vec![
            Header {
                key: "trace".to_owned(),
                value: Some(Bytes::from_static(b"first")),
            },
            Header {
                key: "trace".to_owned(),
                value: Some(Bytes::from_static(b"last")),
            },
            Header {
                key: "none".to_owned(),
                value: None,
            },
        ],
        redriven: None,
    }
}

fn framed(datum: &[u8]) -> Vec<u8> {
    [&[0], ID.to_be_bytes().as_slice(), datum].concat()
}

fn encode(schema: &Schema, fields: Vec<(&str, Value)>) -> Vec<u8> {
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let writer = GenericDatumWriter::builder(schema).build().expect("a schema");
    framed(
        &writer
            .write_value_to_vec(Value::Record(fields))
            .expect("a value of the schema"),
    )
}

fn record_schema(fields: &str) -> Schema {
    Schema::parse_str(&format!(r#"{{"type": "record", "name": "R", "fields": [{fields}]}}"#)).expect("a schema")
}

/// The schema, read by the codec.
fn read(schema: &Schema) -> crate::codec::schema::Schema {
    let text = serde_json::to_string(schema).expect("its text");
    crate::codec::schema::Schema::parse(&text).expect("a schema")
}

fn decode(inputs: &[Input], schema: Option<&Schema>, records: &[Record]) -> Decoded {
    let plan = match schema {
        Some(schema) => Plan::new(ID, Arc::new(read(schema)), inputs).map(Arc::new),
        None => Err(rejects::no_registry(ID)),
    };
    Decoder::new(inputs, None).decode_with(records, &HashMap::from([(ID, plan)]))
}

fn one(inputs: &[Input], schema: Option<&Schema>, value: &[u8]) -> Decoded {
    decode(inputs, schema, &[record(Some(value))])
}

/// `code: message` of the only record, which must be a reject.
fn reject(inputs: &[Input], schema: Option<&Schema>, value: &[u8]) -> String {
    let decoded = one(inputs, schema, value);
    assert_eq!((decoded.batch.rows, decoded.rejects.len()), (0, 1), "{decoded:?}");
    assert_eq!(decoded.rejects[0].1.stage, crate::record::stage::Stage::Decode);
    decoded.rejects[0].1.to_string()
}

/// The only column's only value.
fn text(inputs: &[Input], schema: Option<&Schema>, value: &[u8]) -> String {
    let decoded = one(inputs, schema, value);
    assert!(decoded.rejects.is_empty(), "{:?}", decoded.rejects);
    decoded.batch.columns[0].as_string::<i32>().value(0).to_owned()
}

static ORDERS: LazyLock<Schema> = LazyLock::new(|| {
    Schema::parse_str(include_str!("../../../../schemas/ecommerce-orders-value.avsc")).expect("the project's schema")
});

#[test]
fn every_column_has_the_arrow_type_of_its_data_type() {
    let inputs: Vec<_> = DataType::ALL
        .iter()
        .map(|&data_type| optional(data_type.name(), data_type))
        .collect();
    let value = br#"{"boolean": true, "int32": "5", "int64": 6, "float64": 1.5, "text": 1.50, "blob": "0x01",
        "json": {"a": [1]}, "uuid": "e481f51cbdc54d678af739f0b4ad5b81", "timestamp": "2017-10-02 10:56:33", "date": "1970-01-02"}"#;
    let batch = decode(&inputs, None, &[record(Some(value)), record(Some(b"{}"))]).batch;
    assert_eq!(batch.rows, 2);
    for (column, data_type) in batch.columns.iter().zip(DataType::ALL) {
        assert_eq!(*column.data_type(), data_type.to_arrow());
        assert_eq!(
            (column.len(), column.is_null(0), column.is_null(1)),
            (2, false, true),
            "{data_type}"
        );
    }
    assert!(batch.columns[0].as_boolean().value(0));
    assert_eq!(batch.columns[1].as_primitive::<Int32Type>().value(0), 5);
    assert_eq!(batch.columns[2].as_primitive::<Int64Type>().value(0), 6);
    assert!((batch.columns[3].as_primitive::<Float64Type>().value(0) - 1.5).abs() < f64::EPSILON);
    assert_eq!(batch.columns[4].as_string::<i32>().value(0), "1.50");
    assert_eq!(batch.columns[5].as_binary::<i32>().value(0), [1]);
    assert_eq!(batch.columns[6].as_string::<i32>().value(0), r#"{"a": [1]}"#);
    assert_eq!(batch.columns[7].as_fixed_size_binary().value(0)[..2], [0xe4, 0x81]);
    assert_eq!(
        batch.columns[8].as_primitive::<TimestampMillisecondType>().value(0),
        1_506_941_793_000
    );
    assert_eq!(batch.columns[9].as_primitive::<Date32Type>().value(0), 1);
}

#[test]
fn rows_and_rejects_keep_the_records_numbers() {
    let inputs = [required("id", DataType::Int32)];
    let values: [&[u8]; 4] = [br#"{"id": 1}"#, b"oops", br#"{"id": 3}"#, br#"{"id": null}"#];
    let decoded = decode(&inputs, None, &values.map(|value| record(Some(value))));
    assert_eq!(decoded.rows, [0, 2]);
    assert_eq!(decoded.batch.columns[0].as_primitive::<Int32Type>().values(), &[1, 3]);
    let codes: Vec<_> = decoded
        .rejects
        .iter()
        .map(|(index, reject)| (*index, reject.code.as_ref()))
        .collect();
    assert_eq!(codes, [(1, "bad-json"), (3, "null-field")]);
}

#[test]
fn a_json_reject_says_what_came_and_what_was_expected() {
    let inputs = [required("id", DataType::Int32)];
    let of = |value: &[u8]| reject(&inputs, None, value);
    assert_eq!(
        of(br#"{"id": "abc"}"#),
        "bad-type: field id is string \"abc\", expected int32"
    );
    assert_eq!(of(br#"{"id": [1]}"#), "bad-type: field id is an array, expected int32");
    assert_eq!(of(br#"{"id": null}"#), "null-field: field id is null, expected int32");
    assert_eq!(of(br#"{"ID": 1}"#), "missing-field: field id is missing");
    assert_eq!(of(b""), "bad-json: the value is empty, which is not a JSON object");
    for bad in [
        &b"[1]"[..],
        b"null",
        b"{\"id\": 1} x",
        b"{\"id\": 1",
        b"\0\0",
        b"{\"id\": \"\\ud800\"}",
        b"\xFF{}",
    ] {
        assert!(of(bad).starts_with("bad-json: "), "{bad:?}: {}", of(bad));
    }
    assert!(of(&framed(b"\x02")).starts_with("no-registry: the value is Avro with schema 7"));
    let tombstone = decode(&inputs, None, &[record(None)]);
    assert_eq!(tombstone.rejects[0].1.code, "tombstone");
}

#[test]
fn deep_nesting_is_no_danger_wherever_it_stands() {
    let deep = format!("{{\"id\": {}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(reject(&[required("id", DataType::Json)], None, deep.as_bytes()).starts_with("bad-json: "));
    assert!(reject(&[required("id", DataType::Int32)], None, deep.as_bytes()).starts_with("bad-type: "));
    assert_eq!(
        one(&[optional("other", DataType::Int32)], None, deep.as_bytes()).rows,
        [0]
    );
}

#[test]
fn the_other_origins_come_from_the_record() {
    let header = |name: &str| Origin::Header(name.to_owned());
    let inputs = [
        input("key", DataType::Blob, false, Origin::Key),
        input("trace", DataType::Text, false, header("trace")),
        input("none", DataType::Text, true, header("none")),
        input("absent", DataType::Text, true, header("absent")),
        input("time", DataType::Timestamp, false, Origin::RecordTimestamp),
        input("partition", DataType::Int32, false, Origin::Partition),
        input("offset", DataType::Int64, false, Origin::Offset),
        input("topic", DataType::Text, false, Origin::Topic),
        input("whole", DataType::Text, true, Origin::WholeValue),
    ];
    let decoded = decode(&inputs, None, &[record(Some(b"any text")), record(None)]);
    let columns = &decoded.batch.columns;
    assert_eq!(decoded.rows, [0, 1]);
    assert_eq!(columns[0].as_binary::<i32>().value(0), b"\xFFkey");
    assert_eq!(columns[1].as_string::<i32>().value(0), "last");
    assert!(columns[2].is_null(0) && columns[3].is_null(0));
    assert_eq!(columns[4].as_primitive::<TimestampMillisecondType>().value(0), 1_000);
    assert_eq!(columns[5].as_primitive::<Int32Type>().value(0), 3);
    assert_eq!(columns[6].as_primitive::<Int64Type>().value(0), 42);
    assert_eq!(columns[7].as_string::<i32>().value(0), "orders");
    assert_eq!(columns[8].as_string::<i32>().value(0), "any text");
    assert!(columns[8].is_null(1));

    assert_eq!(
        reject(&[input("k", DataType::Text, false, Origin::Key)], None, b"{}"),
        "bad-type: key is 4 bytes, expected text"
    );
    let absent = [input("h", DataType::Text, false, header("absent"))];
    assert_eq!(reject(&absent, None, b"{}"), "missing-field: header absent is missing");
}

#[test]
fn avro_logical_types_fit_their_columns() {
    let schema = record_schema(
        r#"{"name": "micros", "type": {"type": "long", "logicalType": "timestamp-micros"}},
           {"name": "day", "type": {"type": "int", "logicalType": "date"}},
           {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
           {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A", "B"]}},
           {"name": "raw", "type": {"type": "fixed", "name": "F", "size": 2}},
           {"name": "nested", "type": ["null", {"type": "record", "name": "N", "fields": [
               {"name": "prices", "type": {"type": "map", "values": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 1}]}}]}]}"#,
    );
    let decimal = |unscaled: i8| Value::Decimal(unscaled.to_be_bytes().to_vec().into());
    let some = |value| Value::Union(1, Box::new(value));
    let prices = [("b", decimal(-5)), ("a", decimal(12))].map(|(key, value)| (key.to_owned(), some(value)));
    let value = encode(
        &schema,
        vec![
            ("micros", Value::TimestampMicros(-1)),
            ("day", Value::Date(365)),
            ("price", decimal(-7)),
            ("kind", Value::Enum(1, "B".to_owned())),
            ("raw", Value::Fixed(2, vec![0, 255])),
            (
                "nested",
                some(Value::Record(vec![("prices".to_owned(), Value::Map(prices.into()))])),
            ),
        ],
    );
    let inputs = [
        required("micros", DataType::Timestamp),
        required("day", DataType::Date),
        required("price", DataType::Text),
        required("kind", DataType::Text),
        required("raw", DataType::Blob),
        required("nested", DataType::Json),
        input("whole", DataType::Json, false, Origin::WholeValue),
    ];
    let decoded = one(&inputs, Some(&schema), &value);
    assert!(decoded.rejects.is_empty(), "{:?}", decoded.rejects);
    let columns = &decoded.batch.columns;
    assert_eq!(columns[0].as_primitive::<TimestampMillisecondType>().value(0), -1);
    assert_eq!(columns[1].as_primitive::<Date32Type>().value(0), 365);
    assert_eq!(columns[2].as_string::<i32>().value(0), "-0.07");
    assert_eq!(columns[3].as_string::<i32>().value(0), "B");
    assert_eq!(columns[4].as_binary::<i32>().value(0), [0, 255]);
    let nested = r#"{"prices":{"a":"1.2","b":"-0.5"}}"#;
    assert_eq!(columns[5].as_string::<i32>().value(0), nested);
    let whole = columns[6].as_string::<i32>().value(0);
    assert_eq!(
        whole,
        format!(
            r#"{{"micros":"1969-12-31T23:59:59.999Z","day":"1971-01-01","price":"-0.07","kind":"B","raw":"0x00ff","nested":{nested}}}"#
        )
    );
}

#[test]
fn avro_fields_go_by_name_or_alias_and_promote() {
    let schema = record_schema(
        r#"{"name": "extra", "type": "string"}, {"name": "n", "type": "int"}, {"name": "new", "aliases": ["old"], "type": "string"}"#,
    );
    let value = encode(
        &schema,
        vec![("extra", "x".into()), ("n", 5.into()), ("new", "here".into())],
    );
    assert_eq!(text(&[required("old", DataType::Text)], Some(&schema), &value), "here");
    let decoded = one(
        &[
            required("n", DataType::Int64),
            required("n", DataType::Float64),
            optional("gone", DataType::Text),
        ],
        Some(&schema),
        &value,
    );
    assert_eq!(decoded.batch.columns[0].as_primitive::<Int64Type>().value(0), 5);
    assert!((decoded.batch.columns[1].as_primitive::<Float64Type>().value(0) - 5.0).abs() < f64::EPSILON);
    assert!(decoded.batch.columns[2].is_null(0));
    assert_eq!(
        reject(&[required("gone", DataType::Text)], Some(&schema), &value),
        "missing-field: field gone is missing"
    );
    assert_eq!(
        reject(&[required("n", DataType::Uuid)], Some(&schema), &value),
        "bad-type: field n is integer 5, expected uuid"
    );
}

#[test]
fn avro_cut_at_any_byte_or_followed_by_more_is_a_reject() {
    let inputs = [
        optional("order_id", DataType::Text),
        optional("order_status", DataType::Text),
    ];
    let some = |text: &str| Value::Union(1, Box::new(text.into()));
    let fields = match &*ORDERS {
        Schema::Record(record) => record
            .fields
            .iter()
            .map(|field| (field.name.as_str(), some("text")))
            .collect(),
        _ => Vec::new(),
    };
    let whole = encode(&ORDERS, fields);
    assert_eq!(one(&inputs, Some(&ORDERS), &whole).rows, [0]);
    for length in 5..whole.len() {
        assert_eq!(
            reject(&inputs, Some(&ORDERS), &whole[..length]),
            "bad-avro: the Avro record ends before its last field",
            "{length}"
        );
    }
    let longer = [whole.as_slice(), b"\0"].concat();
    assert_eq!(
        reject(&inputs, Some(&ORDERS), &longer),
        "bad-avro: 1 bytes are left over after the Avro record"
    );
}

#[test]
fn avro_that_claims_gigabytes_or_has_no_end_is_a_reject() {
    let inputs = [required("s", DataType::Text)];
    let schema = record_schema(r#"{"name": "s", "type": "string"}"#);
    // A string of 2^40 bytes, as a zigzag varint.
    let huge = framed(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
    assert!(reject(&inputs, Some(&schema), &huge).starts_with("bad-avro: "));

    // Records are nested without an end.
    let list = record_schema(r#"{"name": "s", "type": "string"}, {"name": "next", "type": ["null", "R"]}"#);
    let deep = framed(&[0, 2].repeat(100_000));
    assert!(reject(&inputs, Some(&list), &deep).contains("field next: values stand more than 127 deep"));
    assert!(reject(&[required("next", DataType::Json)], Some(&list), &deep).contains("more than 127 deep"));
    let short = framed(b"\x02a\x02\x02b\x02\x02c\0");
    assert_eq!(text(&inputs, Some(&list), &short), "a");
    assert_eq!(
        text(&[required("next", DataType::Json)], Some(&list), &short),
        r#"{"s":"b","next":{"s":"c","next":null}}"#
    );

    // 2^60 nulls, which take no bytes, twice.
    let nothing =
        record_schema(r#"{"name": "a", "type": {"type": "array", "items": "null"}}, {"name": "s", "type": "string"}"#);
    let count = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20];
    let nulls = framed(&[count.as_slice(), &count, b"\0\x02a"].concat());
    assert_eq!(text(&inputs, Some(&nothing), &nulls), "a");
    assert!(reject(&[required("a", DataType::Json)], Some(&nothing), &nulls).contains("take no bytes"));

    let wide = record_schema(
        r#"{"name": "s", "type": "string"}, {"name": "f", "type": {"type": "fixed", "name": "F", "size": 1099511627776}}"#,
    );
    let ended = "bad-avro: the Avro record ends before its last field";
    assert_eq!(reject(&inputs, Some(&wide), &framed(b"\x02a")), ended);
    let text = reject(&inputs, Some(&Schema::String), &framed(b"\x02a"));
    assert_eq!(text, "bad-avro: schema 7: a value is of type string, not a record");
}

proptest! {
    #[test]
    fn any_bytes_are_a_row_or_a_reject(bytes in prop::collection::vec(any::<u8>(), 0..80), shaped in "[{}\\[\\]\":,a-c0-9.eE\\\\ -]{0,40}") {
        let inputs = [optional("a", DataType::Json), optional("order_id", DataType::Text), optional("c", DataType::Float64)];
        for value in [bytes.clone(), framed(&bytes), shaped.into_bytes()] {
            let decoded = one(&inputs, Some(&ORDERS), &value);
            prop_assert_eq!(decoded.rows.len() + decoded.rejects.len(), 1);
            prop_assert_eq!(decoded.batch.rows, decoded.rows.len());
        }
    }

    #[test]
    fn what_avro_writes_is_what_comes_out(
        rows in prop::collection::vec((any::<i32>(), any::<i64>(), any::<f64>(), any::<bool>(), prop::option::of("\\PC{0,20}"), prop::collection::vec(any::<u8>(), 0..20)), 0..20)
    ) {
        let schema = record_schema(
            r#"{"name": "i", "type": "int"}, {"name": "l", "type": "long"}, {"name": "d", "type": "double"}, {"name": "b", "type": "boolean"},
               {"name": "s", "type": ["null", "string"]}, {"name": "y", "type": "bytes"}"#,
        );
        let inputs = [required("i", DataType::Int32), required("l", DataType::Int64), required("d", DataType::Float64),
            required("b", DataType::Boolean), optional("s", DataType::Text), required("y", DataType::Blob)];
        let records: Vec<_> = rows.iter().cloned().map(|(i, l, d, b, s, y)| {
            let fields = vec![("i", i.into()), ("l", l.into()), ("d", d.into()), ("b", b.into()), ("s", s.into()), ("y", y.into())];
            record(Some(&encode(&schema, fields)))
        }).collect();
        let decoded = decode(&inputs, Some(&schema), &records);
        prop_assert_eq!(decoded.batch.rows, rows.len());
        let columns = &decoded.batch.columns;
        for (index, (i, l, d, b, s, y)) in rows.iter().enumerate() {
            prop_assert_eq!(columns[0].as_primitive::<Int32Type>().value(index), *i);
            prop_assert_eq!(columns[1].as_primitive::<Int64Type>().value(index), *l);
            prop_assert_eq!(columns[2].as_primitive::<Float64Type>().value(index).to_bits(), d.to_bits());
            prop_assert_eq!(columns[3].as_boolean().value(index), *b);
            let text = columns[4].as_string::<i32>();
            prop_assert_eq!((!text.is_null(index)).then(|| text.value(index)), s.as_deref());
            prop_assert_eq!(columns[5].as_binary::<i32>().value(index), y.as_slice());
        }
    }

    #[test]
    fn what_json_writes_is_what_comes_out(l in any::<i64>(), d in -1e300_f64..1e300, s in prop::option::of("\\PC{0,20}")) {
        let inputs = [required("l", DataType::Int64), required("d", DataType::Float64), optional("s", DataType::Text)];
        let value = serde_json::json!({"s": s, "extra": {"l": 1}, "d": d, "l": l}).to_string();
        let decoded = one(&inputs, None, value.as_bytes());
        prop_assert!(decoded.rejects.is_empty(), "{:?}", decoded.rejects);
        let columns = &decoded.batch.columns;
        prop_assert_eq!(columns[0].as_primitive::<Int64Type>().value(0), l);
        prop_assert_eq!(columns[1].as_primitive::<Float64Type>().value(0).to_bits(), d.to_bits());
        let text = columns[2].as_string::<i32>();
        prop_assert_eq!((!text.is_null(0)).then(|| text.value(0)), s.as_deref());
    }
}
