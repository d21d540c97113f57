//! The admin endpoint of a real run, without servers: a file is read into a SQLite file that another process has
//! locked, so the run waits and goes on as the tests like.

#[path = "../sandbox/built.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod built;
#[path = "../support/mod.rs"]
mod support;

mod dashboard;
mod forged;
mod live;
mod memory;
mod stage;
mod swaps;

use std::collections::BTreeSet;
use std::time::Duration;

use host::pipeline::watch::metrics::METRICS;
use stage::{Stage, TOKEN};
use support::program::Job;

#[test]
fn ready_turns_503_with_the_reason_and_back() {
    let mut stage = Stage::started("ready", &[]);
    assert_eq!(stage.get("/live").status, 200);
    stage.lock();
    let waiting = stage.until("/ready", |answer| answer.status == 503);
    assert!(
        waiting.body.starts_with("waiting for the sink for "),
        "{}",
        waiting.body
    );
    assert!(waiting.body.contains("locked"), "{}", waiting.body);
    let json = stage.ask("GET", "/ready", &[("Accept", "application/json")], b"");
    let json: serde_json::Value = serde_json::from_str(&json.body).expect("JSON");
    assert_eq!(json["ready"], false);
    assert!(
        json["reasons"][0]
            .as_str()
            .is_some_and(|reason| reason.contains("the sink"))
    );
    let status = stage.json("/status.json");
    assert_eq!(
        (&status["state"], &status["waiting"][0]["for"]),
        (&"waiting".into(), &"the sink".into())
    );
    assert_eq!(stage.get("/live").status, 200, "waiting is no reason to be killed");
    stage.unlock();
    let ready = stage.until("/ready", |answer| answer.status == 200);
    assert_eq!(ready.body, "ready\n");
    stage.goes_to_its_end();
}

#[test]
fn every_metric_is_there_under_its_name_and_with_its_help() {
    let mut stage = Stage::started("metrics", &[]);
    stage.lock();
    let answer = stage.get("/metrics");
    assert!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text; version=1.0.0")
    );
    let text = answer.body;
    assert!(text.ends_with("# EOF\n"));
    let lines = |prefix: &str| -> BTreeSet<String> {
        let of_kind = text.lines().filter_map(|line| line.strip_prefix(prefix));
        of_kind
            .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
            .collect()
    };
    let family = |full: &str| full.trim_end_matches("_total").trim_end_matches("_info").to_owned();
    let listed: BTreeSet<_> = METRICS.iter().map(|metric| family(&metric.full_name())).collect();
    assert_eq!(lines("# TYPE "), listed);
    for metric in &METRICS {
        assert!(text.contains(&format!(" {}.\n", metric.help)), "{}", metric.full_name());
        let samples = text.lines().filter(|line| line.starts_with(&metric.full_name()));
        for label in metric.labels {
            assert!(
                samples.clone().all(|line| line.contains(&format!("{label}=\""))),
                "{label} of {}",
                metric.full_name()
            );
        }
    }
    let said = |line: &str| -> &str {
        let found = text
            .lines()
            .find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("{line} in\n{text}"))
    };
    let value = |line: &str| -> f64 { said(line).parse().expect("a number") };
    assert!(value("host_records_read_total") >= 1000.0);
    assert!(value("host_records_read_total") >= value("host_records_settled_total"));
    assert!(value("host_batches_in_flight") >= 1.0);
    assert!(value("host_rows_in_flight") >= 0.0);
    assert!(value("host_guest_memory_bytes") > 65_535.0);
    assert!(value("host_retries_total{cause=\"sink\"}") >= 1.0);
    assert!(value("host_waiting_seconds{for=\"sink\"}") > 0.0);
    assert_eq!(said("host_waiting_seconds{for=\"source\"}"), "0.0");
    assert_eq!(said("host_ready"), "0.0");
    assert!(value("host_stage_duration_seconds_count{stage=\"decode\"}") >= 1.0);
    assert_eq!(
        said("host_stage_duration_seconds_bucket{le=\"+Inf\",stage=\"transform\"}"),
        said("host_stage_duration_seconds_count{stage=\"transform\"}")
    );
    let whole = |line: &str| format!("{:.0}", value(line));
    assert_eq!(whole("host_batch_records_sum"), whole("host_records_read_total"));
    assert!(
        text.contains("host_records_rejected_total{code=\"bad-uuid\"} "),
        "{text}"
    );
    stage.unlock();
    stage.goes_to_its_end();
}

