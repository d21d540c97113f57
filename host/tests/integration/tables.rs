//! Tables under replay, on a real cluster: what is written again is as it was, how long rows live, and what is said of
//! tables and columns that do not bear a replay.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int32Array, Int64Array, StringArray};
use host::app::look::verify::{self, Chunk};
use host::record::columns::DataType;
use host::record::descriptor::{Descriptor, Effect, Rows};
use host::sink::cassandra::config::Config;
use host::sink::cassandra::read_back::CassandraReader;
use host::sink::cassandra::{CassandraSink, OpenError, ttl};
use host::sink::read_back::ReadBack;
use host::sink::{Sink, WriteBatch};
use scylla::value::CqlValue;

use crate::support::kafka::{self, Sent};
use crate::support::program::Job;
use crate::support::sink::{batch, config, descriptor, field, keyspace, output, rows};
use crate::support::{cassandra, plugin};

/// Each kind of collection that is written, as a plugin's `json` gives it.
const COLLECTIONS: [(&str, &str); 9] = [
    ("frozen<list<text>>", r#"["b", "a", "b"]"#),
    ("frozen<list<frozen<list<int>>>>", "[[1], [], [1]]"),
    ("set<text>", r#"["b", "a"]"#),
    ("frozen<set<int>>", "[3, 1]"),
    ("set<frozen<list<int>>>", "[[2], [1, 2]]"),
    ("map<text, int>", r#"{"b": 1, "a": 2}"#),
    ("frozen<map<text, int>>", r#"{"b": 1}"#),
    ("map<int, frozen<list<text>>>", r#"{"1": ["x", "x"]}"#),
    ("map<int, frozen<set<text>>>", r#"{"1": []}"#),
];

async fn write(sink: &CassandraSink, batch: Arc<WriteBatch>) {
    let all = (0..).take(batch.batch.rows).collect();
    let answers = sink.write(batch, all).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

fn ints(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

#[tokio::test]
async fn collections_that_are_written_again_are_as_they_were() {
    let columns: Vec<String> = (0..)
        .zip(COLLECTIONS)
        .map(|(n, (column, _))| format!("c{n} {column}"))
        .collect();
    let table = format!("CREATE TABLE KS.visits (id int PRIMARY KEY, {})", columns.join(", "));
    let (session, keyspace) = keyspace("collections", &[&table]).await;
    let name = |n: usize| format!("c{n}");
    let mut fields = vec![field("id", DataType::Int32, false)];
    fields.extend((0..COLLECTIONS.len()).map(|n| field(&name(n), DataType::Json, true)));
    let plugin = descriptor(vec![output(Effect::Upsert, fields)]);
    let values = |json: &str| -> ArrayRef { Arc::new(StringArray::from(vec![Some(json), None])) };
    let columns: Vec<ArrayRef> = std::iter::once(ints(&[1, 2]))
        .chain(COLLECTIONS.map(|(_, json)| values(json)))
        .collect();
    let sink = CassandraSink::open(&config(), &keyspace, &plugin).await.unwrap();
    let cells: Vec<String> = (0..COLLECTIONS.len())
        .map(|n| format!("c{n}, WRITETIME(c{n})"))
        .collect();
    let query = format!("SELECT id, {} FROM {keyspace}.visits", cells.join(", "));
    // What older records have put there is to go, each time.
    let older: Vec<ArrayRef> = std::iter::once(ints(&[1]))
        .chain(COLLECTIONS.map(|(column, _)| -> ArrayRef {
            let old = if column.contains("map<int") {
                r#"{"9": []}"#
            } else if column.contains("map") {
                r#"{"z": 9}"#
            } else {
                "[]"
            };
            Arc::new(StringArray::from(vec![old]))
        }))
        .collect();
    let mut seen = Vec::new();
    for _ in 0..3 {
        write(&sink, batch(0, older.clone(), &[984])).await;
        write(&sink, batch(0, columns.clone(), &[1000, 1000])).await;
        seen.push(rows(&session, &query).await);
    }
    assert_eq!(seen[0].len(), 2);
    assert_eq!(
        seen[0][0][1],
        Some(CqlValue::List(
            ["b", "a", "b"].map(|item| CqlValue::Text(item.into())).to_vec()
        ))
    );
    assert_eq!(seen[0][0][2], Some(CqlValue::BigInt(1000)));
    assert_eq!(seen[1], seen[0], "a replay changes nothing");
    assert_eq!(seen[2], seen[0], "nor does another one");
}

/// A list that is not frozen would have the elements of each of the three writes.
#[tokio::test]
async fn a_list_that_would_grow_is_refused_where_it_is_written() {
    let table = "CREATE TABLE KS.visits (id int PRIMARY KEY, val list<text>, deep list<frozen<set<int>>>, other text)";
    let (_session, keyspace) = keyspace("lists", &[table]).await;
    let key = || field("id", DataType::Int32, false);
    let plugin = |more: &[(&str, DataType)]| {
        let more = more.iter().map(|(name, data_type)| field(name, *data_type, true));
        descriptor(vec![output(
            Effect::Upsert,
            std::iter::once(key()).chain(more).collect(),
        )])
    };
    let growing = plugin(&[("val", DataType::Json), ("deep", DataType::Json)]);
    let error = CassandraSink::open(&config(), &keyspace, &growing)
        .await
        .err()
        .expect("it is refused");
    let text = error.to_string();
    assert!(matches!(error, OpenError::Fit(_)) && !error.is_unreachable(), "{text}");
    for words in [
        "field val",
        "field deep",
        "list<frozen<set<int>>>",
        "replay",
        "frozen<list<…>>",
        "ALTER TABLE",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    // Not written, it is no matter; nor is it in the way of a plugin that takes its place.
    let harmless = plugin(&[("other", DataType::Text)]);
    let sink = CassandraSink::open(&config(), &keyspace, &harmless).await.unwrap();
    assert!(sink.open_beside(&config(), &keyspace, &growing).await.is_err());
}

const LIVES: &str = "CREATE TABLE KS.visits (id int PRIMARY KEY, note text, tags set<text>, score bigint)";
const SHARED: &str =
    "CREATE TABLE KS.visits (id int PRIMARY KEY, note text, tags set<text>, score bigint, theirs text)";

fn lives() -> Descriptor {
    descriptor(vec![
        output(
            Effect::Upsert,
            vec![
                field("id", DataType::Int32, false),
                field("note", DataType::Text, true),
                field("tags", DataType::Json, true),
                field("score", DataType::Int64, true),
            ],
        ),
        output(Effect::Delete, vec![field("id", DataType::Int32, false)]),
    ])
}

fn life(ids: &[i32], note: Option<&str>, score: Option<i64>, seconds: i64) -> Arc<WriteBatch> {
    let columns: Vec<ArrayRef> = vec![
        ints(ids),
        Arc::new(StringArray::from(vec![note; ids.len()])),
        Arc::new(StringArray::from(vec![note.map(|_| r#"["a"]"#); ids.len()])),
        Arc::new(Int64Array::from(vec![score; ids.len()])),
    ];
    batch(0, columns, &vec![seconds * 1_000_000; ids.len()])
}

fn living(ttl: &str) -> Config {
    Config {
        ttl: ttl.parse().expect("a TTL of the test"),
        ..config()
    }
}

#[tokio::test]
async fn a_row_ends_with_its_records_time_however_often_it_is_written() {
    let with_default = format!("{LIVES} WITH default_time_to_live = 25");
    let (session, keyspace) = keyspace("ends", &[&with_default]).await;
    let sink = CassandraSink::open(&living("1h"), &keyspace, &lives()).await.unwrap();
    let begun = ttl::now();
    let (written, end) = (begun - 600, begun + 3000);
    for _ in 0..2 {
        write(&sink, life(&[1], Some("first"), Some(7), written)).await;
        let query = format!("SELECT TTL(note), TTL(score), TTL(tags), WRITETIME(note) FROM {keyspace}.visits");
        let before = ttl::now();
        let row = rows(&session, &query).await.remove(0);
        let after = ttl::now();
        let left = |value: &Option<CqlValue>| i64::from(value.as_ref().and_then(CqlValue::as_int).expect("a TTL"));
        let tags = row[2]
            .as_ref()
            .and_then(CqlValue::as_list)
            .expect("one for each element")[0]
            .clone();
        for ends in [left(&row[0]), left(&row[1]), left(&Some(tags))] {
            // A second may end between this host's look at the clock and the server's.
            assert!(
                (end - after..=end - before + 1).contains(&ends),
                "{ends} s left, not {}",
                end - after
            );
        }
        assert_eq!(row[3], Some(CqlValue::BigInt(written * 1_000_000)));
        tokio::time::sleep(Duration::from_millis(2100)).await;
    }
    // Without a TTL of its own the table's default holds, and never a TTL of 0, which would mean none.
    let sink = CassandraSink::open(&living("others=1h"), &keyspace, &lives())
        .await
        .unwrap();
    write(&sink, life(&[2], Some("second"), None, written)).await;
    let query = format!("SELECT TTL(note) FROM {keyspace}.visits WHERE id = 2");
    let left = rows(&session, &query).await[0][0].as_ref().and_then(CqlValue::as_int);
    assert!(left.is_some_and(|left| (1..=25).contains(&left)), "{left:?}");
}

#[tokio::test]
async fn a_row_whose_life_is_over_stays_away_and_hides_what_is_older() {
    let (session, keyspace) = keyspace("over", &[LIVES]).await;
    let forever = CassandraSink::open(&config(), &keyspace, &lives()).await.unwrap();
    let now = ttl::now();
    // Written without a TTL: older than the row to come, the same row itself, a newer one; and one that is not written again.
    write(&forever, life(&[1], Some("older"), Some(1), now - 8000)).await;
    write(&forever, life(&[2], Some("same"), Some(1), now - 7200)).await;
    write(&forever, life(&[3], Some("newer"), Some(1), now - 60)).await;
    write(&forever, life(&[4], Some("alone"), Some(1), now - 7200)).await;
    let sink = CassandraSink::open(&living("visits=1h"), &keyspace, &lives())
        .await
        .unwrap();
    let over = life(&[1, 2, 3], Some("same"), None, now - 7200);
    for _ in 0..2 {
        write(&sink, Arc::clone(&over)).await;
    }
    let query = format!("SELECT id, note, score FROM {keyspace}.visits");
    let mut left = rows(&session, &query).await;
    left.sort_by_key(|row| row[0].as_ref().and_then(CqlValue::as_int));
    let row = |id, note: &str| {
        vec![
            Some(CqlValue::Int(id)),
            Some(CqlValue::Text(note.into())),
            Some(CqlValue::BigInt(1)),
        ]
    };
    assert_eq!(left, [row(3, "newer"), row(4, "alone")]);
    // Deletes have no life.
    write(&sink, batch(1, vec![ints(&[4])], &[(now - 7200) * 1_000_000])).await;
    assert_eq!(rows(&session, &query).await, [row(3, "newer")]);
}

#[tokio::test]
async fn a_row_whose_life_is_over_takes_no_column_of_another_writer_with_it() {
    let (session, keyspace) = keyspace("shared", &[SHARED]).await;
    let now = ttl::now();
    let theirs = format!(
        "INSERT INTO {keyspace}.visits (id, note, score, theirs) VALUES (1, 'old', 5, 'stays') USING TIMESTAMP {}",
        (now - 9000) * 1_000_000
    );
    session.query_unpaged(theirs, ()).await.unwrap();
    let sink = CassandraSink::open(&living("1h"), &keyspace, &lives()).await.unwrap();
    // The null leaves its cell alone, as ever.
    write(&sink, life(&[1, 2], Some("over"), None, now - 7200)).await;
    let left = rows(
        &session,
        &format!("SELECT id, note, tags, score, theirs FROM {keyspace}.visits"),
    )
    .await;
    let stays = CqlValue::Text("stays".into());
    let row = vec![
        Some(CqlValue::Int(1)),
        None,
        None,
        Some(CqlValue::BigInt(5)),
        Some(stays),
    ];
    assert_eq!(left, [row]);
}

#[tokio::test]
async fn a_column_that_was_dropped_and_added_again_explains_what_verify_does_not_find() {
    let (session, keyspace) = keyspace("dropped", &[LIVES]).await;
    for change in ["DROP note", "ADD note text"] {
        let alter = format!("ALTER TABLE {keyspace}.visits {change}");
        session.query_unpaged(alter, ()).await.unwrap();
    }
    let sink = CassandraSink::open(&config(), &keyspace, &lives()).await.unwrap();
    let written = life(&[1], Some("hidden"), Some(7), ttl::now() - 7200);
    write(&sink, Arc::clone(&written)).await;
    let reader = CassandraReader::open(&config(), &keyspace, &lives()).await.unwrap();
    let remarks = reader.remarks().join("\n");
    assert!(
        remarks.contains(&format!("column note of table {keyspace}.visits was dropped at 20")),
        "{remarks}"
    );
    assert!(remarks.contains("never shows it"), "{remarks}");
    let chunk = Chunk {
        rows: vec![Rows {
            output: 0,
            source: vec![0],
            batch: written.batch.clone(),
        }],
        rejected: 0,
    };
    let report = verify::compare(&reader, &lives(), futures::stream::iter([Ok(chunk)]))
        .await
        .unwrap();
    assert_eq!(
        report.first,
        ["different  visits  id=1  note: expected \"hidden\", found no value (the column was dropped and added again)"]
    );
}

/// The whole program, on a table of orders whose rows have a default TTL and a column that was dropped and added again.
#[tokio::test(flavor = "multi_thread")]
async fn check_and_start_say_what_a_table_does_to_a_replay() {
    let mut job = Job::set_up("table_remarks");
    let session = cassandra::session(&job.servers.cassandra).await;
    for change in [
        "WITH default_time_to_live = 90000",
        "DROP order_status",
        "ADD order_status text",
    ] {
        let alter = format!("ALTER TABLE {}.orders {change}", job.keyspace);
        session.query_unpaged(alter, ()).await.unwrap();
    }
    let id = "0a1b2c3d4e5f46078899aabbccddeef7";
    let order =
        format!(r#"{{"order_id":"{id}","customer_id":"{id}","order_purchase_timestamp":"2017-10-02 10:56:33"}}"#);
    let sent = |timestamp_ms| Sent {
        key: Some(b"k"),
        value: Some(order.as_bytes()),
        timestamp_ms,
        headers: &[],
    };
    let yesterday = (ttl::now() - 86_400) * 1000;
    kafka::produce(&job.servers.kafka, &job.topic, &[sent(yesterday)]);
    let plugin = plugin();
    let default = format!("table {}.orders has default_time_to_live = 90000 s", job.keyspace);
    let remedy = "sink.cassandra.ttl = \"orders=25h\"";
    let dropped = format!("column order_status of table {}.orders was dropped at 20", job.keyspace);
    let checked = job.host(&["check", "--plugin", &plugin]).succeeded();
    let ran = job.run(&["--exit-at-end"]).succeeded();
    for words in [default.as_str(), remedy, &dropped] {
        checked.says(words);
        assert_eq!(ran.stderr.matches(words).count(), 1, "{words} once in\n{}", ran.stderr);
    }
    // With the setting the default has no say, and the row lives for three days from yesterday on.
    job.more_settings = "ttl = \"3d, nowhere=1d\"\n".into();
    let checked = job.host(&["check", "--plugin", &plugin]).succeeded();
    checked.says("orders: a row lives for 3d from the time of its record");
    checked.says("names table nowhere");
    let ran = job
        .run(&["--exit-at-end", "--group", &format!("{}_again", job.group)])
        .succeeded();
    assert!(!checked.stdout.contains(&default) && !ran.stderr.contains(&default));
    ran.says("names table nowhere");
    let query = format!("SELECT TTL(orderhour) FROM {}.orders", job.keyspace);
    let left = cassandra::query(&session, &query).await[0][0]
        .as_ref()
        .and_then(CqlValue::as_int)
        .expect("a TTL");
    assert!((172_000..=172_801).contains(&left), "{left}");
    let explained = job.host(&["explain", "0@0", "--plugin", &plugin]).succeeded();
    explained.says(" AND TTL 172");
    let explained = job
        .host(&["explain", "0@0", "--plugin", &plugin, "--ttl", "1h"])
        .succeeded();
    explained.says("DELETE FROM");
    explained.says("its life of 1h is over");
    // The life of the row is over by now.
    job.run(&[
        "--exit-at-end",
        "--ttl",
        "1h",
        "--group",
        &format!("{}_over", job.group),
    ])
    .succeeded();
    assert!(!cassandra::has_orders(&session, &job.keyspace).await);
    // What is only Cassandra's is said where rows go elsewhere.
    let elsewhere = job
        .run(&[
            "--exit-at-end",
            "--to",
            "orders.db",
            "--group",
            &format!("{}_file", job.group),
        ])
        .succeeded();
    elsewhere.says("sink.cassandra.ttl is for tables of Cassandra");
}
