//! The token that the sink computes of a row, by which it chooses the node, beside the one that the server has for it.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array,
    StringArray, TimestampMillisecondArray,
};
use host::cassandra::asking::Asking;
use host::cassandra::table::Table;
use host::record::columns::DataType;
use host::record::descriptor::Effect;
use host::sink::Sink;
use host::sink::cassandra::CassandraSink;
use host::sink::cassandra::bind::{Markers, Nulls};
use host::sink::cassandra::fit::fit;
use host::sink::cassandra::statement::TimestampMarker;
use scylla::value::CqlValue;

use crate::support::sink::{batch, config, descriptor, field, keyspace, output_to, rows};

/// A field that is a part of a partition key: its name, the column's type, what the plugin gives.
struct Part(&'static str, &'static str, DataType, ArrayRef);

/// A table whose partition key has these columns, in this order.
struct Case {
    table: &'static str,
    partition_key: &'static str,
    /// In the order of the plugin's fields.
    parts: Vec<Part>,
}

impl Case {
    fn create(&self) -> String {
        let columns = self.parts.iter().map(|Part(name, cql, ..)| format!("{name} {cql}, "));
        format!(
            "CREATE TABLE KS.{} ({}row int, PRIMARY KEY (({})))",
            self.table,
            columns.collect::<String>(),
            self.partition_key
        )
    }
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn ints(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn longs(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn uuids(values: &[u128]) -> ArrayRef {
    let bytes = values.iter().map(|value| value.to_be_bytes());
    Arc::new(FixedSizeBinaryArray::try_from_iter(bytes).expect("16 bytes each"))
}

fn times(values: &[i64]) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from(values.to_vec()))
}

/// One column: what goes into the frame as it is, and what is converted before.
fn of_one_column() -> Vec<Case> {
    use DataType as D;
    // Longer than one block of the hash, with bytes above 127 in its last part, which Cassandra takes as signed ones.
    let long = "São Paulo, Belém, Brasília, Curitiba e São Luís";
    let one: [(&'static str, &'static str, D, ArrayRef); 20] = [
        ("k_text", "text", D::Text, texts(&["test", long, "é"])),
        ("k_json", "text", D::Json, texts(&["{\"a\":1}", "[]", "null"])),
        ("k_uuid", "uuid", D::Uuid, uuids(&[0, u128::MAX, 7 << 64])),
        (
            "k_uuid_text",
            "uuid",
            D::Text,
            texts(&["e481f51c-bdc5-4678-bb18-c49d2d6cf9f7"; 3]),
        ),
        ("k_int", "int", D::Int32, ints(&[0, -1, i32::MAX])),
        ("k_int_long", "int", D::Int64, longs(&[0, -1, 1 << 20])),
        ("k_bigint", "bigint", D::Int64, longs(&[0, i64::MIN, i64::MAX])),
        ("k_bigint_int", "bigint", D::Int32, ints(&[0, -1, 77])),
        ("k_smallint", "smallint", D::Int32, ints(&[0, -32_768, 77])),
        ("k_tinyint", "tinyint", D::Int32, ints(&[0, -128, 77])),
        ("k_varint", "varint", D::Int64, longs(&[0, -129, i64::MAX])),
        ("k_decimal", "decimal", D::Text, texts(&["0", "-12.3400", "1e9"])),
        (
            "k_timestamp",
            "timestamp",
            D::Timestamp,
            times(&[0, -1, 1_506_934_593_123]),
        ),
        (
            "k_date",
            "date",
            D::Date,
            Arc::new(Date32Array::from(vec![0, -1, 17_441])),
        ),
        (
            "k_time",
            "time",
            D::Text,
            texts(&["00:00:00", "23:59:59.999999999", "12:00:00"]),
        ),
        (
            "k_boolean",
            "boolean",
            D::Boolean,
            Arc::new(BooleanArray::from(vec![true, false, true])),
        ),
        (
            "k_double",
            "double",
            D::Float64,
            Arc::new(Float64Array::from(vec![0.0, -0.0, 0.1])),
        ),
        (
            "k_blob",
            "blob",
            D::Blob,
            Arc::new(BinaryArray::from(vec![&b"\0\xff"[..], &[128; 17], &[1; 16]])),
        ),
        (
            "k_inet",
            "inet",
            D::Text,
            texts(&["127.0.0.1", "2001:db8::1", "::ffff:1.2.3.4"]),
        ),
        (
            "k_list",
            "frozen<list<text>>",
            D::Json,
            texts(&[r#"["b", "a"]"#, "[]", r#"["é", "z", "z"]"#]),
        ),
    ];
    let one = one.into_iter().map(|(table, cql, data_type, values)| Case {
        table,
        partition_key: "a",
        parts: vec![Part("a", cql, data_type, values)],
    });
    one.collect()
}

/// Several columns, of which the first is empty once, in another order than the fields have.
fn of_several_columns() -> Vec<Case> {
    use DataType as D;
    vec![
        Case {
            table: "k_two",
            partition_key: "a, b",
            parts: vec![
                Part("a", "text", D::Text, texts(&["test", "", "São"])),
                Part("b", "int", D::Int32, ints(&[-7, 0, 7])),
            ],
        },
        Case {
            table: "k_turned",
            partition_key: "b, a",
            parts: vec![
                Part("a", "text", D::Text, texts(&["test", "", "São"])),
                Part("b", "int", D::Int32, ints(&[-7, 0, 7])),
            ],
        },
        Case {
            table: "k_five",
            partition_key: "e, c, a, b, d",
            parts: vec![
                Part("a", "bigint", D::Int64, longs(&[0, -1, i64::MAX])),
                Part("b", "timestamp", D::Timestamp, times(&[0, -1, 1_506_934_593_123])),
                Part("c", "uuid", D::Uuid, uuids(&[0, u128::MAX, 7])),
                Part("d", "varint", D::Int32, ints(&[0, 200, -200])),
                Part("e", "text", D::Text, texts(&["", "x", "é"])),
            ],
        },
    ]
}

#[tokio::test]
async fn the_token_of_a_row_is_the_servers() {
    let mut cases = of_one_column();
    cases.extend(of_several_columns());
    let statements: Vec<String> = cases.iter().map(Case::create).collect();
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    let (session, keyspace) = keyspace("tokens", &statements).await;
    for case in cases {
        let fields = case
            .parts
            .iter()
            .map(|Part(name, _, data_type, _)| field(name, *data_type, false));
        let fields = fields.chain([field("row", DataType::Int32, false)]).collect();
        let output = output_to(case.table, Effect::Upsert, fields);
        let columns = case.parts.iter().map(|part| Arc::clone(&part.3));
        let batch = batch(0, columns.chain([ints(&[0, 1, 2])]).collect(), &[1; 3]);

        let table = Table::find(&Asking::of(&session), &keyspace, case.table).await;
        let table = table.expect("an answer").expect("the table of the case");
        let bindings = fit(&output, &table).expect("what fits its table");
        let markers = Markers::of(&table, bindings, TimestampMarker::Last, Nulls::Unset);
        let (bound, misfits) = markers.bind(&batch, &[0, 1, 2]);
        assert!(misfits.is_empty(), "{}: {misfits:?}", case.table);

        let sink = CassandraSink::open(&config(), &keyspace, &descriptor(vec![output])).await;
        let answers = sink.expect("a sink").write(Arc::clone(&batch), vec![0, 1, 2]).await;
        assert!(answers.iter().all(Result::is_ok), "{}: {answers:?}", case.table);
        let query = format!(
            "SELECT row, token({}) FROM {keyspace}.{}",
            case.partition_key, case.table
        );
        let mut found = 0;
        for cells in rows(&session, &query).await {
            let [Some(CqlValue::Int(row)), Some(CqlValue::BigInt(token))] = cells[..] else {
                panic!("{}: {cells:?}", case.table);
            };
            let row = u32::try_from(row).expect("the number of a row");
            assert_eq!(bound.token(row), token, "{}, row {row}", case.table);
            found += 1;
        }
        let keys = (0..3)
            .map(|row| bound.token(row))
            .collect::<std::collections::BTreeSet<_>>();
        assert_eq!(found, keys.len(), "{}: rows of one key are one row", case.table);
    }
}
