//! `host explain` on real records: what it says is what `host run` does.

use crate::support::kafka::{self, Sent};
use crate::support::program::Job;
use crate::support::{cassandra, plugin};

const ID: &str = "0a1b2c3d4e5f46078899aabbccddeef7";

fn explain(job: &Job, record: &str, more: &[&str]) -> crate::support::program::Seen {
    let (plugin, record) = (plugin(), format!("{}/{record}", job.topic));
    let mut arguments = vec!["explain", &record, "--plugin", &plugin];
    arguments.extend(more);
    job.host(&arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cql_that_it_shows_writes_the_row_that_a_run_writes() {
    let job = Job::set_up("explain");
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "40",
        "--seed",
        "51",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();
    let before = explain(&job, "0@3", &[]).succeeded();
    before.says("the table has no such row yet");
    before.says("exact: counted over all 3 records before it");
    job.run(&["--exit-at-end"]).succeeded();
    let after = explain(&job, "0@3", &[]).succeeded();
    after.says("value      ");
    after.says("bytes, Avro, schema");
    after.says("the table has this row with this write timestamp");

    let typed = format!("{}_typed", job.keyspace);
    let to = format!("cassandra://{}/{typed}", job.servers.cassandra);
    job.host(&["setup", "--to", &to]).succeeded();
    let statement = after
        .stdout
        .lines()
        .find(|line| line.trim().starts_with("INSERT"))
        .unwrap();
    let statement = statement.trim().trim_end_matches(';').replace(&job.keyspace, &typed);
    let session = cassandra::session(&job.servers.cassandra).await;
    cassandra::query(&session, &statement).await;
    let (rows, times) = (
        cassandra::orders(&session, &typed).await,
        cassandra::write_times(&session, &typed).await,
    );
    let (id, row) = rows.first_key_value().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(&cassandra::orders(&session, &job.keyspace).await[id], row);
    assert_eq!(cassandra::write_times(&session, &job.keyspace).await[id], times[id]);
}

#[test]
fn a_saved_record_gives_the_same_outcome_without_a_server() {
    let job = Job::set_up("fixture");
    let order = |id: &str| {
        format!(
            r#"{{"order_id":"{id}","customer_id":"{ID}","order_purchase_timestamp":"2017-10-02 10:56:33","more":1}}"#
        )
    };
    let (good, bad) = (order(ID), order("nope"));
    let values: [&[u8]; 3] = [good.as_bytes(), bad.as_bytes(), b"{not json"];
    let sent = values.map(|value| Sent {
        key: Some(b"k"),
        value: Some(value),
        timestamp_ms: 1_500_000_000_000,
        headers: &[("trace", b"1")],
    });
    kafka::produce(&job.servers.kafka, &job.topic, &sent);
    let shown = explain(&job, "0@0", &["--save", "good.ndjson"]).succeeded();
    shown.says("header     trace = \"1\"");
    shown.says("Monday");
    explain(&job, "0@1", &["--save", "bad.ndjson"])
        .succeeded()
        .says("rejected (bad-uuid at transform): order_id: `nope`");
    explain(&job, "0@2", &["--save", "undecodable.ndjson"])
        .succeeded()
        .says("rejected (bad-json at decode)");
    let plugin = plugin();
    let tried = |file: &str| job.host(&["try", "--plugin", &plugin, file]);
    tried("good.ndjson").succeeded().says("Monday");
    tried("good.ndjson").says("1 records: 1 rows, 0 filtered, 0 rejected");
    tried("bad.ndjson").says("order_id: `nope`");
    // Of a file of one record all are refused.
    tried("bad.ndjson").failed(1, &["none of the 1 records of bad.ndjson came through"]);
    tried("undecodable.ndjson").says("bad-json");
    // The second of two records in one millisecond.
    explain(&job, "0@1", &[]).says("write timestamp  1500000000000016: 16 us after");
}

#[test]
fn a_record_that_is_not_there_is_told_with_what_is() {
    let job = Job::set_up("absent");
    let value =
        format!(r#"{{"order_id":"{ID}","customer_id":"{ID}","order_purchase_timestamp":"2017-10-02 10:56:33"}}"#);
    let sent = Sent {
        key: None,
        value: Some(value.as_bytes()),
        timestamp_ms: 1_500_000_000_000,
        headers: &[],
    };
    kafka::produce(&job.servers.kafka, &job.topic, &[sent]);
    explain(&job, "0@1", &[]).failed(2, &["/0@1 is not there yet", "the last one is at 0"]);
    explain(&job, "1@0", &[]).failed(2, &["/1@0 is not there yet", "the partition has no record"]);
    explain(&job, "3@0", &[]).failed(2, &["has no partition 3", "0 to 2"]);
    let nobody = explain(&job, "0@0", &["--to", "cassandra://127.0.0.1:1/nowhere"]).succeeded();
    nobody.says("Monday");
    nobody.says("no CQL: Cassandra does not answer at 127.0.0.1:1");
    explain(&job, "0@0", &["--from", "kafka://127.0.0.1:1/x"]).failed(3, &["no broker of 127.0.0.1:1 answers"]);
}
