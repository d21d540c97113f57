//! CSV to Kafka to Cassandra, against an independent reading of the CSV.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::support::kafka::{create_topic, read_all, topic_config};
use crate::support::program::Job;
use crate::support::{cassandra, orders, plugin};

#[tokio::test(flavor = "multi_thread")]
async fn avro_and_json_give_exactly_the_rows_of_an_independent_reading() {
    for format in ["avro", "json"] {
        let job = Job::set_up(&format!("e2e_{format}"));
        job.host(&[
            "generate",
            "orders",
            "--rows",
            "3000",
            "--seed",
            "11",
            "--out",
            "orders.csv",
        ])
        .succeeded();
        job.host(&["produce", "orders.csv", "--format", format])
            .succeeded()
            .says("sent 3000 records");
        job.run(&["--exit-at-end"])
            .succeeded()
            .says("read 3000 records: 3000 rows written, 0 filtered, 0 rejected");
        let session = cassandra::session(&job.servers.cassandra).await;
        let found = cassandra::orders(&session, &job.keyspace).await;
        let expected = orders::expected(&job.read("orders.csv"));
        assert_eq!(found.len(), expected.len(), "{format}");
        for (id, order) in &expected {
            assert_eq!(found.get(id), Some(order), "{format}, {id}");
        }
        job.host(&["verify", "orders.csv", "--plugin", &plugin()])
            .succeeded()
            .says("0 missing");
        job.host(&["check", "--plugin", &plugin()]).succeeded();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_filled_twice_has_the_same_write_times() {
    let job = Job::set_up("twice");
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "2000",
        "--seed",
        "12",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();
    job.run(&["--exit-at-end"]).succeeded();
    let session = cassandra::session(&job.servers.cassandra).await;
    let first = (
        cassandra::orders(&session, &job.keyspace).await,
        cassandra::write_times(&session, &job.keyspace).await,
    );

    // A group of its own reads everything again, on top of what is there.
    job.run(&["--exit-at-end", "--group", &format!("{}-again", job.group)])
        .succeeded()
        .says("read 2000 records");
    let again = (
        cassandra::orders(&session, &job.keyspace).await,
        cassandra::write_times(&session, &job.keyspace).await,
    );
    assert!(first == again, "the same rows, the same write timestamps");

    // And into an empty table.
    cassandra::query(&session, &format!("TRUNCATE {}.orders", job.keyspace)).await;
    job.run(&["--exit-at-end", "--group", &format!("{}-anew", job.group)])
        .succeeded();
    let anew = (
        cassandra::orders(&session, &job.keyspace).await,
        cassandra::write_times(&session, &job.keyspace).await,
    );
    assert!(first == anew, "the same rows, the same write timestamps");
}

#[test]
fn set_up_twice_changes_nothing_and_says_so() {
    let job = Job::set_up("setup");
    let again = job.host(&["setup"]).succeeded();
    assert!(!again.stdout.contains(": created"), "{}", again.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_topic_keeps_its_letters_and_one_that_does_not_is_named() {
    let job = Job::new("setup_kept");
    let letters = format!("{}-dlq", job.topic);
    job.host(&["setup"]).succeeded();
    let kept = topic_config(&job.servers.kafka, &letters, "retention.ms").await;
    assert_eq!(kept.as_deref(), Some("-1"));

    let other = Job::new("setup_lossy");
    let letters = format!("{}-dlq", other.topic);
    create_topic(&other.servers.kafka, &letters, &[("retention.ms", "604800000")]).await;
    let said = other.host(&["setup"]).succeeded();
    said.says(&format!("topic {letters}: was there, 1 partitions"));
    said.says(&format!(
        "topic {letters}: it deletes letters of records older than retention.ms=604800000"
    ));
}

/// Rows that the topic does not take, among others that would go with them in a request, and behind one another of one
/// key.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_the_topic_does_not_take_is_named_with_its_line_and_all_others_go() {
    let job = Job::new("produce_refused");
    create_topic(&job.servers.kafka, &job.topic, &[("max.message.bytes", "4000")]).await;
    let mut csv = "id,version,text\n".to_owned();
    for line in 2..=2001 {
        // What compression makes nothing of.
        let bytes = if line == 500 || line == 1500 { 6_000 } else { 10 };
        let text: String = std::iter::repeat_with(fastrand::alphanumeric).take(bytes).collect();
        writeln!(csv, "{},{line},{text}", line % 50).unwrap();
    }
    job.write("rows.csv", &csv);
    let produced = job.host(&["produce", "rows.csv", "--format", "json", "--key", "{id}"]);
    produced.failed(1, &["2 records not delivered"]);
    produced.says("sent 1998 records");
    for line in [500, 1500] {
        produced.says(&format!("not delivered: rows.csv:{line}: key {}:", line % 50));
    }
    let mut last = BTreeMap::new();
    for record in read_all(&job.servers.kafka, &job.topic) {
        let value: serde_json::Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        let version: u32 = value["version"].as_str().unwrap().parse().unwrap();
        let earlier = last.insert(record.key, version);
        assert!(
            earlier.is_none_or(|earlier| earlier < version),
            "{earlier:?} before {version}"
        );
    }
    assert_eq!(last.len(), 50);

    // And one that a topic takes which takes more than others do.
    let large = Job::new("produce_large");
    create_topic(&large.servers.kafka, &large.topic, &[("max.message.bytes", "10485760")]).await;
    large.write("rows.csv", &format!("id,text\n1,{}\n", "x".repeat(2_000_000)));
    let produced = large.host(&["produce", "rows.csv", "--format", "json", "--key", "{id}"]);
    produced.succeeded().says("sent 1 records");
}

/// Brokers that are told to wait long for more records say only then that there are none: a member that asks them for
/// the end of each partition waits as long.
#[test]
fn a_run_to_the_end_does_not_wait_at_partitions_without_records() {
    let mut job = Job::new("empty_partitions");
    job.more_settings = "[source.kafka]\n\"fetch.wait.max.ms\" = 20000\n".to_owned();
    job.host(&["setup"]).succeeded();
    let read = |records: usize| {
        let begun = Instant::now();
        let said = format!("read {records} records: {records} rows written");
        job.run(&["--exit-at-end"]).succeeded().says(&said);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(10), "{records} records: {took:?}");
    };
    read(0);
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "1",
        "--seed",
        "14",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();
    read(1);
    // Nothing after what is committed.
    read(0);
}

#[test]
fn verify_finds_what_is_missing_and_what_is_different() {
    let job = Job::set_up("verify");
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "50",
        "--seed",
        "13",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    let csv = job.read("orders.csv");
    let half: String = csv.lines().take(26).map(|line| format!("{line}\n")).collect();
    job.write("half.csv", &half);
    job.host(&["produce", "half.csv"]).succeeded();
    job.run(&["--exit-at-end"]).succeeded();
    job.host(&["verify", "orders.csv", "--plugin", &plugin()])
        .failed(1, &["missing"]);
    job.write("changed.csv", &half.replacen(",delivered,", ",lost,", 1));
    job.host(&["verify", "changed.csv", "--plugin", &plugin()])
        .failed(1, &["1 different"]);
}
