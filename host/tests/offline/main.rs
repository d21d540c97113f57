//! The whole way without servers: a file through the plugin into SQLite, onto standard output, and back.

mod bench;
#[path = "../sandbox/built.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod built;
mod compiled;
mod diff;
mod files;
mod numbers;
mod shadow;
mod signing;
#[path = "../support/mod.rs"]
mod support;
mod traces;

use std::collections::BTreeMap;

use support::program::{Job, is_there};
use support::{orders, plugin};

const ID: &str = "0a1b2c3d4e5f46078899aabbccddeef7";
const HEADER: &str = "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,\
                      order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date";

/// A job whose servers must not be asked for.
fn job() -> Job {
    Job::without_servers("offline")
}

#[test]
fn a_file_becomes_the_rows_of_an_independent_reading() {
    let job = job();
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "2000",
        "--seed",
        "41",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.run(&["--from", "orders.csv", "--to", "orders.db"])
        .succeeded()
        .says("read 2000 records: 2000 rows written");
    job.host(&["verify", "orders.csv", "--plugin", &plugin(), "--to", "orders.db"])
        .succeeded()
        .says("0 missing");

    let database = rusqlite::Connection::open(job.path("orders.db")).expect("a database");
    let mut statement = database
        .prepare("SELECT order_id, order_status, order_purchase_timestamp, OrderHour, OrderDayOfWeek FROM orders")
        .expect("the table");
    let rows = statement.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, Option<String>>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, i64>(3)?,
            row.get::<_, String>(4)?,
        ))
    });
    let found: BTreeMap<_, _> = rows
        .expect("rows")
        .map(|row| row.expect("a row"))
        .map(|row| (row.0.clone(), row))
        .collect();
    let expected = orders::expected(&job.read("orders.csv"));
    assert_eq!(found.len(), expected.len());
    for (id, order) in expected {
        let row = &found[&id];
        let bought = order.cells[3]
            .as_deref()
            .map(|time| format!("{}Z", time.replace(' ', "T")));
        assert_eq!((&row.1, Some(&row.2)), (&order.cells[2], bought.as_ref()), "{id}");
        assert_eq!(
            (Some(row.3.to_string()), Some(row.4.clone())),
            (order.cells[8].clone(), order.cells[9].clone()),
            "{id}"
        );
    }
}

#[test]
fn rows_are_printed_as_json_and_nothing_else() {
    let job = job();
    let csv = format!("{HEADER}\n{ID},{ID},shipped,2017-10-02 10:56:33,,,,\nbad,{ID},,2017-10-02 10:56:33,,,,\n");
    job.write("orders.csv", &csv);
    let seen = job.run(&["--from", "orders.csv", "--to", "-"]).succeeded();
    let dashed = "0a1b2c3d-4e5f-4607-8899-aabbccddeef7";
    assert_eq!(
        seen.stdout,
        format!(
            "{{\"order_id\":\"{dashed}\",\"customer_id\":\"{dashed}\",\"order_status\":\"shipped\",\
             \"order_purchase_timestamp\":\"2017-10-02T10:56:33Z\",\"OrderHour\":10,\"OrderDayOfWeek\":\"Monday\"}}\n"
        )
    );
    let letters = job.read("orders.csv.dead-letters.ndjson");
    let letter: serde_json::Value = serde_json::from_str(letters.trim()).expect("one line of JSON");
    assert_eq!(
        (letter["code"].as_str(), letter["line"].as_u64()),
        (Some("bad-uuid"), Some(3))
    );
    assert_eq!(letter["value"]["order_id"], "bad");
}

#[test]
fn a_file_that_lacks_the_key_column_rejects_every_record_with_its_reason() {
    let job = job();
    job.write(
        "orders.csv",
        &format!("order_id,order_purchase_timestamp\n{ID},2017-10-02 10:56:33\n{ID},2017-10-03 10:56:33\n"),
    );
    let seen = job.run(&["--from", "orders.csv", "--to", "orders.db"]);
    let said =
        "none of the 2 records of orders.csv came through: 2 rejected (missing-key 2); no record has these fields";
    seen.failed(1, &[said]);
    seen.says("0 rows written, 0 filtered, 2 rejected (missing-key 2)");
    assert_eq!(job.read("orders.db.dead-letters.ndjson").lines().count(), 2);
}

