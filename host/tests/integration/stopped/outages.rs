//! Servers that go away while records flow, for real: killed, and started again on their data.

use std::time::{Duration, Instant};

use host::codec::registry::Registry;
use host::connection::RegistryConnection;
use host::produce::avro::AvroEncoder;
use scylla::client::session::Session;

use crate::support::kafka::{self, Sent, committed};
use crate::support::program::Job;
use crate::support::{cassandra, orders, services};

/// A job with clean orders in its topic that were not read yet.
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

/// Waits until the table has a row.
async fn until_a_row(session: &Session, job: &Job) {
    for _ in 0..600 {
        if cassandra::has_orders(session, &job.keyspace).await {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("nothing was written");
}

/// A server that is paused until this is dropped: the tests after this one need it.
struct Paused(&'static str);

impl Paused {
    fn new(server: &'static str) -> Self {
        services(&["pause", server]);
        Self(server)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        services(&["resume", self.0]);
    }
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
    let job = filled("cassandra_away", "40000");
    let session = cassandra::session(&job.servers.cassandra).await;
    let mut running = job.start_run(&["--exit-at-end"]);
    running.until("running");
    // Some rows are acknowledged when it dies, others on their way.
    until_a_row(&session, &job).await;
    services(&["kill", "cassandra-1"]);
    running.until("waiting for the sink");
    // For what was acknowledged to be committed.
    std::thread::sleep(Duration::from_secs(2));
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
        .says("read 40000 records: 40000 rows written");
    is_whole(&job).await;
}

/// However many rows wait, and though only one of them may be on its way: each would take its whole time.
#[tokio::test(flavor = "multi_thread")]
async fn cassandra_that_stops_answering_is_said_after_one_request() {
    let mut job = filled("cassandra_silent", "5000");
    let session = cassandra::session(&job.servers.cassandra).await;
    job.more_settings = "writes_in_flight = 1\nbatch_partitions = 0\nrequest_timeout_ms = 1000\n".to_owned();
    let mut running = job.start_run(&["--exit-at-end"]);
    running.until("running");
    until_a_row(&session, &job).await;
    let paused = Paused::new("cassandra-1");
    let begun = Instant::now();
    running.until("waiting for the sink");
    let said_after = begun.elapsed();
    drop(paused);
    assert!(said_after < Duration::from_secs(10), "{said_after:?}");
    running
        .finish()
        .succeeded()
        .says("read 5000 records: 5000 rows written");
    is_whole(&job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_away_records_wait_for_their_schema() {
    let job = Job::set_up("registry_away");
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "300",
        "--seed",
        "17",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    let mut running = job.start_run(&[]);
    running.until("running");
    // Encoded beforehand: the records come while the registry is away, with a schema that the host has not asked for.
    let values = avro(&job).await;
    services(&["kill", "registry"]);
    let sent: Vec<_> = values
        .iter()
        .map(|value| Sent {
            key: None,
            value: Some(value),
            timestamp_ms: 1_500_000_000_000,
            headers: &[],
        })
        .collect();
    kafka::produce(&job.servers.kafka, &job.topic, &sent);
    running.until("waiting for the schema registry");
    services(&["start", "registry"]);
    running.until("the schema registry is back");
    for _ in 0..600 {
        if committed(&job.servers.kafka, &job.group, &job.topic, 3) == 300 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    running.signal("-TERM");
    running.finish().succeeded().says("read 300 records: 300 rows written");
    is_whole(&job).await;
}

/// The job's orders as its topic's schema has them, framed.
async fn avro(job: &Job) -> Vec<Vec<u8>> {
    let connection = RegistryConnection {
        url: job.servers.registry.clone(),
        auth: None,
    };
    let registry = Registry::new(&connection).expect("a client");
    let schema = registry
        .latest(&format!("{}-value", job.topic))
        .await
        .expect("an answer")
        .expect("a schema");
    let csv = job.read("orders.csv");
    let mut lines = csv
        .lines()
        .map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let encoder =
        AvroEncoder::new(&registry.read(&schema).await.expect("a schema"), schema.id, &header).expect("a plan");
    let cell = |cell: String| (!cell.is_empty()).then_some(cell);
    lines
        .map(|cells| {
            encoder
                .encode(&cells.into_iter().map(cell).collect::<Vec<_>>())
                .expect("fits")
        })
        .collect()
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
