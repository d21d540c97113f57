//! A candidate beside the plugin of a whole run: rows are the plugin's alone, and the difference is said at the end.

use super::support::plugin;
use super::support::program::{Job, Seen};
use super::{built, job};

fn run(job: &Job, database: &str, more: &[&str]) -> Seen {
    let plugin = plugin();
    let run = ["run", "--plugin", &plugin, "--from", "orders.csv", "--to", database];
    job.host(&[&run, more].concat())
}

fn rows(job: &Job, database: &str) -> Vec<(String, i64, i64)> {
    let database = rusqlite::Connection::open(job.path(database)).expect("a database");
    let mut statement = database
        .prepare("SELECT order_id, OrderHour, write_time FROM orders ORDER BY 1")
        .expect("the table");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

#[test]
fn rows_are_the_same_with_a_candidate_and_without() {
    let job = job();
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "20000",
        "--seed",
        "81",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    run(&job, "without.db", &[]).succeeded();
    std::fs::copy(plugin(), job.path("same.wasm")).expect("copied");
    let seen = run(&job, "with.db", &["--shadow", "same.wasm", "--shadow-share", "100%"]).succeeded();
    seen.says("of the batches,");
    assert!(seen.stdout.ends_with("\nno difference\n"), "{}", seen.stdout);
    let before = rows(&job, "without.db");
    assert!(before.len() > 19_000 && before == rows(&job, "with.db"));
}

#[test]
fn a_candidate_is_refused_like_any_plugin() {
    let mut job = job();
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "10",
        "--seed",
        "82",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.write("text.wasm", "not a plugin");
    run(&job, "orders.db", &["--shadow", "text.wasm"]).failed(2, &["shadow text.wasm", "a text file"]);
    run(&job, "orders.db", &["--shadow", "none.wasm"]).failed(2, &["shadow none.wasm"]);
    run(&job, "orders.db", &["--shadow", "x.wasm", "--shadow-share", "0%"]).failed(2, &["--shadow-share"]);

    std::fs::write(job.path("other.wasm"), built::misbehaving()).expect("written");
    std::fs::copy(plugin(), job.path("p.wasm")).expect("copied");
    job.host(&["plugin", "keygen", "release"]).succeeded();
    job.host(&["plugin", "sign", "p.wasm", "--key", "release"]).succeeded();
    job.more_settings = "[plugin]\ntrusted_keys = \"release.pub\"\n".to_owned();
    let run = ["run", "--plugin", "p.wasm", "--from", "orders.csv", "--to", "-"];
    let shadowed = |shadow: &str| job.host(&[&run[..], &["--shadow", shadow]].concat());
    shadowed("other.wasm").failed(2, &["shadow other.wasm", "not signed"]);
    shadowed("p.wasm").succeeded();
}