#[test]
fn blank_lines_line_ends_and_day_first_dates() {
    let job = job();
    let blank = "\r\n".repeat(40_000);
    let csv = format!(
        "\u{feff}{HEADER}\r\n{blank}{ID},{ID},,02-10-2017 10:56,,,,\r\n,,,,,,,\r\n{ID},{ID},,13/10/2017 23:59,,,,\r\n"
    );
    job.write("orders.csv", &csv);
    let seen = job.run(&["--from", "orders.csv", "--to", "-"]).succeeded();
    assert!(
        seen.stdout.contains("2017-10-02T10:56:00Z") && seen.stdout.contains("2017-10-13T23:59:00Z"),
        "{}",
        seen.stdout
    );
    let csv = format!("{HEADER}\n{ID},{ID},,10/2/2017 10:56,,,,\n");
    job.write("us.csv", &csv);
    let seen = job
        .run(&["--from", "us.csv", "--to", "-", "--set", "date-order=mdy"])
        .succeeded();
    assert!(seen.stdout.contains("2017-10-02T10:56:00Z"), "{}", seen.stdout);
}

#[test]
fn try_shows_rows_rejects_and_counts() {
    let job = job();
    let csv = format!("{HEADER}\n{ID},{ID},shipped,2017-10-02 10:56:33,,,,\nbad,{ID},,2017-10-02 10:56:33,,,,\n");
    job.write("orders.csv", &csv);
    let seen = job.host(&["try", "--plugin", &plugin(), "orders.csv"]).succeeded();
    for words in [
        "OrderDayOfWeek",
        "Monday",
        "orders.csv:3: ",
        "(bad-uuid)",
        "2 records: 1 rows, 0 filtered, 1 rejected (bad-uuid 1)",
    ] {
        seen.says(words);
    }
    assert!(
        !is_there(&job.path("orders.csv.dead-letters.ndjson")),
        "trying writes nothing"
    );
}

/// Where and why, as the guest says it: in the answer of `try`, in the letter and, once a record, in the log.
#[test]
fn a_panic_is_told_in_the_guests_own_words_once_and_at_its_record() {
    let job = job();
    let ids: String = (0..120).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    job.write("things.ndjson", &ids);
    let traps = job.path("traps.wasm");
    std::fs::write(&traps, built::variant("traps", "trap")).expect("a file");
    let words = |seen: &str, line: u32| {
        let told = format!("things.ndjson:{line}");
        let lines: Vec<_> = seen.lines().filter(|line| line.contains(&told)).collect();
        assert_eq!(lines.len(), 1, "{told} in:\n{seen}");
        for words in [
            "the plugin trapped: panicked at plugins/variants/src/lib.rs:",
            ": as asked",
        ] {
            assert!(lines[0].contains(words), "{words} in {}", lines[0]);
        }
    };
    let tried = job.host(&["try", "things.ndjson", "--plugin", &traps]).succeeded();
    for line in [8, 58, 108] {
        words(&tried.stdout, line);
    }
    let from = ["--from", "things.ndjson", "--to", "things.db", "--plugin", &traps];
    let seen = job.host(&[&["run"], &from[..]].concat());
    let log: String = seen
        .stderr
        .lines()
        .filter(|line| line.contains("panicked"))
        .fold(String::new(), |log, line| log + line + "\n");
    for line in [8, 58, 108] {
        words(&log, line);
    }
    assert_eq!(log.lines().count(), 3, "{log}");
}

#[test]
fn a_file_filled_twice_has_the_same_write_times() {
    let job = job();
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "500",
        "--seed",
        "42",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    let times = |database: &str| {
        job.run(&["--from", "orders.csv", "--to", database]).succeeded();
        let database = rusqlite::Connection::open(job.path(database)).expect("a database");
        let mut statement = database
            .prepare("SELECT order_id, write_time FROM orders ORDER BY 1")
            .expect("the table");
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
        rows.expect("rows").map(|row| row.expect("a row")).collect::<Vec<_>>()
    };
    let first = times("a.db");
    assert_eq!(first, times("b.db"));
    assert_eq!(first, times("a.db"), "again on top of it");
}

#[test]
fn input_that_is_none_is_exit_code_2_and_says_what_it_is() {
    let job = job();
    job.run(&["--from", "none.csv", "--to", "-"]).failed(2, &["none.csv"]);
    std::fs::write(job.path("picture.csv"), b"\x89PNG\r\n\x1a\n\0\0\0").expect("written");
    job.run(&["--from", "picture.csv", "--to", "-"])
        .failed(2, &["picture.csv"]);
    job.write("orders.csv", &format!("{HEADER}\n"));
    for (name, bytes, words) in [
        ("text.wasm", &b"not a plugin"[..], "a text file"),
        ("core.wasm", b"\0asm\x01\0\0\0", "a core WebAssembly module"),
        ("cut.wasm", b"\0asm\x0d\0\x01\0\x07", "cut off after 9 bytes"),
        ("empty.wasm", b"", "an empty file"),
    ] {
        std::fs::write(job.path(name), bytes).expect("written");
        job.host(&["run", "--plugin", name, "--from", "orders.csv", "--to", "-"])
            .failed(2, &[name, words]);
    }
    job.host(&["run", "--plugin", "none.wasm", "--from", "orders.csv", "--to", "-"])
        .failed(2, &["none.wasm", "host plugin build"]);
}

