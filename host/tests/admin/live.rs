//! The live line: on a terminal, and nowhere else.

use std::process::Command;

use crate::support::plugin;
use crate::support::program::Job;

fn job() -> Job {
    let job = Job::without_servers("live");
    let generate = [
        "generate",
        "orders",
        "--rows",
        "100000",
        "--seed",
        "7",
        "--out",
        "orders.csv",
    ];
    job.host(&generate).succeeded();
    job
}

#[test]
fn a_terminal_shows_a_line_that_is_taken_away_at_the_end() {
    let job = job();
    let run = format!(
        "{} run --plugin {} --from {} --to {} --log-level debug",
        env!("CARGO_BIN_EXE_host"),
        plugin(),
        job.path("orders.csv"),
        job.path("orders.db")
    );
    // `script` gives it a terminal.
    let seen = Command::new("script")
        .args(["-qec", &run, "/dev/null"])
        .env("TERM", "xterm")
        .output();
    let seen = seen.expect("script, of bsdutils");
    let text = String::from_utf8_lossy(&seen.stdout);
    assert!(seen.status.success(), "{text}");
    let drawn = text
        .split('\r')
        .any(|line| line.contains("records/s \u{b7} 0 rejected \u{b7} order_enrich 0.1.0 ("));
    assert!(drawn, "{text}");
    let summary = text.lines().last().expect("a last line");
    assert!(summary.contains("read 100000 records"), "{text}");
    let whole = |line: &str| line.matches("INFO").count() <= 1;
    assert!(text.lines().all(whole), "no line is torn: {text}");
}

#[test]
fn without_a_terminal_there_are_lines_and_nothing_is_drawn() {
    let job = job();
    let seen = job.run(&["--from", "orders.csv", "--to", "orders.db"]).succeeded();
    assert!(
        !seen.stderr.contains('\r') && !seen.stderr.contains("records/s"),
        "{}",
        seen.stderr
    );
    let json = job
        .run(&["--from", "orders.csv", "--to", "more.db", "--log", "json"])
        .succeeded();
    let is_json =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok_and(|line| line["level"].is_string());
    assert!(
        json.stderr.lines().count() > 0 && json.stderr.lines().all(is_json),
        "{}",
        json.stderr
    );
}
