//! `host bench plugin`: what it counts, that its figures hang together, and what it says of input that it cannot time.

use serde_json::Value;

use super::support::plugin;
use super::support::program::{Job, Seen, is_there};
use super::{HEADER, ID, built, job};

/// The shortest that there is, since no figure is compared with another run's.
fn bench(job: &Job, arguments: &[&str]) -> Seen {
    job.host(&[&["bench", "plugin"], arguments, &["--seconds", "1"]].concat())
}

fn orders(job: &Job) {
    let csv = format!("{HEADER}\n{ID},{ID},shipped,2017-10-02 10:56:33,,,,\nbad,{ID},,2017-10-02 10:56:33,,,,\n");
    job.write("orders.csv", &csv);
}

#[test]
fn every_stage_is_timed_and_every_record_counted_once() {
    let job = job();
    orders(&job);
    let seen = bench(&job, &[&plugin(), "orders.csv", "--batch", "100", "--json"]).succeeded();
    let report: Value = serde_json::from_str(&seen.stdout).expect("JSON");
    assert_eq!(report["plugin"], "order_enrich");
    assert_eq!(
        report["counts"],
        serde_json::json!({"records": 2, "rows": 1, "filtered": 0, "rejected": {"bad-uuid": 1}})
    );
    assert_eq!((&report["batch_records"], &report["rounds"]), (&100.into(), &10.into()));
    let number = |value: &Value| value.as_f64().expect("a number");
    for figure in ["decode", "lower", "guest", "lift", "transform", "whole"] {
        let spread = &report["ns_per_record"][figure];
        let [least, median, most] = ["least", "median", "most"].map(|which| number(&spread[which]));
        assert!(0.0 < least && least <= median && median <= most, "{figure}: {spread}");
    }
    let stages = &report["ns_per_record"];
    assert!(
        number(&stages["whole"]["most"]) > number(&stages["transform"]["least"]) + number(&stages["decode"]["least"])
    );
    let (slowest, rate) = (
        number(&stages["whole"]["most"]),
        number(&report["records_per_second"]["least"]),
    );
    assert!(
        (rate * slowest / 1e9 - 1.0).abs() < 1e-6,
        "{rate} records/s, {slowest} ns a record"
    );
    let [fresh, most, limit] =
        ["fresh_bytes", "most_bytes", "limit_bytes"].map(|which| number(&report["memory"][which]));
    assert!(0.0 < fresh && fresh <= most && most <= limit, "{}", report["memory"]);
    for figure in ["size_bytes", "compile_ms"] {
        assert!(number(&report[figure]) > 0.0, "{figure}");
    }
    assert!(
        !is_there(&job.path("orders.csv.dead-letters.ndjson")),
        "timing writes nothing"
    );
}

#[test]
fn people_get_a_table() {
    let job = job();
    orders(&job);
    let seen = bench(&job, &[&plugin(), "orders.csv"]).succeeded();
    for words in [
        "plugin       order_enrich 0.1.0, ",
        "2 of orders.csv: 1 rows, 0 filtered, 1 rejected (bad-uuid 1)",
        "ns a record",
        "records/s on one core",
        "in batches of 1,000, 10 rounds",
    ] {
        seen.says(words);
    }
}

#[test]
fn what_cannot_be_timed_is_exit_code_2_and_named() {
    let job = job();
    let plugin = plugin();
    bench(&job, &[&plugin, "none.csv"]).failed(2, &["none.csv does not exist"]);
    job.write("empty.csv", "");
    bench(&job, &[&plugin, "empty.csv"]).failed(2, &["empty.csv is empty"]);
    job.write("header.csv", &format!("{HEADER}\n"));
    bench(&job, &[&plugin, "header.csv"]).failed(2, &["header.csv has no records"]);
    orders(&job);
    bench(&job, &["none.wasm", "orders.csv"]).failed(2, &["none.wasm", "host plugin build"]);
    bench(&job, &[&plugin, "kafka://a:1/b"]).failed(2, &["this verb reads a file"]);
}

#[test]
fn a_record_that_breaks_the_plugin_is_named_by_its_line() {
    let job = job();
    std::fs::write(job.path("misbehaving.wasm"), built::misbehaving()).expect("written");
    job.write("cases.csv", "behaviour,number\ngood,1\nfilter,2\ntrap,3\ngood,4\n");
    let seen = bench(&job, &["misbehaving.wasm", "cases.csv"]);
    seen.failed(2, &["misbehaving.wasm breaks on cases.csv:4", "trap"]);
    job.write("others.ndjson", "{\"number\":1}\n{\"number\":2}\n");
    bench(&job, &["misbehaving.wasm", "others.ndjson"])
        .failed(2, &["no record has what the plugin takes", "others.ndjson:1"]);
}
