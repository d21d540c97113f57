//! Faults that an operator has to repair: the host says so, keeps everything, and goes on after the repair; or ends, if
//! asked to.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::cassandra;
use crate::support::kafka::{self, Sent, committed};
use crate::support::program::Job;

const ID: &str = "0a1b2c3d4e5f46078899aabbccddeef7";

fn filled(name: &str) -> Job {
    let job = Job::set_up(name);
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "400",
        "--seed",
        "41",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();
    job
}

fn bad_orders(job: &Job, count: usize) {
    let bad = format!(r#"{{"order_id":"nope","customer_id":"{ID}","order_purchase_timestamp":"2017-10-02 10:56:33"}}"#);
    let sent: Vec<_> = (1_500_000_000_000..)
        .take(count)
        .map(|timestamp_ms| Sent {
            key: None,
            value: Some(bad.as_bytes()),
            timestamp_ms,
            headers: &[],
        })
        .collect();
    kafka::produce(&job.servers.kafka, &job.topic, &sent);
}

/// The status file once it says this of its `state`.
fn status(job: &Job, state: &str) -> Value {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let text = std::fs::read_to_string(job.path("status.json")).unwrap_or_default();
        let status: Value = serde_json::from_str(&text).unwrap_or_default();
        if status["state"] == state {
            return status;
        }
        assert!(Instant::now() < end, "never {state}: {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

async fn drop_table(job: &Job) {
    let session = cassandra::session(&job.servers.cassandra).await;
    cassandra::query(&session, &format!("DROP TABLE {}.orders", job.keyspace)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_table_halts_and_creating_it_again_heals() {
    let job = filled("halted");
    let mut running = job.start_run(&["--status", "status.json"]);
    running.until("running");
    status(&job, "running");
    drop_table(&job).await;
    let before = committed(&job.servers.kafka, &job.group, &job.topic, 3);
    job.host(&["produce", "orders.csv"]).succeeded();
    running.until("halted at the sink");
    let halted = status(&job, "halted");
    assert_eq!(halted["ready"], false);
    assert_eq!(halted["waiting"][0]["for"], "the sink");
    assert_eq!(halted["waiting"][0]["halted"], true);
    assert!(committed(&job.servers.kafka, &job.group, &job.topic, 3) <= before.max(400));
    job.host(&["setup"]).succeeded();
    running.until("the sink is back");
    status(&job, "running");
    for _ in 0..600 {
        if committed(&job.servers.kafka, &job.group, &job.topic, 3) == 800 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    running.signal("-TERM");
    running.finish().succeeded().says("read 800 records: 800 rows written");
    let ended = status(&job, "ended");
    assert_eq!(ended["records"], 800);
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_fast_ends_instead_of_waiting() {
    let job = filled("fail_fast");
    let mut running = job.start_run(&["--fail-fast"]);
    running.until("running");
    drop_table(&job).await;
    job.host(&["produce", "orders.csv"]).succeeded();
    running
        .finish()
        .failed(1, &["halted at the sink", "table", "--fail-fast"]);
    assert!(committed(&job.servers.kafka, &job.group, &job.topic, 3) <= 400);
}

#[test]
fn a_spent_reject_budget_halts_before_its_letters_are_published() {
    let mut job = Job::set_up("budget");
    job.more_settings =
        "[pipeline]\nreject_window_records = 100\nreject_budget_percent = 50\nbatch_records = 100\n".into();
    bad_orders(&job, 1000);
    let seen = job.run(&["--fail-fast"]);
    seen.failed(1, &["were rejected", "pipeline.reject_budget_percent", "bad-uuid"]);
    let letters = kafka::read_all(&job.servers.kafka, &format!("{}-dlq", job.topic));
    assert!(letters.len() < 100, "{}", letters.len());
    // All of it, where that is what is wanted.
    job.more_settings = "[pipeline]\nreject_budget_percent = 100\n".into();
    let left = 1000 - letters.len();
    job.run(&["--exit-at-end"])
        .succeeded()
        .says(&format!("{left} rejected"));
    let letters = kafka::read_all(&job.servers.kafka, &format!("{}-dlq", job.topic));
    assert_eq!(letters.len(), 1000);
}

#[test]
fn the_default_budget_lets_a_bad_file_through() {
    let job = Job::set_up("bad_file");
    bad_orders(&job, 1000);
    job.run(&["--exit-at-end"])
        .succeeded()
        .says("1000 rejected (bad-uuid 1000)");
}
