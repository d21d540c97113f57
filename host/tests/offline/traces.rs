//! Spans of a run without servers, at a collector on loopback: one that takes them, one that is away, one that hangs.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::support::collector::Collector;
use super::support::program::Job;
use super::{HEADER, ID, job};

/// 2,500 orders and a bad one: some batches of at most 1,000.
fn write_orders(job: &Job) {
    let order = |n: u32| format!("{ID:.24}{n:08x},{ID},shipped,2017-10-02 10:56:33,,,,\n");
    let orders: String = (0..2500).map(order).collect();
    let bad = format!("bad,{ID},,2017-10-02 10:56:33,,,,\n");
    job.write("orders.csv", &format!("{HEADER}\n{orders}{bad}"));
}

fn run(job: &Job, otlp: &[&str]) -> super::support::program::Seen {
    let files = ["--from", "orders.csv", "--to", "orders.db"];
    job.run(&[&files, otlp].concat()).succeeded()
}

#[test]
fn every_batch_has_a_span_with_its_counts_and_its_stages() {
    let job = job();
    write_orders(&job);
    let collector = Collector::start();
    run(&job, &["--otlp", &collector.address, "--otlp-share", "100%"])
        .says("2500 rows written, 0 filtered, 1 rejected");
    let batches = collector.until("process orders.csv", 3);
    let sum = |name: &str| -> u64 {
        let counts = batches.iter().map(|span| span.attribute(name).parse::<u64>());
        counts.map(|count| count.expect("a number")).sum()
    };
    assert_eq!((sum("records.read"), sum("rows.written")), (2501, 2500));
    assert_eq!((sum("records.rejected"), sum("records.filtered")), (1, 0));
    for batch in &batches {
        assert_eq!(batch.attribute("plugin.name"), "order_enrich");
        assert!(batch.attribute("plugin.digest").starts_with("sha256:"));
        assert_eq!(batch.attribute("messaging.system"), "", "a file is no queue");
        assert!(batch.proto.parent_span_id.is_empty() && batch.proto.links.is_empty());
        let stages = collector.below(batch);
        let rejects = batch.attribute("records.rejected") != "0";
        let all = ["decode", "transform", "write", "dead_letters"];
        assert_eq!(stages, all[..if rejects { 4 } else { 3 }], "{batch:?}");
        let resource = |name: &str| batch.resource.get(name).map_or("", String::as_str);
        assert_eq!(resource("service.name"), "host");
        assert_eq!(resource("service.version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(resource("service.instance.id").len(), 36);
    }
}

#[test]
fn usually_it_is_few_batches_and_the_first_is_one_of_them() {
    let job = job();
    write_orders(&job);
    let collector = Collector::start();
    run(&job, &["--otlp", &format!("{}/", collector.address)]);
    assert_eq!(collector.until("process orders.csv", 1).len(), 1);
    let requests = collector.requests();
    assert!(
        requests.iter().all(|request| request.path == "/v1/traces"),
        "{requests:?}"
    );
}

#[test]
fn without_a_collector_the_run_ends_as_well_and_one_line_says_so() {
    let job = job();
    write_orders(&job);
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let nobody = format!("http://{}", nobody.expect("a port"));
    let seen = run(&job, &["--otlp", &nobody, "--otlp-share", "100%"]);
    seen.says("2500 rows written");
    let lines: Vec<_> = seen.stderr.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(lines.len(), 1, "{}", seen.stderr);
    assert!(lines[0].contains("spans cannot be delivered") && lines[0].contains(&nobody));
}

#[test]
fn a_collector_that_never_answers_holds_up_the_end_for_two_seconds_at_most() {
    let job = job();
    write_orders(&job);
    let begun = Instant::now();
    run(&job, &[]);
    let without = begun.elapsed();
    // The system accepts connections, but no process reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", silent.local_addr().expect("an address"));
    let begun = Instant::now();
    let seen = run(&job, &["--otlp", &address, "--otlp-share", "100%"]);
    let more = begun.elapsed().saturating_sub(without);
    assert!(more < Duration::from_secs(5), "{more:?}");
    seen.says("not all spans were delivered");
}

#[test]
fn what_a_collector_asks_for_is_sent_and_never_shown() {
    let mut job = job();
    write_orders(&job);
    let collector = Collector::start();
    let headers = "authorization=Bearer%20hunter2".to_owned();
    job.variables.push(("OTEL_EXPORTER_OTLP_HEADERS".to_owned(), headers));
    let seen = run(&job, &["--otlp", &collector.address, "--log-level", "trace"]);
    assert_eq!(collector.requests()[0].headers["authorization"], "Bearer hunter2");
    assert!(!seen.stderr.contains("hunter2"), "{}", seen.stderr);

    let login = "http://user:hunter2@127.0.0.1:4318";
    let refused = job.run(&["--from", "orders.csv", "--to", "-", "--otlp", login]);
    refused.failed(2, &["--otlp", "OTEL_EXPORTER_OTLP_HEADERS"]);
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    for (otlp, share) in [("127.0.0.1:4318", "1%"), ("http://", "1%"), ("off", "0%")] {
        let files = ["--from", "orders.csv", "--to", "-"];
        let refused = job.run(&[&files[..], &["--otlp", otlp, "--otlp-share", share]].concat());
        refused.failed(2, &["--otlp"]);
    }
}
