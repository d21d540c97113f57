//! Servers that go away while records flow, for real: killed, and started again on their data.

use std::time::Duration;

use crate::support::kafka::committed;
use crate::support::program::Job;
use crate::support::{cassandra, orders, services};

/// A job with clean orders in its topic that nobody has read yet.
fn filled(name: &str, rows: &str) -> Job {
    let job = Job::set_up(name);
    job.host(&[
        "generate",
        "orders",
        "--rows",
        rows,
        "--seed",
        "16",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();
    job
}

async fn is_whole(job: &Job) {
    holds(job, &job.read("orders.csv")).await;
}

/// The table holds what the rows of this CSV make, in their order.
async fn holds(job: &Job, csv: &str) {
    let session = cassandra::session(&job.servers.cassandra).await;
    let found = cassandra::orders(&session, &job.keyspace).await;
    let expected = orders::expected(csv);
    assert!(found == expected, "{} of {} rows", found.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn cassandra_killed_and_back_nothing_is_lost() {
    let job = filled("cassandra_away", "20000");
    let mut running = job.start_run(&["--exit-at-end"]);
    running.until("running");
    services(&["kill", "cassandra-1"]);
    running.until("waiting for the sink");
    let before = committed(&job.servers.kafka, &job.group, &job.topic, 3);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(
        committed(&job.servers.kafka, &job.group, &job.topic, 3),
        before,
        "nothing is committed meanwhile"
    );
    services(&["start", "cassandra-1"]);
    running.until("the sink is back");
    running
        .finish()
        .succeeded()
        .says("read 20000 records: 20000 rows written");
    is_whole(&job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_away_records_wait_for_their_schema() {
    let job = filled("registry_away", "1000");
    services(&["kill", "registry"]);
    let mut running = job.start_run(&["--exit-at-end"]);
    running.until("waiting for the schema registry");
    services(&["start", "registry"]);
    running
        .finish()
        .succeeded()
        .says("read 1000 records: 1000 rows written");
    is_whole(&job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_killed_and_back_goes_on() {
    let job = filled("kafka_away", "2000");
    let mut running = job.start_run(&[]);
    running.until("running");
    services(&["kill", "kafka-1"]);
    running.until("waiting for the source");
    services(&["start", "kafka-1"]);
    running.until("the source is back");
    job.host(&["produce", "orders.csv", "--limit", "100"]).succeeded();
    for _ in 0..600 {
        if committed(&job.servers.kafka, &job.group, &job.topic, 3) == 2100 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    running.signal("-TERM");
    running.finish().succeeded();
    assert_eq!(committed(&job.servers.kafka, &job.group, &job.topic, 3), 2100);
    let csv = job.read("orders.csv");
    let again: String = csv.lines().skip(1).take(100).map(|line| format!("{line}\n")).collect();
    holds(&job, &(csv + &again)).await;
}
