//! Components sent to the endpoint: taken, refused with the reasons, and taken back.

use serde_json::Value;

use crate::stage::{Stage, variant};
use crate::support::collector::Collector;
use crate::support::http::Answer;

fn put(stage: &Stage, component: &[u8]) -> (u16, Value) {
    told(&stage.ask("PUT", "/plugin", &[("Content-Type", "application/wasm")], component))
}

fn roll_back(stage: &Stage) -> (u16, Value) {
    told(&stage.ask("POST", "/plugin/rollback", &[("Content-Type", "application/json")], b""))
}

fn told(answer: &Answer) -> (u16, Value) {
    let json = serde_json::from_str(&answer.body);
    (answer.status, json.unwrap_or_else(|_| panic!("no JSON: {answer:?}")))
}

#[test]
fn a_component_is_taken_refused_or_taken_back_and_each_is_in_the_history() {
    let collector = Collector::start();
    let mut stage = Stage::started("swaps", &[("HOST_OTLP", &collector.address)]);
    stage.lock();
    let first = stage.json("/plugin")["digest"].clone();
    let (status, nothing) = roll_back(&stage);
    assert_eq!((status, &nothing["outcome"]), (422, &"refused".into()), "{nothing}");
    let (status, swap) = put(&stage, &variant("second"));
    assert_eq!((status, &swap["outcome"]), (200, &"swapped".into()), "{swap}");
    assert!(
        swap["asked_by"]
            .as_str()
            .is_some_and(|who| who.starts_with("admin 127.0.0.1:")),
        "{swap}"
    );
    let second = stage.json("/plugin")["digest"].clone();
    assert_eq!((&swap["from"]["digest"], &swap["to"]["digest"]), (&first, &second));
    assert_ne!(first, second);
    let (status, same) = put(&stage, &variant("second"));
    assert_eq!((status, &same["outcome"]), (200, &"unchanged".into()), "{same}");
    let (status, bad) = put(&stage, b"no component");
    assert_eq!((status, &bad["outcome"]), (422, &"refused".into()), "{bad}");
    assert!(
        bad["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()),
        "{bad}"
    );
    assert_eq!(put(&stage, b"").0, 400);
    let plugin = stage.json("/plugin");
    assert_eq!(
        plugin["back"]["digest"], first,
        "where a rollback leads is there to ask"
    );
    assert_eq!(
        (&plugin["held"]["digest"], &plugin["held"]["runs"]),
        (&first, &false.into())
    );
    assert_eq!(plugin["swapping"], Value::Null);
    let json = [("Content-Type", "application/json")];
    let elsewhere = serde_json::json!({ "to": second }).to_string();
    let (status, refused) = told(&stage.ask("POST", "/plugin/rollback", &json, elsewhere.as_bytes()));
    assert_eq!((status, &refused["outcome"]), (422, &"refused".into()), "{refused}");
    assert!(refused["reasons"].to_string().contains("leads to"), "{refused}");
    assert_eq!(stage.ask("POST", "/plugin/rollback", &json, b"[1]").status, 400);
    let here = serde_json::json!({ "to": first }).to_string();
    let (status, back) = told(&stage.ask("POST", "/plugin/rollback", &json, here.as_bytes()));
    assert_eq!((status, &back["outcome"]), (200, &"rolled_back".into()), "{back}");
    let plugin = stage.json("/plugin");
    assert_eq!((&plugin["digest"], &plugin["back"]), (&first, &Value::Null));
    // What was rolled back is not gone back to.
    let (status, again) = roll_back(&stage);
    assert_eq!((status, &again["outcome"]), (422, &"refused".into()), "{again}");
    let plugin = stage.json("/plugin");
    let history = plugin["history"].as_array().expect("swaps");
    let outcomes: Vec<_> = history.iter().filter_map(|swap| swap["outcome"].as_str()).collect();
    assert_eq!(
        outcomes,
        [
            "refused",
            "swapped",
            "unchanged",
            "refused",
            "refused",
            "rolled_back",
            "refused"
        ]
    );
    let metrics = stage.get("/metrics").body;
    assert!(
        metrics.contains("host_swaps_total{outcome=\"refused\"} 4\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("host_swaps_total{outcome=\"swapped\"} 1\n"),
        "{metrics}"
    );
    stage.unlock();
    stage.goes_to_its_end();

    let spans = collector.until("swap", 7);
    let seen: Vec<_> = spans
        .iter()
        .map(|span| (span.attribute("swap.outcome"), span.is_error(), collector.below(span)))
        .collect();
    let phases = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(
        seen,
        [
            ("refused", true, phases(&[])),
            ("swapped", false, phases(&["assemble", "trial", "announce", "put"])),
            ("unchanged", false, phases(&["assemble"])),
            ("refused", true, phases(&["assemble"])),
            ("refused", true, phases(&[])),
            ("rolled_back", true, phases(&["trial", "announce", "put"])),
            ("refused", true, phases(&[])),
        ]
    );
    let swapped = &spans[1];
    assert_eq!(Value::from(swapped.attribute("swap.from.digest")), first);
    assert_eq!(Value::from(swapped.attribute("swap.to.digest")), second);
    assert!(swapped.attribute("swap.asked_by").starts_with("admin 127.0.0.1:"));
    let why = spans[3].proto.status.as_ref().map(|status| status.message.clone());
    assert!(why.is_some_and(|why| !why.is_empty()), "{:?}", spans[3]);
}
