//! A plugin that never ends: refused where it is a candidate, left at once where it is the current one, and gone back from
//! where it was swapped in. None of that waits until it is known which records it does not end on.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::scene::{Scene, digest, variant};
use crate::support::http;
use crate::support::program::Running;

/// It takes a second or two on a machine that is free.
const SOON: Duration = Duration::from_secs(20);

/// A host with an endpoint.
fn start(scene: &Scene) -> (Running, String) {
    let mut running = scene.start(&["--admin", "127.0.0.1:0"]);
    let line = running.until("page, metrics and status at http://");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    let address = address.unwrap().to_owned();
    (running, address)
}

fn put(address: &str, component: &[u8]) -> Json {
    let wasm = [("Content-Type", "application/wasm")];
    let answer = http::ask(address, "PUT", "/plugin", &wasm, component);
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn one_that_never_ends_is_refused_and_left_within_seconds() {
    let scene = Scene::new("swap_loops");
    let (endless, good) = (variant("endless", "loop=300"), variant("good", ""));
    scene.place(&endless);
    let (running, address) = start(&scene);
    scene.produce(300, 0);
    scene.until_rows(300);
    // As a candidate, beside one that takes these records.
    let begun = Instant::now();
    let refused = put(&address, &variant("worse", "loop=150"));
    let took = begun.elapsed();
    eprintln!("a candidate that never ends is refused after {took:.1?}: {refused}");
    assert_eq!(refused["outcome"], "refused", "{refused}");
    assert!(
        refused["reasons"].to_string().contains("broke it (deadline)"),
        "{refused}"
    );
    assert!(took < SOON, "{took:?}");
    // All three partitions are in the guest, each with whole batches of records that it does not end on.
    running.signal("-STOP");
    std::thread::sleep(Duration::from_millis(500));
    scene.produce(900, 0);
    running.signal("-CONT");
    std::thread::sleep(Duration::from_secs(2));
    let begun = Instant::now();
    let swap = put(&address, &good);
    let answered = begun.elapsed();
    assert_eq!(swap["outcome"], "swapped", "{swap}");
    let rows = scene.until_rows(1200);
    let took = begun.elapsed();
    eprintln!("left after {answered:.1?}, and 900 records were written after {took:.1?}: {swap}");
    assert!(took < SOON, "{took:?}");
    assert_eq!(rows.values().filter(|row| row.made_by == "good").count(), 900);
    running.signal("-TERM");
    running.finish().succeeded();
}

/// The first one is on probation when the second one comes, and nothing has come through it: what both are judged by, and
/// what is gone back to, is the last that ran well.
#[test]
fn of_two_that_never_end_swapped_in_at_once_nothing_stays() {
    let scene = Scene::new("swap_loops_twice");
    let one = variant("one", "");
    scene.place(&one);
    let (running, address) = start(&scene);
    scene.produce(900, 0);
    scene.until_rows(900);
    for name in ["first", "second"] {
        let swap = put(&address, &variant(name, "loop=900"));
        assert_eq!(swap["outcome"], "swapped", "{swap}");
    }
    let asked = http::ask(&address, "GET", "/plugin", &[], b"");
    let plugin: Json = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(plugin["back"]["digest"], digest(&one).as_str(), "{plugin}");
    let back = http::ask(
        &address,
        "POST",
        "/plugin/rollback",
        &[("Content-Type", "application/json")],
        b"{}",
    );
    assert_eq!(back.status, 200, "{back:?}");
    scene.produce(30, 0);
    let rows = scene.until_rows(930);
    assert!(rows.values().all(|row| row.made_by == "one"));
    running.signal("-TERM");
    running.finish().succeeded();
}
