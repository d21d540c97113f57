//! What is not swapped in, and why.

use serde_json::Value as Json;

use crate::scene::{Scene, digest, variant};
use crate::support::http;

fn reasons(swap: &Json) -> String {
    assert_eq!(swap["outcome"], "refused", "{swap}");
    swap["reasons"].to_string()
}

#[test]
fn what_does_not_fit_is_refused_by_name_and_the_old_one_goes_on() {
    let scene = Scene::new("swap_refused");
    let one = variant("one", "");
    scene.place(&one);
    let running = scene.start(&[]);
    scene.produce(300, 0);
    scene.until_rows(300);
    let wasi = "(component (import \"wasi:cli/environment@0.2.0\" (instance)) (import \"wasi:clocks/wall-clock@0.2.0\" (instance)))";
    let newer = "(component (import \"host:transform/log@0.2.0\" (instance)))";
    let cases: [(&str, Vec<u8>, &[&str]); 10] = [
        (
            "wasi",
            wat::parse_str(wasi).unwrap(),
            &["wasi:cli/environment@0.2.0", "wasi:clocks/wall-clock@0.2.0"],
        ),
        (
            "another world version",
            wat::parse_str(newer).unwrap(),
            &["host:transform/log@0.2.0", "0.1.0"],
        ),
        (
            "a key column is not there",
            variant("no", "no-key"),
            &["id", "primary key"],
        ),
        (
            "a column has another name",
            variant("no", "rename"),
            &["maker", "variants"],
        ),
        (
            "a field that records have not",
            variant("no", "wants"),
            &["rejects", "colour"],
        ),
        (
            "it traps on the sample",
            variant("no", "trap"),
            &["broke it (trap)", &scene.job.topic],
        ),
        (
            "it rejects the sample",
            variant("no", "reject=50"),
            &["too-fussy", "the current plugin 0"],
        ),
        ("its settings", variant("no", "refuse"), &["refused as asked"]),
        ("half of a file", one[..one.len() / 2].to_vec(), &["cut off"]),
        ("a text", b"not a plugin".to_vec(), &["a text file"]),
    ];
    for (number, (what, component, words)) in (1..).zip(cases) {
        scene.place(&component);
        let swap = scene.until_swaps(number);
        let reasons = reasons(&swap);
        for word in words {
            assert!(reasons.contains(word), "{what}: {word:?} is not in {reasons}");
        }
        scene.produce(3, 0);
        let rows = scene.until_rows(300 + 3 * number);
        assert!(rows.values().all(|row| row.made_by == "one"), "{what}");
        assert_eq!(scene.status()["plugin"]["digest"], digest(&one).as_str(), "{what}");
    }
    scene.place(&one);
    running.signal("-TERM");
    running.finish().succeeded();
}

/// The records are Avro, and their schema is registered: a field that is not in it is named before any record is tried.
#[test]
fn a_field_that_the_schema_has_not_is_refused_by_its_name() {
    let scene = Scene::new("swap_schema");
    scene.place(&variant("one", ""));
    let schema = "{\"type\":\"record\",\"name\":\"Thing\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"}]}";
    register(&scene, schema);
    let running = scene.start(&[]);
    scene.place(&variant("no", "wants"));
    let swap = scene.until_swaps(1);
    let reasons = reasons(&swap);
    assert!(reasons.contains("has no field colour"), "{reasons}");
    running.signal("-TERM");
    running.finish().succeeded();
}

fn register(scene: &Scene, schema: &str) {
    let url = scene.job.servers.registry.strip_prefix("http://").unwrap();
    let (address, path) = url.split_at(url.find('/').unwrap_or(url.len()));
    let path = format!("{path}/subjects/{}-value/versions", scene.job.topic);
    let body = serde_json::json!({ "schema": schema }).to_string();
    let json = [("Content-Type", "application/json")];
    let answer = http::ask(address, "POST", &path, &json, body.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Then there is nothing at hand to try a candidate on.
#[test]
fn a_host_that_has_read_nothing_tries_a_candidate_on_what_is_in_the_topic() {
    let scene = Scene::new("swap_idle");
    scene.place(&variant("one", ""));
    let running = scene.start(&[]);
    scene.produce(300, 0);
    scene.until_rows(300);
    scene.until_settled(300);
    running.signal("-TERM");
    running.finish().succeeded();

    let running = scene.start(&[]);
    scene.place(&variant("no", "trap"));
    let swap = scene.until_swaps(1);
    assert!(reasons(&swap).contains("broke it (trap)"), "{swap}");
    assert_eq!(
        (&swap["sample_records"], &scene.status()["records"]),
        (&300.into(), &0.into())
    );
    // The first record that breaks it ends the trial.
    assert!((1..300).contains(&swap["tried_records"].as_i64().unwrap()), "{swap}");
    running.signal("-TERM");
    running.finish().succeeded();
}

/// A candidate's topics are looked for as its tables are.
#[test]
fn a_topic_that_is_not_there_or_leads_back_is_refused_by_its_name() {
    let scene = Scene::new("swap_topic");
    let nowhere = format!("{}-nowhere", scene.job.topic);
    for (topic, words) in [(&nowhere, "is not there"), (&scene.job.topic, "for ever")] {
        scene.place(&variant("one", ""));
        let running = scene.start(&["--set", &format!("topic={topic}")]);
        scene.place(&variant("two", "emits"));
        let swap = scene.until_swaps(1);
        let reasons = reasons(&swap);
        assert!(reasons.contains(topic.as_str()) && reasons.contains(words), "{reasons}");
        running.signal("-TERM");
        running.finish().succeeded();
        // The next run's status, not what this one has left.
        std::fs::remove_file(scene.job.path("status.json")).unwrap();
    }
}
