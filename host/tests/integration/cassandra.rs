//! The Cassandra sink on a real cluster: what is written, with which write timestamp, and what each failure says.

use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeBinaryArray, Int32Array, Int64Array, StringArray, TimestampMillisecondArray};
use host::app::look::verify::{self, Chunk, VerifyReport};
use host::cassandra::asking::Asking;
use host::cassandra::config::Compression;
use host::cassandra::schema::{self, State};
use host::cassandra::session::{self, ConnectError};
use host::cassandra::table::TableError;
use host::record::columns::{Batch, DataType};
use host::record::descriptor::{Descriptor, Effect, Rows, Target};
use host::sink::cassandra::config::{Config, CqlBatches};
use host::sink::cassandra::fit::Mismatch;
use host::sink::cassandra::read_back::CassandraReader;
use host::sink::cassandra::{CassandraSink, OpenError};
use host::sink::read_back::{ReadBack, RowRef};
use host::sink::{Sink, SinkFault, WriteBatch};
use scylla::client::session::Session;
use scylla::value::CqlValue;

use crate::support::sink::{batch, config, descriptor, field, keyspace, output, rows};

const VISITS: &str = "CREATE TABLE KS.visits (who int, at int, note text, Score int, PRIMARY KEY ((who), at))";

fn visits() -> Descriptor {
    let keys = || {
        vec![
            field("who", DataType::Int32, false),
            field("at", DataType::Int32, false),
        ]
    };
    let mut upsert = keys();
    upsert.extend([
        field("note", DataType::Text, true),
        field("Score", DataType::Int64, true),
    ]);
    descriptor(vec![output(Effect::Upsert, upsert), output(Effect::Delete, keys())])
}

