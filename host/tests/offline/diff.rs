//! `host diff` over files: what two plugins make differently is found, shown and told by the exit code.

use super::support::plugin;
use super::support::program::{Job, Seen, is_there};
use super::{HEADER, ID, built, job};

fn diff(job: &Job, plugins: [&str; 2], file: &str, more: &[&str]) -> Seen {
    job.host(&[&["diff", plugins[0], plugins[1], file], more].concat())
}

/// Day first and month first: a date that both read, one that only each of them reads, and one that is the same.
fn dates(job: &Job) -> String {
    let row = |digit: &str, bought: &str| format!("{},{ID},created,{bought},,,,\n", ID.replace('0', digit));
    let rows = [
        row("1", "10/2/2017 10:56"),
        row("2", "13/10/2017 23:59"),
        row("3", "10/22/2017 10:56"),
        row("4", "2017-10-02 10:56:33"),
    ];
    job.write("orders.csv", &format!("{HEADER}\n{}", rows.concat()))
}

#[test]
fn a_plugin_and_itself_do_not_differ() {
    let job = job();
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "3000",
        "--seed",
        "61",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    let plugin = plugin();
    let seen = diff(&job, [&plugin, &plugin], "orders.csv", &[]).succeeded();
    seen.says("3000 records\n  rows      3000 equal, 0 different, 0 only in old, 0 only in new\n");
    assert!(
        seen.stdout.ends_with("\nno difference (exit code 0)\n"),
        "{}",
        seen.stdout
    );
    diff(&job, [&plugin, &plugin], "orders.csv", &["--limit", "700"])
        .succeeded()
        .says("700 records\n  rows      700 equal");
    let files: Vec<_> = std::fs::read_dir(job.directory.path()).expect("a folder").collect();
    assert_eq!(files.len(), 2, "nothing but the file and host.toml: {files:?}");
}

#[test]
fn another_setting_shows_what_it_changes() {
    let job = job();
    dates(&job);
    let plugin = plugin();
    let seen = diff(&job, [&plugin, &plugin], "orders.csv", &["--set-new", "date-order=mdy"]);
    assert_eq!((seen.code, seen.stderr.as_str()), (Some(1), ""), "{}", seen.stdout);
    for words in [
        "table orders: 1 rows equal, 1 different, 1 only in old, 1 only in new",
        "column order_purchase_timestamp: 1 rows differ",
        "2017-02-10T10:56:00Z  2017-10-02T10:56:00Z",
        "orders.csv:2",
        "column OrderDayOfWeek: 1 rows differ",
        "rejected by the new one only\n  bad-timestamp: 1 records",
        "rejected by the old one only\n  bad-timestamp: 1 records",
        "rows      1 equal, 1 different, 1 only in old, 1 only in new\n  rejected  0 by both, 1 by new only, 1 by old only",
    ] {
        seen.says(words);
    }
    assert!(!seen.stdout.contains("column OrderHour"), "{}", seen.stdout);
    assert!(
        seen.stdout.ends_with("\nthey differ (exit code 1)\n"),
        "{}",
        seen.stdout
    );
}

#[test]
fn as_json_it_is_the_whole_report() {
    let job = job();
    dates(&job);
    let plugin = plugin();
    let more = ["--set", "date-order=dmy", "--set-new", "date-order=mdy", "--json"];
    let seen = diff(&job, [&plugin, &plugin], "orders.csv", &more);
    assert_eq!(seen.code, Some(1), "{}", seen.stderr);
    let told: serde_json::Value = serde_json::from_str(&seen.stdout).expect("JSON");
    assert_eq!((&told["same"], &told["records"]), (&false.into(), &4.into()));
    let orders = &told["outputs"][0];
    assert_eq!((&orders["equal"], &orders["different"]), (&1.into(), &1.into()));
    let columns = orders["columns"].as_array().expect("columns");
    let bought = columns
        .iter()
        .find(|column| column["name"] == "order_purchase_timestamp");
    let example = &bought.expect("the column")["values"]["examples"][0];
    assert_eq!(
        (&example["record"], &example["old"]),
        (&"orders.csv:2".into(), &"2017-02-10T10:56:00Z".into())
    );
    let gained = &told["rejects"]["gained"]["bad-timestamp"];
    assert_eq!(
        (&gained["count"], &gained["examples"][0]["record"]),
        (&1.into(), &"orders.csv:3".into())
    );
    assert!(told["old"]["guest_ns"].as_u64() > Some(0), "{told}");
}

