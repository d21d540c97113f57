//! What a log has no more or never had: deleted records, marks of transactions, partitions that are new, another topic of
//! the name.

use std::time::{Duration, Instant};

use crate::support::http;
use crate::support::kafka::{self, Sent, Transaction, committed};
use crate::support::program::{Job, Running, Seen};

/// The host is asked for another time than it needs.
const PATIENCE: Duration = Duration::from_mins(1);

/// What every log line of records that are gone has.
const DELETED: &str = "before they were read";

/// Rows go to standard output, and the brokers are asked often for what is new of the topic.
fn job(name: &str) -> Job {
    let mut job = Job::new(name);
    job.more_settings = "[source.kafka]\n\"topic.metadata.refresh.interval.ms\" = 300\n".into();
    job.variables
        .push(("HOST_TOPIC_REFRESH_MS".to_owned(), "300".to_owned()));
    job
}

const TO_STDOUT: &[&str] = &["--to", "-", "--dead-letters", "letters.ndjson"];

fn start(job: &Job, more: &[&str]) -> Running {
    let mut running = job.start_run(&[TO_STDOUT, &["--admin", "off"], more].concat());
    running.until("running");
    running
}

fn run_to_end(job: &Job, more: &[&str]) -> Seen {
    job.run(&[TO_STDOUT, &["--exit-at-end"], more].concat()).succeeded()
}

fn stop(running: Running) -> Seen {
    running.signal("-TERM");
    running.finish().succeeded()
}

