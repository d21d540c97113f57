//! The admin endpoint of a run on real servers: ready while they are there, and the reason while one is not.

use std::time::{Duration, Instant};

use crate::support::http::{self, Answer};
use crate::support::kafka::committed;
use crate::support::program::{Job, Running};
use crate::support::services;

/// A node that starts anew takes half of this.
const PATIENCE: Duration = Duration::from_mins(2);

/// A run with an endpoint at a free port, and its address.
fn started(job: &Job) -> (Running, String) {
    let mut running = job.start_run(&["--admin", "127.0.0.1:0"]);
    let line = running.until("page, metrics and status at http://");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    (running, address.expect("an address").to_owned())
}

fn until(address: &str, path: &str, is_wanted: impl Fn(&Answer) -> bool) -> Answer {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = http::ask(address, "GET", path, &[], b"");
        if is_wanted(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "{path} never became as wanted: {answer:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn produce(job: &Job, rows: &str, seed: &str) {
    let generate = [
        "generate",
        "orders",
        "--rows",
        rows,
        "--seed",
        seed,
        "--out",
        "orders.csv",
    ];
    job.host(&generate).succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();
}

/// The sum over all partitions.
fn sum(metrics: &Answer, name: &str) -> u64 {
    let values = metrics
        .body
        .lines()
        .filter(|line| line.starts_with(&format!("{name}{{")));
    values
        .filter_map(|line| line.rsplit(' ').next()?.strip_suffix(".0")?.parse::<u64>().ok())
        .sum()
}

/// These tests stop a server that all tests use, so they run alone.
mod stopped {
    use super::*;

    #[test]
    fn ready_says_that_cassandra_is_away_and_that_it_is_back_and_the_lag_grows_and_goes() {
        let job = Job::set_up("admin_ready");
        let (running, address) = started(&job);
        until(&address, "/ready", |answer| answer.status == 200);
        produce(&job, "300", "61");
        until(&address, "/metrics", |answer| {
            answer.body.contains("host_rows_written_total 300\n")
        });
        until(&address, "/metrics", |answer| {
            sum(answer, "host_partition_log_end") == 300 && sum(answer, "host_partition_lag") == 0
        });
        services(&["kill", "cassandra-1"]);
        // More than are read ahead, so that partitions are paused: their log ends are known all the same.
        produce(&job, "20000", "62");
        let waiting = until(&address, "/ready", |answer| answer.status == 503);
        assert!(
            waiting.body.starts_with("waiting for the sink for "),
            "{}",
            waiting.body
        );
        let behind = until(&address, "/metrics", |answer| {
            sum(answer, "host_partition_log_end") == 20_300
        });
        assert!(sum(&behind, "host_partition_lag") > 0);
        assert!(behind.body.contains("host_ready 0.0\n"));
        services(&["start", "cassandra-1"]);
        until(&address, "/ready", |answer| answer.status == 200);
        let done = until(&address, "/metrics", |answer| {
            answer.body.contains("host_rows_written_total 20300\n")
        });
        assert!(done.body.contains("host_records_rejected"), "{}", done.body);
        until(&address, "/metrics", |answer| {
            answer.body.contains("host_commits_total") && sum(answer, "host_partition_lag") == 0
        });
        assert_eq!(committed(&job.servers.kafka, &job.group, &job.topic, 3), 20_300);
        running.signal("-TERM");
        running.finish().succeeded();
    }
}

#[test]
fn two_hosts_on_one_machine_both_answer_and_the_second_says_where() {
    let job = Job::set_up("admin_two");
    let mut first = job.start_run(&[]);
    let one = first.until("page, metrics and status at http://");
    let mut second = job.start_run(&[]);
    second.until("is taken, perhaps by another host");
    let other = second.until("page, metrics and status at http://");
    let address = |line: &str| {
        line.split("http://")
            .nth(1)
            .and_then(|rest| rest.split('/').next())
            .map(str::to_owned)
    };
    let (one, other) = (address(&one).expect("an address"), address(&other).expect("an address"));
    assert_ne!(one, other);
    for address in [&one, &other] {
        until(address, "/live", |answer| answer.status == 200);
    }
    for running in [first, second] {
        running.signal("-TERM");
        running.finish().succeeded();
    }
}