#[test]
fn letters_of_a_file_are_shown_and_replayed_over_their_own_rows_only() {
    let job = job();
    let row = |id: &str, bought: &str| format!("{id},{ID},created,{bought},,,,\n");
    let other = ID.replace('0', "1");
    let csv = format!(
        "{HEADER}\n{}{}{}",
        row(ID, "10/22/2017 10:56"),
        row(&other, "2017-10-02 10:56:33"),
        row("bad", "2017-10-02 10:56:33")
    );
    job.write("orders.csv", &csv);
    job.run(&["--from", "orders.csv", "--to", "orders.db"])
        .succeeded()
        .says("2 rejected (bad-timestamp 1, bad-uuid 1)");
    let letters = ["--from", "orders.db.dead-letters.ndjson"];
    let dlq = |arguments: &[&str]| job.host(&[&["dlq"], arguments, &letters].concat());
    let list = dlq(&["list", "--by", "code"]).succeeded();
    for words in [
        "dead letters: 2",
        "bad-timestamp",
        "orders.csv:4",
        "orders.db.dead-letters.ndjson:2",
    ] {
        list.says(words);
    }
    let shown = dlq(&["show", "1"]).succeeded();
    for words in [
        "orders.csv:2",
        "\"order_purchase_timestamp\": \"10/22/2017 10:56\"",
        "generation 0",
    ] {
        shown.says(words);
    }
    dlq(&["show", "3"]).failed(1, &["1 of the letters"]);
    dlq(&["list", "--where", "stage=nowhere"]).failed(2, &["decode, transform or write"]);

    let replay = [
        "replay",
        "--plugin",
        &plugin(),
        "--set",
        "date-order=mdy",
        "--to",
        "orders.db",
    ];
    let dry = dlq(&[&replay[..], &["--dry-run"]].concat()).succeeded();
    dry.says("rejected again, as replay 1 of its record: bad-uuid");
    let rows = || {
        let database = rusqlite::Connection::open(job.path("orders.db")).expect("a database");
        let mut statement = database
            .prepare("SELECT order_id, write_time FROM orders ORDER BY 1")
            .expect("the table");
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
        rows.expect("rows").map(|row| row.expect("a row")).collect::<Vec<_>>()
    };
    let before = rows();
    assert_eq!(before.len(), 1, "a dry run writes nothing");
    assert!(!is_there(&job.path("orders.db.dead-letters.again.ndjson")));

    dlq(&replay)
        .succeeded()
        .says("1 rows written, 0 filtered, 1 rejected (bad-uuid 1)");
    let after = rows();
    assert_eq!(after.len(), 2);
    // The file's records are 16 apart; the letter's stood before the one that was good.
    assert_eq!(after[0].1, before[0].1 - 16 + 1);
    assert_eq!(after[1], before[0]);
    let again = job.read("orders.db.dead-letters.again.ndjson");
    let again: serde_json::Value = serde_json::from_str(again.trim()).expect("one line of JSON");
    assert_eq!((&again["replays"], &again["generation"]), (&1.into(), &1.into()));

    dlq(&[&replay[..], &["--generation", "3"]].concat()).succeeded();
    assert_eq!(rows()[0].1, after[0].1 + 2);
}

#[test]
fn a_file_that_holds_no_letters_is_said_line_by_line_and_nothing_breaks() {
    let job = job();
    job.write("x.ndjson", "{\"a\":1}\n\nno json\n");
    let list = job.host(&["dlq", "list", "--from", "x.ndjson"]).succeeded();
    list.says("dead letters: 0; records that are not dead letters of host: 2");
    let replay = [
        "dlq",
        "replay",
        "--from",
        "x.ndjson",
        "--plugin",
        &plugin(),
        "--to",
        "x.db",
    ];
    job.host(&replay)
        .succeeded()
        .says("2 passed over, since they are not dead letters of host");
    job.host(&["dlq", "list", "--from", "none.ndjson"])
        .failed(2, &["none.ndjson"]);
    job.host(&["dlq", "list", "--from", "orders.csv"])
        .failed(2, &["orders.csv", "FILE.ndjson"]);
}