/// The id of order number `number` of one kind.
fn id(kind: u8, number: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

fn order(kind: u8, number: usize) -> String {
    let id = id(kind, number);
    format!(r#"{{"order_id":"{id}","customer_id":"{id}","order_purchase_timestamp":"2017-10-02 10:56:33"}}"#)
}

fn orders(kind: u8, count: usize) -> Vec<String> {
    (0..count).map(|number| order(kind, number)).collect()
}

fn produce(job: &Job, partition: i32, values: &[String]) {
    let sent: Vec<_> = values
        .iter()
        .map(|value| Sent {
            key: None,
            value: Some(value.as_bytes()),
            timestamp_ms: 1_500_000_000_000,
            headers: &[],
        })
        .collect();
    kafka::produce_to(&job.servers.kafka, &job.topic, partition, &sent);
}

/// Which orders of this kind have a row.
fn found(seen: &Seen, kind: u8, count: usize) -> usize {
    (0..count)
        .filter(|number| seen.stdout.contains(&id(kind, *number)))
        .count()
}

fn until_committed(job: &Job, partitions: i32, wanted: i64) {
    let end = Instant::now() + PATIENCE;
    loop {
        let committed = committed(&job.servers.kafka, &job.group, &job.topic, partitions);
        if committed == wanted {
            return;
        }
        assert!(Instant::now() < end, "{committed} is committed, not {wanted}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The process stands still for less than its session with the brokers lasts, and retention overtakes it meanwhile.
#[tokio::test]
async fn records_that_retention_deletes_in_front_of_a_running_host_are_said_and_counted() {
    let job = job("overtaken");
    kafka::create_topic(&job.servers.kafka, &job.topic, &[]).await;
    produce(&job, 0, &orders(1, 10));
    let mut running = job.start_run(&[TO_STDOUT, &["--admin", "127.0.0.1:0"]].concat());
    let line = running.until("page, metrics and status at http://");
    let address = line
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .unwrap()
        .to_owned();
    until_committed(&job, 1, 10);
    running.signal("-STOP");
    // More than is fetched before the process is looked at again, and more than one answer holds.
    let padding = "x".repeat(10_000);
    let long: Vec<_> = orders(2, 1000)
        .iter()
        .map(|order| order.replace("\"customer_id\"", &format!("\"padding\":\"{padding}\",\"customer_id\"")))
        .collect();
    produce(&job, 0, &long);
    kafka::delete_before(&job.servers.kafka, &job.topic, 0, 1000).await;
    running.signal("-CONT");
    let line = running.until(DELETED);
    until_committed(&job, 1, 1010);
    let metrics = http::ask(&address, "GET", "/metrics", &[], b"").body;
    let lost = metrics
        .lines()
        .find_map(|line| line.strip_prefix("host_records_lost_total "));
    let lost: usize = lost.expect("a metric").parse().unwrap();
    assert!(line.contains("ERROR") && line.contains("to=1000"), "{line}");
    // Deleted at the end of the log, with no record behind it that could show the jump.
    kafka::delete_before(&job.servers.kafka, &job.topic, 0, 1010).await;
    let seen = stop(running);
    assert_eq!(found(&seen, 2, 1000) + lost, 1000, "{}", seen.stderr);
    assert!(lost > 0, "{}", seen.stderr);
    assert_eq!(seen.stderr.matches(DELETED).count(), 1, "{}", seen.stderr);
}

#[tokio::test]
async fn records_deleted_while_nobody_ran_are_said_though_none_comes_after_them() {
    let job = job("deleted");
    kafka::create_topic(&job.servers.kafka, &job.topic, &[]).await;
    produce(&job, 0, &orders(1, 10));
    run_to_end(&job, &[]);
    produce(&job, 0, &orders(2, 5));
    kafka::delete_before(&job.servers.kafka, &job.topic, 0, 15).await;
    let running = start(&job, &[]);
    until_committed(&job, 1, 15);
    let seen = stop(running);
    assert!(seen.stderr.contains("from=10 to=15"), "{}", seen.stderr);
    produce(&job, 0, &orders(3, 5));
    kafka::delete_before(&job.servers.kafka, &job.topic, 0, 18).await;
    let seen = run_to_end(&job, &[]);
    assert!(seen.stderr.contains("from=15 to=18"), "{}", seen.stderr);
    assert_eq!(found(&seen, 3, 5), 2);
    produce(&job, 0, &orders(4, 2));
    kafka::delete_before(&job.servers.kafka, &job.topic, 0, 22).await;
    let seen = run_to_end(&job, &[]);
    assert!(seen.stderr.contains("from=20 to=22"), "{}", seen.stderr);
    until_committed(&job, 1, 22);
}

#[tokio::test]
async fn marks_of_transactions_are_committed_past_and_are_no_loss() {
    let job = job("marks");
    kafka::create_topic(&job.servers.kafka, &job.topic, &[]).await;
    let send = |values: &[String], end| kafka::in_a_transaction(&job.servers.kafka, &job.topic, values, end);
    send(&orders(1, 2), Transaction::Aborted);
    let running = start(&job, &[]);
    // Nothing but an aborted transaction and its mark.
    until_committed(&job, 1, 3);
    send(&orders(2, 2), Transaction::Committed);
    until_committed(&job, 1, 6);
    send(&orders(3, 1), Transaction::Aborted);
    until_committed(&job, 1, 8);
    let seen = stop(running);
    assert_eq!((found(&seen, 1, 2), found(&seen, 2, 2), found(&seen, 3, 1)), (0, 2, 0));
    send(&orders(4, 1), Transaction::Aborted);
    run_to_end(&job, &[]);
    until_committed(&job, 1, 10);
    kafka::delete_before(&job.servers.kafka, &job.topic, 0, 10).await;
    send(&orders(5, 1), Transaction::Committed);
    let seen = run_to_end(&job, &[]);
    assert_eq!(found(&seen, 5, 1), 1);
    assert!(!seen.stderr.contains(DELETED), "{}", seen.stderr);
    until_committed(&job, 1, 12);
    assert_eq!(kafka::watermarks(&job.servers.kafka, &job.topic), (10, 12));
}

#[tokio::test]
async fn a_partition_that_is_added_is_read_from_its_beginning_though_the_group_began_at_the_end() {
    let job = job("added");
    kafka::create_topic(&job.servers.kafka, &job.topic, &[]).await;
    produce(&job, 0, &orders(1, 3));
    let latest = &["--start", "latest"];
    let mut running = start(&job, latest);
    until_committed(&job, 1, 3);
    kafka::add_partitions(&job.servers.kafka, &job.topic, 2).await;
    produce(&job, 1, &orders(2, 5));
    running.until(&id(2, 4));
    let seen = stop(running);
    assert_eq!((found(&seen, 1, 3), found(&seen, 2, 5)), (0, 5));
    kafka::add_partitions(&job.servers.kafka, &job.topic, 3).await;
    produce(&job, 2, &orders(3, 5));
    let seen = run_to_end(&job, latest);
    assert_eq!((found(&seen, 2, 5), found(&seen, 3, 5)), (0, 5));
}

/// So quickly that the client sees nothing of it, and with more records than it had read of the old one.
#[tokio::test]
async fn a_topic_made_anew_is_read_from_its_beginning() {
    let job = job("anew");
    kafka::create_topic(&job.servers.kafka, &job.topic, &[]).await;
    produce(&job, 0, &orders(1, 50));
    let mut running = start(&job, &[]);
    until_committed(&job, 1, 50);
    running.signal("-STOP");
    kafka::make_anew(&job.servers.kafka, &job.topic).await;
    produce(&job, 0, &orders(2, 80));
    running.signal("-CONT");
    running.until(&id(2, 0));
    until_committed(&job, 1, 80);
    let late = kafka::commit_again(&job.servers.kafka, &job.group, &job.topic);
    let seen = stop(running);
    assert_eq!((found(&seen, 1, 50), found(&seen, 2, 80)), (50, 80));
    assert!(seen.stderr.contains("next=50"), "{}", seen.stderr);
    kafka::make_anew(&job.servers.kafka, &job.topic).await;
    produce(&job, 0, &orders(3, 100));
    // The brokers forget a deleted topic's commits, and a host that has not noticed yet commits them again.
    late();
    let seen = run_to_end(&job, &[]);
    assert_eq!(found(&seen, 3, 100), 100);
    assert!(seen.stderr.contains("committed=80"), "{}", seen.stderr);
    until_committed(&job, 1, 100);
}

#[tokio::test]
async fn a_topic_that_was_away_is_read_from_its_beginning_though_the_group_began_at_the_end() {
    let job = job("away");
    kafka::create_topic(&job.servers.kafka, &job.topic, &[]).await;
    produce(&job, 0, &orders(1, 5));
    let mut running = start(&job, &["--start", "latest"]);
    until_committed(&job, 1, 5);
    produce(&job, 0, &orders(2, 5));
    until_committed(&job, 1, 10);
    kafka::delete(&job.servers.kafka, &job.topic).await;
    running.until("is not there");
    kafka::create_topic(&job.servers.kafka, &job.topic, &[]).await;
    produce(&job, 0, &orders(3, 4));
    running.until(&id(3, 3));
    until_committed(&job, 1, 4);
    let seen = stop(running);
    assert_eq!((found(&seen, 2, 5), found(&seen, 3, 4)), (5, 4));
    assert!(seen.stderr.contains("committed=10"), "{}", seen.stderr);
}
