//! Records that give several rows of one key: the last one stands, in every sink, and a replay changes nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use scylla::value::CqlValue;
use serde_json::json;

use crate::built::variant;
use crate::support::cassandra::{self, query};
use crate::support::kafka::{self, Sent};
use crate::support::program::{Job, Seen};

const MADE_MS: i64 = 1_500_000_000_000;

/// What the row was before the record that is looked at.
const BEFORE: &str = "put old 9";

const STEPS: [&str; 5] = ["put a 1", "put b _", "put _ 2", "part c", "delete"];

/// A value and the offset of the record that it is from.
type Cell<T> = Option<(T, i64)>;

/// The columns `v` and `w` of a row.
type Row = (Cell<String>, Cell<i32>);

struct Scene {
    job: Job,
    plugin: String,
}

impl Scene {
    async fn new(name: &str) -> Self {
        let job = Job::new(name);
        let plugin = job.path("scripts.wasm");
        std::fs::write(&plugin, variant("one", "scripts")).unwrap();
        let scene = Self { job, plugin };
        scene.host(&["setup"], &[]).succeeded();
        let session = cassandra::session(&scene.job.servers.cassandra).await;
        for table in [
            "scripts (id text PRIMARY KEY, v text, w int)",
            "others (id text PRIMARY KEY, v text)",
        ] {
            query(&session, &format!("CREATE TABLE {}.{table}", scene.job.keyspace)).await;
        }
        scene
    }

    fn host(&self, verb: &[&str], arguments: &[&str]) -> Seen {
        self.job.host(&[verb, &["--plugin", &self.plugin], arguments].concat())
    }

    /// Reads the topic under a new group.
    fn run(&mut self, group: &str, arguments: &[&str]) -> Seen {
        self.job.group = format!("{}_{group}", self.job.keyspace);
        self.host(&["run", "--exit-at-end"], arguments)
    }

    fn send(&self, records: &[(&str, &str)]) {
        let values: Vec<_> = records.iter().map(|(id, script)| value(id, script)).collect();
        let sent = records.iter().zip(&values).map(|((id, _), value)| Sent {
            key: Some(id.as_bytes()),
            value: Some(value.as_bytes()),
            timestamp_ms: MADE_MS,
            headers: &[],
        });
        kafka::produce(&self.job.servers.kafka, &self.job.topic, &sent.collect::<Vec<_>>());
    }

    /// The table `scripts` by id; of each cell the offset that its write timestamp says, with `generation`.
    async fn table(&self, generation: i64) -> BTreeMap<String, Row> {
        let session = cassandra::session(&self.job.servers.cassandra).await;
        let cql = format!(
            "SELECT id, v, WRITETIME(v), w, WRITETIME(w) FROM {}.scripts",
            self.job.keyspace
        );
        let offset = |time: Option<&CqlValue>| {
            let micros = time.and_then(CqlValue::as_bigint)? - MADE_MS * 1000 - generation;
            assert_eq!(micros % 16, 0, "a write timestamp of generation {generation}");
            Some(micros / 16)
        };
        let row = |cells: Vec<Option<CqlValue>>| {
            let cells: Vec<_> = cells.iter().map(Option::as_ref).collect();
            let v = cells[1].and_then(CqlValue::as_text).cloned();
            let w = cells[3].and_then(CqlValue::as_int);
            let id = cells[0].and_then(CqlValue::as_text).unwrap().clone();
            (id, (v.zip(offset(cells[2])), w.zip(offset(cells[4]))))
        };
        query(&session, &cql).await.into_iter().map(row).collect()
    }

    fn letters(&self) -> Vec<kafka::Seen> {
        kafka::read_all(&self.job.servers.kafka, &format!("{}-dlq", self.job.topic))
    }
}

fn value(id: &str, script: &str) -> String {
    json!({ "id": id, "script": script }).to_string()
}

/// Every script of one to three steps, and some longer ones.
fn scripts() -> Vec<String> {
    let mut scripts: Vec<String> = STEPS.map(str::to_owned).into();
    let mut last = scripts.clone();
    for _ in 1..3 {
        let longer = last
            .iter()
            .flat_map(|script| STEPS.map(|step| format!("{script}; {step}")));
        last = longer.collect();
        scripts.extend(last.clone());
    }
    scripts.extend(
        [
            "delete; put a 1; delete; put b _; part c; delete",
            "put a 1; part b; put _ 3; part c; put _ 4",
            "other x; delete; other y; put a _; other z",
        ]
        .map(str::to_owned),
    );
    scripts
}