fn ints(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn visit(at: &[i32], notes: Vec<Option<&str>>, scores: Vec<Option<i64>>, write_times: &[i64]) -> Arc<WriteBatch> {
    let columns: Vec<ArrayRef> = vec![
        ints(&vec![1; at.len()]),
        ints(at),
        Arc::new(StringArray::from(notes)),
        Arc::new(Int64Array::from(scores)),
    ];
    batch(0, columns, write_times)
}

#[tokio::test]
async fn a_row_carries_its_write_timestamp_and_an_older_write_changes_nothing() {
    let (session, keyspace) = keyspace("write_times", &[VISITS]).await;
    let sink = CassandraSink::open(&config(), &keyspace, &visits()).await.unwrap();
    let written = sink
        .write(visit(&[1], vec![Some("new")], vec![Some(7)], &[2000]), vec![0])
        .await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    let older = sink
        .write(visit(&[1], vec![Some("old")], vec![Some(3)], &[1999]), vec![0])
        .await;
    assert!(older.iter().all(Result::is_ok), "{older:?}");
    let query = format!("SELECT note, writetime(note), score, writetime(score) FROM {keyspace}.visits");
    assert_eq!(
        rows(&session, &query).await,
        [vec![
            Some(CqlValue::Text("new".into())),
            Some(CqlValue::BigInt(2000)),
            Some(CqlValue::Int(7)),
            Some(CqlValue::BigInt(2000)),
        ]]
    );
}

#[tokio::test]
async fn a_null_leaves_what_was_there_unless_nulls_are_asked_for() {
    let (session, keyspace) = keyspace("nulls", &[VISITS]).await;
    let query = format!("SELECT note, score FROM {keyspace}.visits");
    let sink = CassandraSink::open(&config(), &keyspace, &visits()).await.unwrap();
    sink.write(visit(&[1], vec![Some("kept")], vec![Some(7)], &[1000]), vec![0])
        .await;
    sink.write(visit(&[1], vec![None], vec![Some(8)], &[2000]), vec![0])
        .await;
    let kept = vec![Some(CqlValue::Text("kept".into())), Some(CqlValue::Int(8))];
    assert_eq!(rows(&session, &query).await, [kept]);

    let erasing = Config {
        write_nulls: true,
        ..config()
    };
    let sink = CassandraSink::open(&erasing, &keyspace, &visits()).await.unwrap();
    sink.write(visit(&[1], vec![None], vec![Some(9)], &[3000]), vec![0])
        .await;
    assert_eq!(rows(&session, &query).await, [vec![None, Some(CqlValue::Int(9))]]);
}

#[tokio::test]
async fn a_delete_takes_the_row_with_its_write_timestamp() {
    let (session, keyspace) = keyspace("deletes", &[VISITS]).await;
    let sink = CassandraSink::open(&config(), &keyspace, &visits()).await.unwrap();
    sink.write(
        visit(&[1, 2], vec![None, None], vec![Some(1), Some(2)], &[1000, 3000]),
        vec![0, 1],
    )
    .await;
    // Later than the first row, earlier than the second.
    let deletes = batch(1, vec![ints(&[1, 1]), ints(&[1, 2])], &[2000, 2000]);
    let answers = sink.write(deletes, vec![0, 1]).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let left = rows(&session, &format!("SELECT at FROM {keyspace}.visits")).await;
    assert_eq!(left, [vec![Some(CqlValue::Int(2))]]);
}

#[tokio::test]
async fn only_the_rows_asked_for_are_written_and_each_bad_one_answers_for_itself() {
    let (session, keyspace) = keyspace("which", &[VISITS]).await;
    let sink = CassandraSink::open(&config(), &keyspace, &visits()).await.unwrap();
    let too_large = i64::from(i32::MAX) + 1;
    let scores = vec![Some(0), Some(too_large), Some(2), Some(3)];
    let answers = sink
        .write(visit(&[0, 1, 2, 3], vec![None; 4], scores, &[1; 4]), vec![3, 1, 0])
        .await;
    assert_eq!(answers.len(), 3);
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    let refused = answers[1].as_ref().unwrap_err();
    assert_eq!(refused.fault, SinkFault::Value, "{refused:?}");
    assert_eq!(refused.to_string(), "column score: 2147483648 does not fit int");
    let mut written = rows(&session, &format!("SELECT at FROM {keyspace}.visits")).await;
    written.sort_by_key(|row| row[0].as_ref().and_then(CqlValue::as_int));
    assert_eq!(written, [vec![Some(CqlValue::Int(0))], vec![Some(CqlValue::Int(3))]]);
}

#[tokio::test]
async fn many_rows_of_many_batches_are_all_there() {
    let (session, keyspace) = keyspace("many", &[VISITS]).await;
    let sink = CassandraSink::open(&config(), &keyspace, &visits()).await.unwrap();
    let writes = (0..8).map(|number| {
        let at: Vec<i32> = (number * 500..(number + 1) * 500).collect();
        let scores = at.iter().map(|at| Some(i64::from(*at))).collect();
        sink.write(visit(&at, vec![Some("x"); 500], scores, &[1; 500]), (0..500).collect())
    });
    let answers = futures::future::join_all(writes).await;
    assert!(answers.iter().flatten().all(Result::is_ok));
    let count = rows(&session, &format!("SELECT count(*), sum(score) FROM {keyspace}.visits")).await;
    let sum = (0..4000).sum::<i32>();
    assert_eq!(count, [vec![Some(CqlValue::BigInt(4000)), Some(CqlValue::Int(sum))]]);
}

/// Each row of a refused CQL batch would be sent once more, by itself. The server counts the requests that it took.
#[tokio::test]
async fn cql_batches_stay_below_what_the_server_refuses_whatever_the_settings_say() {
    let (session, keyspace) = keyspace("too_large", &[VISITS]).await;
    let larger = Config {
        cql_batches: CqlBatches {
            partitions: Some(1000),
            bytes: Some(16 << 20),
        },
        ..config()
    };
    let sink = CassandraSink::open(&larger, &keyspace, &visits()).await.unwrap();
    let (at, note) = ((0..150).collect::<Vec<_>>(), "x".repeat(2000));
    let batch = visit(&at, vec![Some(&note); 150], vec![None; 150], &[1; 150]);
    let answers = sink.write(batch, (0..150).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let requests = format!(
        "SELECT \"count\" FROM system_views.coordinator_write_latency \
         WHERE keyspace_name = '{keyspace}' AND table_name = 'visits'"
    );
    let requests = rows(&session, &requests).await[0][0]
        .as_ref()
        .and_then(CqlValue::as_bigint);
    // 300 KB in CQL batches of 50 KiB at most.
    assert!(requests.is_some_and(|count| (6..=10).contains(&count)), "{requests:?}");
}

#[tokio::test]
async fn a_key_that_the_server_refuses_is_refused_for_its_row_alone() {
    let table = "CREATE TABLE KS.visits (name text PRIMARY KEY)";
    let (_session, keyspace) = keyspace("refused", &[table]).await;
    let names = descriptor(vec![output(Effect::Upsert, vec![field("name", DataType::Text, false)])]);
    let sink = CassandraSink::open(&config(), &keyspace, &names).await.unwrap();
    let long = "x".repeat(70_000);
    let column: ArrayRef = Arc::new(StringArray::from(vec!["", &long, "fine"]));
    let answers = sink.write(batch(0, vec![column], &[1; 3]), vec![0, 1, 2]).await;
    for answer in &answers[..2] {
        let fault = answer.as_ref().err().map(|error| error.fault);
        assert_eq!(fault, Some(SinkFault::Refused), "{answer:?}");
    }
    assert!(answers[2].is_ok(), "{:?}", answers[2]);
}

#[tokio::test]
async fn a_dropped_table_or_column_is_gone_and_a_table_made_again_is_written() {
    let (session, keyspace) = keyspace("gone", &[VISITS]).await;
    let sink = CassandraSink::open(&config(), &keyspace, &visits()).await.unwrap();
    let write = || sink.write(visit(&[1], vec![Some("x")], vec![Some(1)], &[1]), vec![0]);
    assert!(write().await[0].is_ok());
    for change in ["ALTER TABLE KS.visits DROP score", "DROP TABLE KS.visits"] {
        session
            .query_unpaged(change.replace("KS", &keyspace), ())
            .await
            .unwrap();
        let answer = write().await;
        let fault = answer[0].as_ref().err().map(|error| error.fault);
        assert_eq!(fault, Some(SinkFault::Gone), "{change}: {:?}", answer[0]);
    }
    session
        .query_unpaged(VISITS.replace("KS", &keyspace), ())
        .await
        .unwrap();
    let answer = write().await;
    assert!(answer[0].is_ok(), "{:?}", answer[0]);
}

#[tokio::test]
async fn what_is_not_there_is_named_with_what_is() {
    let (_session, keyspace) = keyspace("missing", &[VISITS]).await;
    let absent = CassandraSink::open(&config(), "cassandra_nowhere", &visits()).await;
    let Err(OpenError::Table(error @ TableError::NoKeyspace { .. })) = absent else {
        panic!("a keyspace that is not there was opened");
    };
    assert!(error.to_string().contains("`host setup` creates it"), "{error}");
    let mut elsewhere = visits();
    elsewhere.outputs[0].target = Target::Table("visitors".into());
    let Err(error) = CassandraSink::open(&config(), &keyspace, &elsewhere).await else {
        panic!("a table that is not there was opened");
    };
    assert_eq!(
        error.to_string(),
        format!(
            "there is no table visitors in keyspace {keyspace} (the tables are visits); `host setup` creates those of `cql/`"
        )
    );
}

#[tokio::test]
async fn a_plugin_that_does_not_fit_is_told_everything() {
    let (_session, keyspace) = keyspace("misfit", &[VISITS]).await;
    let fields = vec![field("who", DataType::Int32, true), field("note", DataType::Uuid, true)];
    let opened = CassandraSink::open(&config(), &keyspace, &descriptor(vec![output(Effect::Upsert, fields)])).await;
    let Err(OpenError::Fit(mismatches)) = opened else {
        panic!("it was opened");
    };
    assert!(
        matches!(
            mismatches.as_slice(),
            [
                Mismatch::NullableKey { .. },
                Mismatch::Type { .. },
                Mismatch::NoKeyField { .. }
            ]
        ),
        "{mismatches:?}"
    );
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_unreachable() {
    let mut nowhere = config();
    nowhere.session.connection.nodes = vec!["127.0.0.1:1".into()];
    let error = session::connect(&nowhere.session, "shop").await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Unreachable { .. }) && error.is_unreachable(),
        "{error:?}"
    );
    let line = format!("{:#}", anyhow::Error::new(error));
    assert!(line.starts_with("Cassandra does not answer at 127.0.0.1:1 ("), "{line}");
    assert!(line.ends_with("): Connection refused (os error 111)"), "{line}");
}

#[tokio::test]
async fn setup_creates_the_table_of_orders_once() {
    let (session, keyspace) = keyspace("setup", &[]).await;
    session
        .query_unpaged(format!("DROP KEYSPACE {keyspace}"), ())
        .await
        .unwrap();
    let file = include_str!("../../../cql/ecommerce.cql");
    let states = |created: Vec<schema::Created>| created.into_iter().map(|it| it.state).collect::<Vec<_>>();
    let asking = Asking::of(&session);
    let first = schema::create(&asking, file, &keyspace, 1).await.unwrap();
    assert_eq!(first[0].what, format!("keyspace {keyspace}"));
    assert_eq!(first[1].what, format!("table {keyspace}.orders"));
    assert_eq!(states(first), [State::Created, State::Created]);
    let second = schema::create(&asking, file, &keyspace, 1).await.unwrap();
    assert_eq!(states(second), [State::WasThere, State::WasThere]);
    assert_eq!(schema::replication_factor(&asking, &keyspace).await.unwrap(), Some(1));
    let columns = rows(
        &session,
        &format!("SELECT column_name, type, kind, position FROM system_schema.columns WHERE keyspace_name = '{keyspace}' AND table_name = 'orders'"),
    )
    .await;
    let columns: Vec<String> = columns
        .iter()
        .map(|row| {
            let text = |index: usize| {
                row[index]
                    .as_ref()
                    .and_then(CqlValue::as_text)
                    .cloned()
                    .unwrap_or_default()
            };
            let position = row[3].as_ref().and_then(CqlValue::as_int).unwrap_or_default();
            format!("{} {} {} {position}", text(0), text(1), text(2))
        })
        .collect();
    assert_eq!(
        columns,
        [
            "customer_id uuid partition_key 0",
            "order_approved_at timestamp regular -1",
            "order_delivered_carrier_date timestamp regular -1",
            "order_delivered_customer_date timestamp regular -1",
            "order_estimated_delivery_date timestamp regular -1",
            "order_id uuid clustering 0",
            "order_purchase_timestamp timestamp clustering 1",
            "order_status text regular -1",
            "orderdayofweek text regular -1",
            "orderhour int regular -1",
        ]
    );
}

/// One column of every type that can be written.
const EVERY_TYPE: &str = "CREATE TABLE KS.visits (
    id uuid, at timestamp,
    c_ascii ascii, c_bigint bigint, c_blob blob, c_boolean boolean, c_date date, c_decimal decimal, c_double double,
    c_float float, c_inet inet, c_int int, c_smallint smallint, c_text text, c_time time, c_timestamp timestamp,
    c_timeuuid timeuuid, c_tinyint tinyint, c_varint varint,
    c_list frozen<list<int>>, c_set set<text>, c_map map<text, double>, c_nested map<int, frozen<list<frozen<set<uuid>>>>>,
    c_frozen frozen<list<decimal>>, c_empty set<int>, c_none text,
    PRIMARY KEY (id, at))";

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a line for each type")]
async fn a_value_of_every_type_is_read_back_as_it_was_given() {
    use DataType as D;
    let (_session, keyspace) = keyspace("every_type", &[EVERY_TYPE]).await;
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let uuid = |value: u128| -> ArrayRef {
        Arc::new(FixedSizeBinaryArray::try_from_iter([value.to_be_bytes()].into_iter()).unwrap())
    };
    let time = |ms| -> ArrayRef { Arc::new(TimestampMillisecondArray::from(vec![ms])) };
    let whole = |value| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    let nested = r#"{"-1": [["e481f51c-bdc5-4678-bb18-c49d2d6cf9f7"], []]}"#;
    let first = 0x5055_4d6e_29bb_11e5_b345_feff_819c_dc9f_u128;
    let columns: Vec<(&str, D, ArrayRef, Option<&str>)> = vec![
        ("id", D::Uuid, uuid(7), Some("00000000-0000-0000-0000-000000000007")),
        ("at", D::Timestamp, time(-1), Some("1969-12-31T23:59:59.999Z")),
        ("c_ascii", D::Text, text("plain"), Some("plain")),
        ("c_bigint", D::Int64, whole(i64::MIN), Some("-9223372036854775808")),
        (
            "c_blob",
            D::Blob,
            Arc::new(arrow_array::BinaryArray::from(vec![b"\0\xff".as_slice()])),
            Some("0x00ff"),
        ),
        (
            "c_boolean",
            D::Boolean,
            Arc::new(arrow_array::BooleanArray::from(vec![true])),
            Some("true"),
        ),
        (
            "c_date",
            D::Date,
            Arc::new(arrow_array::Date32Array::from(vec![-719_529])),
            Some("-0001-12-31"),
        ),
        ("c_decimal", D::Text, text("-12.3400"), Some("-123400e-4")),
        (
            "c_double",
            D::Float64,
            Arc::new(arrow_array::Float64Array::from(vec![0.1])),
            Some("0.1"),
        ),
        (
            "c_float",
            D::Float64,
            Arc::new(arrow_array::Float64Array::from(vec![0.1])),
            Some("0.1"),
        ),
        ("c_inet", D::Text, text("2001:db8::1"), Some("2001:db8::1")),
        ("c_int", D::Int64, whole(-5), Some("-5")),
        ("c_smallint", D::Int32, ints(&[-32768]), Some("-32768")),
        ("c_text", D::Text, text("São Paulo"), Some("São Paulo")),
        (
            "c_time",
            D::Text,
            text("23:59:59.999999999"),
            Some("23:59:59.999999999"),
        ),
        (
            "c_timestamp",
            D::Text,
            text("2017-10-02T10:56:33+02:00"),
            Some("2017-10-02T08:56:33Z"),
        ),
        (
            "c_timeuuid",
            D::Uuid,
            uuid(first),
            Some("50554d6e-29bb-11e5-b345-feff819cdc9f"),
        ),
        ("c_tinyint", D::Int32, ints(&[127]), Some("127")),
        (
            "c_varint",
            D::Text,
            text("-123456789012345678901234567890"),
            Some("-123456789012345678901234567890"),
        ),
        ("c_list", D::Json, text("[3, 1, 3]"), Some("[3, 1, 3]")),
        ("c_set", D::Json, text(r#"["b", "a", "b"]"#), Some(r#"{"a", "b"}"#)),
        (
            "c_map",
            D::Json,
            text(r#"{"z": 1, "a": 0.5}"#),
            Some(r#"{"a": 0.5, "z": 1.0}"#),
        ),
        (
            "c_nested",
            D::Json,
            text(nested),
            Some("{-1: [{e481f51c-bdc5-4678-bb18-c49d2d6cf9f7}, {}]}"),
        ),
        ("c_frozen", D::Json, text(r#"["1.50", 2]"#), Some("[150e-2, 2e0]")),
        ("c_empty", D::Json, text("[]"), None),
        ("c_none", D::Text, Arc::new(StringArray::from(vec![None::<&str>])), None),
    ];
    let fields = columns
        .iter()
        .map(|(name, data_type, ..)| field(name, *data_type, *name == "c_none"));
    let every = descriptor(vec![output(Effect::Upsert, fields.collect())]);
    let arrays: Vec<ArrayRef> = columns.iter().map(|(_, _, array, _)| array.clone()).collect();

    let sink = CassandraSink::open(&config(), &keyspace, &every).await.unwrap();
    let answers = sink.write(batch(0, arrays.clone(), &[1]), vec![0]).await;
    assert!(answers[0].is_ok(), "{:?}", answers[0]);

    let reader = CassandraReader::open(&config(), &keyspace, &every).await.unwrap();
    let row = RowRef {
        batch: Arc::new(Batch {
            rows: 1,
            columns: arrays,
        }),
        row: 0,
    };
    let found = reader.read(0, &row).await.unwrap().expect("the row that was written");
    for ((name, _, _, expected), cell) in columns.iter().zip(&found.cells) {
        assert_eq!(cell.as_deref(), *expected, "column {name}");
    }
    assert_eq!(found, reader.image(0, &row).unwrap());
    assert_eq!(
        found.key,
        "id=00000000-0000-0000-0000-000000000007 at=1969-12-31T23:59:59.999Z"
    );
}

/// What one batch of records has become, as a plugin would give it.
fn rows_of(batch: &WriteBatch) -> Rows {
    Rows {
        output: batch.output,
        source: (0..).take(batch.batch.rows).collect(),
        batch: batch.batch.clone(),
    }
}

#[tokio::test]
async fn verify_finds_what_was_written_and_names_what_was_changed() {
    let (session, keyspace) = keyspace("verify", &[VISITS]).await;
    let sink = CassandraSink::open(&config(), &keyspace, &visits()).await.unwrap();
    let first: Vec<i32> = (0..300).collect();
    let again: Vec<i32> = (100..200).collect();
    let gone = |at: &[i32], time: i64| batch(1, vec![ints(&vec![1; at.len()]), ints(at)], &vec![time; at.len()]);
    let batches = [
        visit(&first, vec![Some("first"); 300], vec![Some(1); 300], &[1; 300]),
        // Only the score is given again, so the note stays.
        visit(&again, vec![None; 100], vec![Some(2); 100], &[2; 100]),
        gone(&[150, 151], 3),
        visit(&[150], vec![None], vec![Some(4)], &[4]),
    ];
    for batch in &batches {
        let answers = sink
            .write(Arc::clone(batch), (0..).take(batch.batch.rows).collect())
            .await;
        assert!(answers.iter().all(Result::is_ok));
    }
    let reader = CassandraReader::open(&config(), &keyspace, &visits()).await.unwrap();
    let visits = visits();
    let verify = async || {
        let chunks = batches.iter().map(|batch| {
            Ok(Chunk {
                rows: vec![rows_of(batch)],
                rejected: 0,
            })
        });
        let chunks: Vec<_> = chunks.collect();
        verify::compare(&reader, &visits, futures::stream::iter(chunks))
            .await
            .unwrap()
    };
    let fine = VerifyReport {
        expected: 299,
        found: 299,
        ..VerifyReport::default()
    };
    assert_eq!(verify().await, fine);
    for change in [
        "UPDATE KS.visits SET note = 'changed' WHERE who = 1 AND at = 7",
        "DELETE FROM KS.visits WHERE who = 1 AND at = 8",
        "INSERT INTO KS.visits (who, at) VALUES (1, 151)",
    ] {
        session
            .query_unpaged(change.replace("KS", &keyspace), ())
            .await
            .unwrap();
    }
    let report = verify().await;
    assert_eq!((report.found, report.missing, report.different), (298, 1, 2));
    assert_eq!(
        report.first,
        [
            "different  visits  who=1 at=7  note: expected \"first\", found \"changed\"",
            "missing    visits  who=1 at=8",
            "different  visits  who=1 at=151: expected no row, found one",
        ]
    );
}

/// How many connections there are whose client asked for this when it began, as the server has it.
async fn compressed(session: &Session, algorithm: &str) -> usize {
    let clients = rows(session, "SELECT client_options FROM system_views.clients").await;
    let asked = |cells: &Vec<Option<CqlValue>>| {
        let options = cells[0].as_ref().and_then(CqlValue::as_map)?;
        let text = |value: &CqlValue| value.as_text().cloned();
        let option = options
            .iter()
            .find(|(name, _)| text(name).as_deref() == Some("COMPRESSION"))?;
        (text(&option.1).as_deref() == Some(algorithm)).then_some(())
    };
    clients.iter().filter_map(asked).count()
}

#[tokio::test]
async fn rows_arrive_over_compressed_connections() {
    let (session, keyspace) = keyspace("compressed", &[VISITS]).await;
    let compressing = |compression| {
        let mut config = config();
        config.session.compression = compression;
        config
    };
    let all = [
        (Compression::None, "none"),
        (Compression::Lz4, "lz4"),
        (Compression::Snappy, "snappy"),
    ];
    for (number, (compression, name)) in all.into_iter().enumerate() {
        let before = [compressed(&session, "lz4").await, compressed(&session, "snappy").await];
        let sink = CassandraSink::open(&compressing(compression), &keyspace, &visits())
            .await
            .unwrap();
        let at: Vec<i32> = (0..).skip(number * 500).take(500).collect();
        let note = "the same words again and again ".repeat(4);
        let scores = at.iter().map(|at| Some(i64::from(*at))).collect();
        let batch = visit(&at, vec![Some(&note); 500], scores, &[1; 500]);
        let answers = sink.write(batch, (0..500).collect()).await;
        assert!(answers.iter().all(Result::is_ok), "{name}: {answers:?}");
        let after = [compressed(&session, "lz4").await, compressed(&session, "snappy").await];
        let more = [after[0] > before[0], after[1] > before[1]];
        assert_eq!(more, [name == "lz4", name == "snappy"], "{name}: {before:?}, {after:?}");
    }
    let query = format!("SELECT count(*), sum(score), min(note), max(note) FROM {keyspace}.visits");
    let note = CqlValue::Text("the same words again and again ".repeat(4));
    let sum = CqlValue::Int((0..1500).sum());
    let found = vec![Some(CqlValue::BigInt(1500)), Some(sum), Some(note.clone()), Some(note)];
    assert_eq!(rows(&session, &query).await, [found]);
}
