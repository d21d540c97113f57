//! Numbers that an end cannot hold: they are rejected with their column, never changed.

use crate::built::misbehaving;
use crate::job;

#[test]
fn nan_and_infinities_go_where_they_can_be_held_and_are_rejected_elsewhere() {
    let job = job();
    std::fs::write(job.path("plugin.wasm"), misbehaving()).expect("a file");
    job.write(
        "numbers.ndjson",
        "{\"id\":1,\"number\":0.5}\n{\"id\":2,\"number\":0,\"make\":\"nan\"}\n\
         {\"id\":3,\"number\":0,\"make\":\"infinity\"}\n{\"id\":4,\"number\":1e400}\n\
         {\"id\":5,\"number\":\"inf\"}\n",
    );
    let run = |to: &str| {
        let all = [
            "run",
            "--plugin",
            "plugin.wasm",
            "--set",
            "configure=numbers",
            "--from",
            "numbers.ndjson",
            "--to",
            to,
        ];
        job.host(&all).succeeded()
    };
    let letters = |file: &str| -> Vec<String> {
        let letters = job.read(file);
        let letters = letters.lines().map(|line| {
            // Kept as it came, and more than this library reads.
            let letter: serde_json::Value = serde_json::from_str(&line.replace("1e400", "0")).expect("JSON");
            format!(
                "{} {}: {}",
                letter["value"]["id"],
                letter["code"].as_str().unwrap_or_default(),
                letter["message"].as_str().unwrap_or_default()
            )
        });
        let mut letters: Vec<_> = letters.collect();
        letters.sort();
        letters
    };
    let printed = run("-");
    assert_eq!(printed.stdout, "{\"id\":1,\"number\":0.5}\n");
    let found = letters("numbers.ndjson.dead-letters.ndjson");
    assert_eq!(found[0], "2 bad-value: column number: NaN is not a number in JSON");
    assert_eq!(found[1], "3 bad-value: column number: infinity is not a number in JSON");
    assert!(
        found[2].starts_with("4 bad-type: ") && found[3].starts_with("5 bad-type: "),
        "{found:?}"
    );
    assert_eq!(found.len(), 4);

    run("numbers.db");
    let database = rusqlite::Connection::open(job.path("numbers.db")).expect("a database");
    let mut statement = database
        .prepare("SELECT id, number FROM numbers ORDER BY id")
        .expect("the table");
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<f64>>(1)?)));
    let rows: Vec<_> = rows.expect("rows").map(|row| row.expect("a row")).collect();
    assert_eq!(rows, [(1, Some(0.5)), (3, Some(f64::INFINITY))]);
    let found = letters("numbers.db.dead-letters.ndjson");
    assert_eq!(
        found[0],
        "2 bad-value: column number: NaN is not a value in SQLite, which would store null in its place"
    );
    assert_eq!(found.len(), 3);
}