/// One step after the other.
fn expected(records: &[(&str, &str)]) -> BTreeMap<String, Row> {
    let mut table: BTreeMap<String, Row> = BTreeMap::new();
    for (offset, (id, script)) in (0..).zip(records) {
        for step in script.split(';').map(str::trim) {
            let words: Vec<_> = step.split(' ').collect();
            let text = |at: usize| words.get(at).filter(|word| **word != "_");
            if words[0] == "delete" {
                table.remove(*id);
            } else if words[0] != "other" {
                let row = table.entry((*id).to_owned()).or_default();
                if let Some(v) = text(1) {
                    row.0 = Some(((*v).to_owned(), offset));
                }
                if let Some(w) = text(2) {
                    row.1 = Some((w.parse().unwrap(), offset));
                }
            }
        }
    }
    table
}

fn in_sqlite(path: &str) -> BTreeMap<String, (Option<String>, Option<i32>)> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT id, v, w FROM scripts").unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))
        .unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_row_of_a_key_stands_in_cassandra_and_in_sqlite_and_a_replay_changes_nothing() {
    let mut scene = Scene::new("one_key").await;
    let scripts = scripts();
    let ids: Vec<_> = (0..scripts.len()).map(|number| format!("k{number:03}")).collect();
    let pairs = ids.iter().map(String::as_str).zip(scripts.iter().map(String::as_str));
    // A record with one row, then the one with several, 16 microseconds later.
    let records: Vec<_> = pairs.flat_map(|(id, script)| [(id, BEFORE), (id, script)]).collect();
    scene.send(&records);
    let expected = expected(&records);
    scene.run("first", &[]).succeeded();
    assert_eq!(scene.table(0).await, expected);
    let file = scene.job.path("one_key.db");
    scene.run("file", &["--to", &file]).succeeded();
    let values: BTreeMap<_, _> = expected
        .iter()
        .map(|(id, (v, w))| {
            let (v, w) = (v.as_ref().map(|(v, _)| v.clone()), w.as_ref().map(|(w, _)| *w));
            (id.clone(), (v, w))
        })
        .collect();
    assert_eq!(in_sqlite(&file), values);

    for replay in ["second", "third"] {
        scene.run(replay, &[]).succeeded();
        assert_eq!(scene.table(0).await, expected, "{replay}");
    }
    scene.run("file_again", &["--to", &file]).succeeded();
    assert_eq!(in_sqlite(&file), values);
    scene.run("rewritten", &["--rewrite=15"]).succeeded();
    assert_eq!(scene.table(15).await, expected);
    scene.run("fourth", &[]).succeeded();
    assert_eq!(scene.table(15).await, expected, "what is older changes nothing");

    // Verified by the records alone, and explained.
    let lines = records.iter().fold(String::new(), |mut lines, (id, script)| {
        let _ = writeln!(lines, "{}", value(id, script));
        lines
    });
    let records_file = scene.job.write("records.ndjson", &lines);
    scene
        .host(&["verify", &records_file], &[])
        .succeeded()
        .says(" 0 missing, 0 different");
    scene.host(&["verify", &records_file], &["--to", &file]).succeeded();
    let session = cassandra::session(&scene.job.servers.cassandra).await;
    let others = query(&session, &format!("SELECT v FROM {}.others", scene.job.keyspace)).await;
    assert_eq!(others, [[Some(CqlValue::Text("z".into()))]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_key_all_rows_are_written_or_none_and_a_dead_letter_that_comes_back_replaces_them() {
    let mut scene = Scene::new("one_key_refused").await;
    scene.send(&[
        ("a", BEFORE),
        ("a", "delete; put new bad; other said"),
        ("b", BEFORE),
        ("b", "put new bad; delete"),
        ("c", BEFORE),
        ("c", "delete; part new"),
    ]);
    scene.run("first", &[]).succeeded().says("2 rejected (bad-value 2)");
    let table = scene.table(0).await;
    let old = |offset| (Some(("old".to_owned(), offset)), Some((9, offset)));
    assert_eq!(table["a"], old(0), "the delete alone would have lost the row");
    assert_eq!(table["b"], old(2));
    assert_eq!(table["c"], (Some(("new".to_owned(), 5)), None));
    assert_eq!(scene.letters().len(), 2);
    let session = cassandra::session(&scene.job.servers.cassandra).await;
    let others = query(&session, &format!("SELECT v FROM {}.others", scene.job.keyspace)).await;
    assert_eq!(
        others,
        [[Some(CqlValue::Text("said".into()))]],
        "a row of another table is not held back"
    );

    // With room for the number, both records become what they say.
    query(&session, &format!("DROP TABLE {}.scripts", scene.job.keyspace)).await;
    let table = "scripts (id text PRIMARY KEY, v text, w bigint)";
    query(&session, &format!("CREATE TABLE {}.{table}", scene.job.keyspace)).await;
    scene.run("second", &[]).succeeded().says("0 rejected");
    scene.host(&["dlq", "replay"], &[]).succeeded().says("read 2 records");
    let cql = format!(
        "SELECT id, v, WRITETIME(v), WRITETIME(w) FROM {}.scripts",
        scene.job.keyspace
    );
    let mut rows = query(&session, &cql).await;
    rows.sort_by_key(|row| row[0].as_ref().and_then(CqlValue::as_text).cloned());
    let text = |text: &str| Some(CqlValue::Text(text.to_owned()));
    let time = |offset: i64, generation: i64| Some(CqlValue::BigInt(MADE_MS * 1000 + 16 * offset + generation));
    assert_eq!(
        rows,
        [
            vec![text("a"), text("new"), time(1, 1), time(1, 1)],
            vec![text("c"), text("new"), time(5, 0), None],
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_what_is_written_of_each_row() {
    let scene = Scene::new("one_key_explained").await;
    scene.send(&[("k", "put a 1; delete; put b 2; part c")]);
    let record = format!("{}/0@0", scene.job.topic);
    let seen = scene.host(&["explain", &record], &[]).succeeded();
    let time = MADE_MS * 1000;
    let lines: Vec<_> = seen.stdout.lines().map(str::trim).collect();
    let place = |words: &str| {
        let place = lines.iter().position(|line| line.contains(words));
        place.unwrap_or_else(|| panic!("no `{words}` in {}", seen.stdout))
    };
    let places = [
        place("not written: later rows of this record"),
        place(&format!(
            "DELETE FROM \"{}\".\"scripts\" USING TIMESTAMP {}",
            scene.job.keyspace,
            time - 1
        )),
        place("a microsecond earlier, since a later row"),
        place(&format!("(\"id\", \"w\") VALUES ('k', 2) USING TIMESTAMP {time};")),
        place("without the columns that later rows"),
        place(&format!("(\"id\", \"v\") VALUES ('k', 'c') USING TIMESTAMP {time};")),
    ];
    assert!(places.is_sorted(), "{places:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_topic_and_in_print_the_last_row_of_a_record_lies_last() {
    let mut scene = Scene::new("one_key_topic").await;
    let states = format!("{}-states", scene.job.topic);
    let topic = format!("topic={states}");
    let with_topic = ["--set", topic.as_str()];
    scene.host(&["setup"], &with_topic).succeeded();
    let records = [
        ("a", "say one; hush"),
        ("b", "hush; say two"),
        ("c", "say one; say two; hush; say three"),
        ("a", "say again"),
        ("b", "say one; hush; say two; hush"),
        ("d", "put a 1; part b; put c _"),
        ("d", "part e; put f _"),
    ];
    scene.send(&records);
    scene.run("first", &with_topic).succeeded();
    let mut said: BTreeMap<String, Vec<(String, Option<String>)>> = BTreeMap::new();
    for state in kafka::read_all(&scene.job.servers.kafka, &states) {
        let key = String::from_utf8(state.key.clone().unwrap()).unwrap();
        let value = state.value.as_deref().map(|value| {
            let value: serde_json::Value = serde_json::from_slice(value).unwrap();
            value["v"].as_str().unwrap().to_owned()
        });
        let place = format!(
            "{}.{}",
            state.header("host.offset").unwrap(),
            state.header("host.row").unwrap()
        );
        said.entry(key).or_default().push((place, value));
    }
    let states = |states: &[(&str, Option<&str>)]| -> Vec<_> {
        let owned = |(place, value): &(&str, Option<&str>)| ((*place).to_owned(), value.map(str::to_owned));
        states.iter().map(owned).collect()
    };
    assert_eq!(
        said["a"],
        states(&[("0.0", Some("one")), ("0.1", None), ("3.0", Some("again"))])
    );
    assert_eq!(
        said["b"],
        states(&[
            ("1.0", None),
            ("1.1", Some("two")),
            ("4.0", Some("one")),
            ("4.1", None),
            ("4.2", Some("two")),
            ("4.3", None),
        ])
    );
    assert_eq!(
        said["c"],
        states(&[
            ("2.0", Some("one")),
            ("2.1", Some("two")),
            ("2.2", None),
            ("2.3", Some("three"))
        ])
    );

    let printed = scene.run("printed", &["--to", "-"]).succeeded();
    let of_d = printed.stdout.lines().filter(|line| line.contains(r#""id":"d""#));
    let values: Vec<_> = of_d
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["v"].as_str().or(row["V"].as_str()).unwrap().to_owned()
        })
        .collect();
    assert_eq!(values, ["a", "b", "c", "e", "f"]);
}
