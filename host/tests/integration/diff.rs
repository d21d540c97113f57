//! `host diff` over a real topic: the latest records of each partition, Avro and JSON, and nothing left behind.

use crate::support::kafka::{self, Sent};
use crate::support::plugin;
use crate::support::program::Job;

const ID: &str = "0a1b2c3d4e5f46078899aabbccddeef7";

fn diff(job: &Job, more: &[&str]) -> crate::support::program::Seen {
    let (plugin, from) = (plugin(), format!("kafka://{}/{}", job.servers.kafka, job.topic));
    job.host(&[&["diff", &plugin, &plugin, &from], more].concat())
}

#[test]
fn the_latest_records_of_every_partition_are_compared_and_nothing_is_committed() {
    let job = Job::set_up("diff");
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "900",
        "--seed",
        "71",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();
    diff(&job, &[]).succeeded().says("900 records\n  rows      900 equal");
    // Three partitions with some 300 records each.
    diff(&job, &["--limit", "50"])
        .succeeded()
        .says("150 records\n  rows      150 equal");
    assert_eq!(kafka::committed(&job.servers.kafka, &job.group, &job.topic, 3), 0);
    // A run finds all of them, as if they had never been read.
    job.run(&["--exit-at-end"])
        .succeeded()
        .says("read 900 records: 900 rows written");
}

#[test]
fn of_a_topic_with_gaps_and_other_formats_every_record_has_its_verdict() {
    let job = Job::set_up("diff_gaps");
    let order =
        |bought: &str| format!(r#"{{"order_id":"{ID}","customer_id":"{ID}","order_purchase_timestamp":"{bought}"}}"#);
    let (both, first, second) = (
        order("10/2/2017 10:56"),
        order("13/10/2017 10:56"),
        order("10/22/2017 10:56"),
    );
    let sent = |value| Sent {
        key: Some(b"k"),
        value,
        timestamp_ms: 1_500_000_000_000,
        headers: &[],
    };
    let records = [
        sent(Some(both.as_bytes())),
        sent(None),
        sent(Some(first.as_bytes())),
        sent(Some(&b"{not json"[..])),
        sent(Some(&b"\0\0\0\x7f\x7fno such schema"[..])),
        sent(Some(second.as_bytes())),
    ];
    kafka::produce(&job.servers.kafka, &job.topic, &records);
    let seen = diff(&job, &["--set-new", "date-order=mdy"]);
    assert_eq!(seen.code, Some(1), "{}\n{}", seen.stdout, seen.stderr);
    seen.says("6 records\n  rows      0 equal, 1 different, 1 only in old, 1 only in new");
    seen.says("rejected  3 by both, 1 by new only, 1 by old only");
    seen.says(&format!("{}/0@2", job.topic));
    let seen = diff(&job, &["--set-new", "date-order=mdy", "--limit", "1"]);
    seen.says("1 records\n  rows      0 equal, 0 different, 0 only in old, 1 only in new");
}

#[test]
fn a_topic_that_is_not_there_or_empty() {
    let job = Job::set_up("diff_empty");
    diff(&job, &[]).succeeded().says("0 records");
    let plugin = plugin();
    let none = format!("kafka://{}/no-such-topic-at-all", job.servers.kafka);
    job.host(&["diff", &plugin, &plugin, &none])
        .failed(2, &["topic no-such-topic-at-all is not there"]);
}