#[test]
fn records_that_break_the_guest_are_compared_like_any_other() {
    let job = job();
    std::fs::write(job.path("misbehaving.wasm"), built::misbehaving()).expect("written");
    let behaviours = ["trap", "good", "two-rows", "filter", "reject", "unaccounted", "good"];
    let line = |(number, behaviour): (usize, &&str)| format!("{{\"behaviour\":\"{behaviour}\",\"number\":{number}}}\n");
    job.write("x.ndjson", &behaviours.iter().enumerate().map(line).collect::<String>());
    let seen = diff(&job, ["misbehaving.wasm", "misbehaving.wasm"], "x.ndjson", &[]).succeeded();
    seen.says("7 records\n  rows      4 equal, 0 different");
    seen.says("rejected  3 by both, 0 by new only, 0 by old only, 0 with another code\n  filtered  1 by both");

    // Its other mode writes another table, and wants an id that these records have not.
    let seen = diff(
        &job,
        ["misbehaving.wasm", "misbehaving.wasm"],
        "x.ndjson",
        &["--set-new", "configure=ledger"],
    );
    assert_eq!(seen.code, Some(1), "{}", seen.stderr);
    seen.says("table misbehaving: only the old one has it, with 4 rows");
    seen.says("table ledger, deletes: only the new one has it, with 0 rows");
    seen.says("rejected by the new one only\n  missing-field: 4 records");
    seen.says("filtered by the old one only: 1 records\n    x.ndjson:4");
}

#[test]
fn what_is_no_plugin_or_no_file_is_named_with_exit_code_2() {
    let job = job();
    dates(&job);
    let good = plugin();
    job.write("text.wasm", "not a plugin");
    diff(&job, ["text.wasm", &good], "orders.csv", &[]).failed(2, &["text.wasm", "a text file"]);
    diff(&job, [&good, "none.wasm"], "orders.csv", &[]).failed(2, &["none.wasm", "host plugin build"]);
    diff(&job, [&good, &good], "none.csv", &[]).failed(2, &["none.csv"]);
    diff(&job, [&good, &good], "orders.xlsx", &[]).failed(2, &["orders.xlsx", "kafka://"]);
    diff(&job, [&good, &good], "orders.csv", &["--set-new", "no-such=x"]).failed(2, &["order_enrich.wasm"]);
    diff(&job, [&good, &good], "kafka://127.0.0.1:1/x", &[]).failed(3, &["no broker of 127.0.0.1:1 answers"]);
    // A file that cannot be read to its end was not compared: no verdict on it.
    job.write("broken.csv", &format!("{HEADER}\nonly one field\n"));
    diff(&job, [&good, &good], "broken.csv", &[]).failed(2, &["1 rows of the file could not be read"]);
    assert!(!is_there(&job.path("orders.csv.dead-letters.ndjson")));
}

#[test]
fn a_plugin_that_breaks_on_everything_gives_no_verdict() {
    let job = job();
    std::fs::write(job.path("misbehaving.wasm"), built::misbehaving()).expect("written");
    job.write("x.ndjson", &"{\"behaviour\":\"trap\",\"number\":1}\n".repeat(100));
    diff(&job, ["misbehaving.wasm", "misbehaving.wasm"], "x.ndjson", &[])
        .failed(2, &["plugin misbehaving.wasm", "breaks on every record", "trapped"]);
}
