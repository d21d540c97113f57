//! Members of a group that crash, come and go; rewriting on purpose.

use std::time::{Duration, Instant};

use crate::support::kafka::{self, Sent, committed};
use crate::support::program::Job;
use crate::support::{cassandra, orders, services};

/// Far more than it takes; the figure itself is printed.
const SOON: Duration = Duration::from_mins(1);

fn wait_for_commits(job: &Job, wanted: i64) -> Duration {
    let begun = Instant::now();
    while committed(&job.servers.kafka, &job.group, &job.topic, 3) < wanted {
        assert!(begun.elapsed() < SOON, "not committed");
        std::thread::sleep(Duration::from_millis(50));
    }
    begun.elapsed()
}

fn produce(job: &Job, rows: &str, seed: &str) {
    job.host(&[
        "generate",
        "orders",
        "--rows",
        rows,
        "--seed",
        seed,
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();
}

/// A host dies by kill -9 and starts again: how long until it goes on.
fn goes_on_after(name: &str, arguments: &[&str]) -> Duration {
    let job = Job::set_up(name);
    produce(&job, "300", "31");
    let running = job.start_run(arguments);
    wait_for_commits(&job, 300);
    running.signal("-KILL");
    drop(running);
    produce(&job, "300", "32");
    let mut again = job.start_run(arguments);
    let took = wait_for_commits(&job, 600);
    again.until("running");
    again.signal("-TERM");
    again.finish().succeeded().says("read 300 records: 300 rows written");
    took
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are shown with --nocapture")]
fn a_crashed_host_goes_on_when_it_is_started_again_at_once_with_a_name_of_its_own() {
    let without = goes_on_after("crash", &[]);
    let with = goes_on_after("crash_named", &["--group-instance", "one"]);
    println!("goes on after a crash: in {without:.1?}, with --group-instance in {with:.1?}");
    // Without a name the brokers wait for the dead member's session to end, 6 s.
    assert!(with < without, "{with:?} {without:?}");
}

#[test]
fn members_that_come_and_go_read_every_record_once() {
    for strategy in ["cooperative-sticky", "range"] {
        let mut job = Job::set_up("members");
        job.more_settings = format!("[source.kafka]\n\"partition.assignment.strategy\" = \"{strategy}\"\n");
        produce(&job, "9000", "33");
        let first = job.start_run(&["--batch-records", "50"]);
        let second = job.start_run(&["--batch-records", "50"]);
        wait_for_commits(&job, 1000);
        let third = job.start_run(&["--batch-records", "50"]);
        wait_for_commits(&job, 4000);
        first.signal("-TERM");
        let mut read = records(&first.finish().succeeded().stdout);
        wait_for_commits(&job, 9000);
        for member in [second, third] {
            member.signal("-TERM");
            read += records(&member.finish().succeeded().stdout);
        }
        // A member that leaves hands over exactly where it is: no record is read twice, which only a crash may cause.
        assert_eq!(read, 9000, "{strategy}");
    }
}

fn records(summary: &str) -> u64 {
    let number = summary.strip_prefix("read ").and_then(|rest| rest.split(' ').next());
    number.and_then(|number| number.parse().ok()).expect("a summary")
}

const ID: &str = "0a1b2c3d4e5f46078899aabbccddeef7";

#[tokio::test(flavor = "multi_thread")]
async fn a_rewrite_writes_over_rows_of_an_older_plugin_and_under_newer_records() {
    let job = Job::set_up("rewrite");
    let order = |status: &str, bought: &str| {
        format!(
            r#"{{"order_id":"{ID}","customer_id":"{ID}","order_status":"{status}","order_purchase_timestamp":"2017-10-02 10:56:33","order_approved_at":"{bought}"}}"#
        )
    };
    let send = |value: &str, timestamp_ms: i64| {
        let sent = Sent {
            key: None,
            value: Some(value.as_bytes()),
            timestamp_ms,
            headers: &[],
        };
        kafka::produce(&job.servers.kafka, &job.topic, &[sent]);
    };
    let approved = async || {
        let session = cassandra::session(&job.servers.cassandra).await;
        let rows = cassandra::orders(&session, &job.keyspace).await;
        rows.into_values().next().unwrap().cells[4].clone().unwrap()
    };
    send(&order("created", "03-04-2017 10:56"), 1_500_000_000_000);
    job.run(&["--exit-at-end"]).succeeded();
    assert_eq!(approved().await, "2017-04-03 10:56:00", "day first");

    // A plain replay, with whatever plugin, changes nothing; the rewrite does.
    job.run(&["--exit-at-end", "--group", "plain", "--set", "date-order=mdy"])
        .succeeded();
    assert_eq!(approved().await, "2017-04-03 10:56:00");
    job.run(&["--exit-at-end", "--rewrite", "--set", "date-order=mdy"])
        .succeeded()
        .says("read 1 records");
    assert_eq!(approved().await, "2017-03-04 10:56:00", "month first");
    job.run(&["--exit-at-end", "--rewrite", "--set", "date-order=mdy"])
        .succeeded()
        .says("read 0 records");

    // A record that came a millisecond later is newer than every rewrite of the earlier one.
    send(&order("shipped", "05-06-2017 10:56"), 1_500_000_000_001);
    job.run(&["--exit-at-end"]).succeeded().says("read 1 records");
    assert_eq!(approved().await, "2017-06-05 10:56:00");
    job.host(&["run", "--help"]).succeeded();
    let times = cassandra::write_times(&cassandra::session(&job.servers.cassandra).await, &job.keyspace).await;
    let times: Vec<_> = times.into_values().flatten().flatten().collect();
    assert!(times.iter().all(|&time| time == 1_500_000_000_001_000), "{times:?}");
}

#[test]
fn two_hosts_of_one_name_the_earlier_one_ends_and_says_why() {
    let job = Job::set_up("fenced");
    produce(&job, "10", "35");
    let first = job.start_run(&["--group-instance", "same"]);
    wait_for_commits(&job, 10);
    let second = job.start_run(&["--group-instance", "same"]);
    first
        .finish()
        .failed(1, &["another host has joined the group", "--group-instance"]);
    second.signal("-TERM");
    second.finish().succeeded();
}

/// These tests stop a server that all tests use, so they run alone.
mod stopped {
    use super::*;

    /// With `range` every member gives all its partitions back when one leaves: here while Cassandra hangs, so that nothing
    /// can be drained.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_revocation_that_cannot_drain_is_answered_in_time_and_changes_nothing() {
        let mut job = Job::set_up("hanging");
        job.more_settings = "[source.kafka]\n\"partition.assignment.strategy\" = \"range\"\n\
            [pipeline]\ndrain_timeout_ms = 2000\nbatch_records = 50\n"
            .into();
        job.host(&[
            "generate",
            "orders",
            "--rows",
            "15000",
            "--seed",
            "36",
            "--out",
            "orders.csv",
        ])
        .succeeded();
        let mut first = job.start_run(&["--log-level", "debug"]);
        first.until("lane: assigned");
        let mut second = job.start_run(&["--log-level", "debug"]);
        // The first one has given all back and has its part again.
        second.until("lane: assigned");
        // Records keep coming, so that some are in flight whenever Cassandra is paused.
        let producing = job.start(&["produce", "orders.csv", "--rate", "1000/s"]);
        wait_for_commits(&job, 500);
        services(&["pause", "cassandra-1"]);
        std::thread::sleep(Duration::from_secs(1));
        first.signal("-TERM");
        let begun = Instant::now();
        first.finish().failed(1, &["not drained within 2 s", "read again"]);
        second.until("not drained before the revocation");
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        services(&["resume", "cassandra-1"]);
        producing.finish().succeeded();
        wait_for_commits(&job, 15_000);
        second.signal("-TERM");
        second.finish().succeeded();

        let clean = format!("{}_clean", job.keyspace);
        let to = format!("cassandra://{}/{clean}", job.servers.cassandra);
        job.host(&["setup", "--to", &to]).succeeded();
        job.run(&["--exit-at-end", "--group", &clean, "--to", &to]).succeeded();
        let session = cassandra::session(&job.servers.cassandra).await;
        let found = cassandra::orders(&session, &job.keyspace).await;
        assert!(
            found == orders::expected(&job.read("orders.csv")),
            "{} rows",
            found.len()
        );
        assert_eq!(
            cassandra::write_times(&session, &job.keyspace).await,
            cassandra::write_times(&session, &clean).await
        );
    }
}