#[test]
fn the_status_shows_rejects_with_examples_and_the_history_fills() {
    let mut stage = Stage::started("status", &[]);
    stage.lock();
    let status = stage.json("/status.json");
    let examples = status["examples"]["bad-uuid"].as_array().expect("examples");
    assert!((1..=5).contains(&examples.len()));
    assert!(
        examples[0]["record"]
            .as_str()
            .is_some_and(|record| record.contains(".csv:")),
        "{}",
        examples[0]
    );
    assert!(status["rejected"]["bad-uuid"].as_u64() >= Some(examples.len() as u64));
    assert_eq!(status["plugin"]["history"], serde_json::json!([]));
    let plugin = stage.json("/plugin");
    assert_eq!(
        (&plugin["name"], &plugin["digest"]),
        (&"order_enrich".into(), &status["plugin"]["digest"])
    );
    assert_eq!(plugin["outputs"][0]["effect"], "upsert");
    assert!(plugin["inputs"].as_array().is_some_and(|inputs| inputs.len() >= 8));
    let samples = stage.until("/history.json", |answer| answer.body.matches("\"at\"").count() >= 2);
    let samples: serde_json::Value = serde_json::from_str(&samples.body).expect("JSON");
    let last = samples.as_array().and_then(|samples| samples.last()).expect("samples");
    let stages: Vec<_> = last["stage_ms"].as_object().expect("by name").keys().collect();
    assert_eq!(stages, ["decode", "transform", "write", "dead_letters"]);
    let later = stage.json(&format!("/history.json?after={}", last["at"]));
    let first = later.as_array().and_then(|later| later.first());
    assert!(first.is_none_or(|first| first["at"].as_u64() > last["at"].as_u64()));
    stage.unlock();
    stage.goes_to_its_end();
}

#[test]
fn the_page_is_one_of_our_own_files_and_nothing_else_may_run_in_it() {
    let mut stage = Stage::started("page", &[]);
    stage.lock();
    for (path, kind) in [
        ("/", "text/html"),
        ("/page.js", "text/javascript"),
        ("/charts.js", "text/javascript"),
        ("/format.js", "text/javascript"),
        ("/page.css", "text/css"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let answer = stage.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").starts_with(kind), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'") && policy.contains("frame-ancestors 'none'")
        );
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        for outside in ["http://", "https://", "//cdn"] {
            let found = answer.body.replace("http://www.w3.org/2000/svg", "").contains(outside);
            assert!(!found, "{path} names something outside");
        }
        for markup in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "onclick=",
        ] {
            assert!(!answer.body.contains(markup), "{path}: {markup}");
        }
    }
    stage.unlock();
    stage.goes_to_its_end();
}

#[test]
fn with_a_token_only_who_shows_it_is_told_anything() {
    let mut stage = Stage::started("token", &[("HOST_ADMIN_TOKEN", TOKEN)]);
    stage.lock();
    for path in ["/live", "/ready", "/", "/page.js"] {
        assert_ne!(stage.get(path).status, 401, "{path}");
    }
    let shown = format!("Bearer {TOKEN}");
    for path in ["/metrics", "/status.json", "/history.json", "/plugin"] {
        let without = stage.get(path);
        assert_eq!(
            (without.status, without.header("www-authenticate")),
            (401, "Bearer"),
            "{path}"
        );
        let wrong = stage.ask("GET", path, &[("Authorization", "Bearer 0000000000000000")], b"");
        assert_eq!(wrong.status, 401, "{path}");
        let with = stage.ask("GET", path, &[("Authorization", &shown)], b"");
        assert_eq!(with.status, 200, "{path}");
        assert!(!with.body.contains(TOKEN));
    }
    stage.unlock();
    let seen = stage.goes_to_its_end();
    assert!(
        !format!("{}{}", seen.stdout, seen.stderr).contains(TOKEN),
        "a secret is never said"
    );
}

#[test]
fn a_taken_address_that_was_asked_for_is_refused_and_a_file_has_no_endpoint_unasked() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let job = Job::without_servers("taken");
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "10",
        "--seed",
        "7",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    let run = ["--from", "orders.csv", "--to", "orders.db"];
    job.run(&[&run[..], &["--admin", &address]].concat())
        .failed(2, &["is taken", "--admin"]);
    let seen = job.run(&run).succeeded();
    assert!(!seen.stderr.contains("http://"), "{}", seen.stderr);
}

#[test]
fn slow_heads_are_cut_off_and_do_not_keep_others_out() {
    let mut stage = Stage::started("slow", &[]);
    stage.lock();
    let silent: Vec<_> = (0..40).map(|_| stage.connect()).collect();
    assert_eq!(stage.get("/live").status, 200);
    let mut one = stage.connect();
    std::io::Write::write_all(&mut one, b"GET /live HTTP/1.1\r\nHost: localhost\r\nX: ").expect("sent");
    one.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut one, &mut rest).expect("closed in time");
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    drop(silent);
    stage.unlock();
    stage.goes_to_its_end();
}
