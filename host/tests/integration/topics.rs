//! Outputs that go to topics: what is in them, in which order, what is refused, and what is waited for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::built::variant;
use crate::support::kafka::{self, Seen as Record, Sent, committed};
use crate::support::program::{Job, Running, Seen};
use crate::support::{cassandra, services};

const MADE_MS: i64 = 1_500_000_000_000;

/// A plugin that writes a table and a topic, and where that is.
struct Scene {
    job: Job,
    states: String,
}

impl Scene {
    /// With everything that `host setup` makes, and the table.
    async fn new(name: &str) -> Self {
        let scene = Self::bare(name);
        scene.ask(&["setup"]).succeeded();
        let session = cassandra::session(&scene.job.servers.cassandra).await;
        let table = format!(
            "CREATE TABLE {}.variants (id bigint PRIMARY KEY, partition int, offset bigint, made_by text, mirror text)",
            scene.job.keyspace
        );
        cassandra::query(&session, &table).await;
        scene
    }

    fn bare(name: &str) -> Self {
        let job = Job::new(name);
        std::fs::write(job.path("emits.wasm"), variant("one", "emits")).unwrap();
        Self {
            states: format!("{}-states", job.topic),
            job,
        }
    }

    fn ask(&self, verb: &[&str]) -> Seen {
        self.start(verb).finish()
    }

    fn start(&self, verb: &[&str]) -> Running {
        let (plugin, topic) = (self.job.path("emits.wasm"), format!("topic={}", self.states));
        self.job
            .start(&[verb, &["--plugin", &plugin, "--set", &topic]].concat())
    }

    /// Records of these ids with this key, into partition 0.
    fn send(&self, key: Option<&str>, ids: &[i64]) {
        let values: Vec<_> = ids.iter().map(|id| format!("{{\"id\":{id}}}")).collect();
        let sent = values.iter().map(|value| Sent {
            key: key.map(str::as_bytes),
            value: Some(value.as_bytes()),
            timestamp_ms: MADE_MS,
            headers: &[],
        });
        kafka::produce(&self.job.servers.kafka, &self.job.topic, &sent.collect::<Vec<_>>());
    }

    fn states(&self) -> Vec<Record> {
        kafka::read_all(&self.job.servers.kafka, &self.states)
    }

    fn letters(&self) -> Vec<Record> {
        kafka::read_all(&self.job.servers.kafka, &format!("{}-dlq", self.job.topic))
    }

    async fn rows(&self) -> Vec<i64> {
        let session = cassandra::session(&self.job.servers.cassandra).await;
        let rows = cassandra::query(&session, &format!("SELECT id FROM {}.variants", self.job.keyspace)).await;
        let id = |row: Vec<Option<_>>| row[0].as_ref().and_then(scylla::value::CqlValue::as_bigint).unwrap();
        let mut ids: Vec<_> = rows.into_iter().map(id).collect();
        ids.sort_unstable();
        ids
    }

    fn until_committed(&self, records: i64) {
        let end = Instant::now() + Duration::from_mins(1);
        while committed(&self.job.servers.kafka, &self.job.group, &self.job.topic, 3) < records {
            assert!(Instant::now() < end, "never committed");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// The id in a row's value; `None` is a tombstone.
fn id(record: &Record) -> Option<i64> {
    let value: Value = serde_json::from_slice(record.value.as_deref()?).unwrap();
    value["Id"].as_i64()
}

/// Where a row is from: partition, offset and number.
fn place(record: &Record) -> (i32, i64, u32) {
    let number = |name: &str| record.header(name).unwrap();
    (
        number("host.partition").parse().unwrap(),
        number("host.offset").parse().unwrap(),
        number("host.row").parse().unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_a_row_in_the_table_and_one_in_the_topic_which_says_where_it_is_from() {
    let mut scene = Scene::new("topic_rows").await;
    let headers: &[(&str, &[u8])] = &[
        ("tracestate", b"congo=t61rcWkgMzE"),
        ("other", b"stays behind"),
        ("traceparent", b"\x00\xff no such trace"),
        (
            "traceparent",
            b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
    ];
    let key = &[0, 0xff, b'k'][..];
    let sent = [(b"{\"id\":1}", headers), (b"{\"id\":8}", &[]), (b"{\"id\":9}", &[])];
    let sent = (MADE_MS..).zip(&sent).map(|(timestamp_ms, (value, headers))| Sent {
        key: Some(key),
        value: Some(*value),
        timestamp_ms,
        headers,
    });
    kafka::produce(&scene.job.servers.kafka, &scene.job.topic, &sent.collect::<Vec<_>>());
    scene
        .ask(&["run", "--exit-at-end"])
        .succeeded()
        .says("read 3 records: 6 rows written, 0 filtered, 0 rejected");

    assert_eq!(scene.rows().await, [1, 8]);
    let states = scene.states();
    assert_eq!(
        states.iter().map(id).collect::<Vec<_>>(),
        [Some(1), Some(8), Some(-8), None]
    );
    assert!(states.iter().all(|row| row.key.as_deref() == Some(key)));
    let times: Vec<_> = states.iter().filter_map(|row| row.timestamp_ms).collect();
    assert_eq!(times, [MADE_MS, MADE_MS + 1, MADE_MS + 1, MADE_MS + 2]);
    let value: Value = serde_json::from_slice(states[0].value.as_deref().unwrap()).unwrap();
    assert_eq!(value, json!({ "Id": 1 }), "by the plugin's names, nulls left out");
    let found: Vec<_> = states[0]
        .headers
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_deref().unwrap()))
        .collect();
    let time = (MADE_MS * 1000).to_string();
    let expected: [(&str, &[u8]); 8] = [
        headers[0],
        headers[2],
        headers[3],
        ("host.topic", scene.job.topic.as_bytes()),
        ("host.partition", b"0"),
        ("host.offset", b"0"),
        ("host.row", b"0"),
        ("host.write-timestamp", time.as_bytes()),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        states.iter().map(place).collect::<Vec<_>>(),
        [(0, 0, 0), (0, 1, 0), (0, 1, 1), (0, 2, 0)]
    );

    // A full replay, as after a lost offset: copies, each with the place and the write timestamp of the first one.
    scene.job.group += "_again";
    scene.ask(&["run", "--exit-at-end"]).succeeded();
    assert_eq!(scene.rows().await, [1, 8]);
    let mut copies: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in scene.states() {
        let copy = (
            row.key.clone(),
            row.value.clone(),
            row.timestamp_ms,
            row.headers.clone(),
        );
        copies.entry(place(&row)).or_default().push(copy);
    }
    assert_eq!(copies.len(), 4);
    assert!(
        copies
            .values()
            .all(|copies| copies.len() == 2 && copies[0] == copies[1]),
        "{copies:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_key_what_the_last_record_says_lies_last() {
    let scene = Scene::new("topic_order").await;
    // A batch of two outputs that take turns.
    scene.send(Some("k"), &[1, 9, 2, 3, 19, 4, 29, 5]);
    scene.send(Some("other"), &[39]);
    scene.ask(&["run", "--exit-at-end"]).succeeded();
    let states = scene.states();
    let of_key = |key: &[u8]| -> Vec<_> {
        let rows = states.iter().filter(|row| row.key.as_deref() == Some(key));
        rows.map(id).collect()
    };
    assert_eq!(
        of_key(b"k"),
        [Some(1), None, Some(2), Some(3), None, Some(4), None, Some(5)]
    );
    assert_eq!(of_key(b"other"), [None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_topic_does_not_take_rejects_its_record_and_no_other() {
    let scene = Scene::new("topic_refuses").await;
    let brokers = &scene.job.servers.kafka;
    kafka::configure(brokers, &scene.states, "max.message.bytes", "4000").await;
    // Together in one request they are too many for the topic; each is small enough, but for two.
    let mut ids: Vec<_> = (1000..1040).collect();
    ids[10] = 9000;
    ids[30] = 9001;
    scene.send(Some("k"), &ids);
    scene
        .ask(&["run", "--exit-at-end"])
        .succeeded()
        .says("2 rejected (refused 2)");
    let mut letters: Vec<_> = scene.letters();
    letters.sort_by_key(|letter| letter.value.clone());
    let values: Vec<_> = letters.iter().filter_map(|letter| letter.value.as_deref()).collect();
    assert_eq!(values, [&b"{\"id\":9000}"[..], b"{\"id\":9001}"]);
    let why = letters[0].header("__connect.errors.exception.message").unwrap();
    assert!(why.contains(&scene.states) && why.contains("bytes of value"), "{why}");
    let mut taken: BTreeMap<_, Option<i64>> = BTreeMap::new();
    for row in scene.states() {
        taken.insert(place(&row), id(&row));
    }
    ids.retain(|id| *id < 9000);
    // Two rows of those that end in 8, no value for those that end in 9.
    let expected = ids.iter().flat_map(|&id| match id % 10 {
        8 => vec![Some(id), Some(-id)],
        9 => vec![None],
        _ => vec![Some(id)],
    });
    assert_eq!(taken.into_values().collect::<Vec<_>>(), expected.collect::<Vec<_>>());

    // A compacted topic takes no record without a key, whatever it goes with.
    kafka::configure(brokers, &scene.states, "cleanup.policy", "compact").await;
    let before = scene.states().len();
    for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        scene.send(Some(key), &[1, 2]);
        scene.send(None, &[3]);
    }
    let seen = scene.ask(&["run", "--exit-at-end"]).succeeded();
    seen.says("read 24 records: 40 rows written, 0 filtered, 8 rejected (refused 8)");
    assert!(!seen.stderr.contains("waiting for the sink"), "{}", seen.stderr);
    let states = scene.states();
    assert_eq!(states.len(), before + 16);
    assert!(states.iter().all(|row| row.key.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timestamp_that_the_brokers_refuse_goes_into_the_headers() {
    let scene = Scene::new("topic_time").await;
    let brokers = &scene.job.servers.kafka;
    kafka::configure(brokers, &scene.states, "message.timestamp.before.max.ms", "3600000").await;
    scene.send(Some("k"), &[1, 2]);
    scene.ask(&["run", "--exit-at-end"]).succeeded().says("0 rejected");
    let states = scene.states();
    assert_eq!(states.iter().map(id).collect::<Vec<_>>(), [Some(1), Some(2)]);
    for row in states {
        assert_eq!(row.header("host.record-timestamp"), Some(MADE_MS.to_string()));
        assert!(row.timestamp_ms.is_some_and(|time| time > MADE_MS));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_deleted_halts_with_the_remedy_and_making_it_again_heals() {
    let scene = Scene::new("topic_gone").await;
    scene.send(Some("k"), &[1]);
    let mut running = scene.start(&["run"]);
    running.until("running");
    scene.until_committed(1);
    services(&["kafka", "topics", "--delete", "--topic", &scene.states]);
    scene.send(Some("k"), &[2]);
    let said = running.until("halted at the sink");
    assert!(said.contains(&scene.states) && said.contains("host setup"), "{said}");
    assert_eq!(
        committed(&scene.job.servers.kafka, &scene.job.group, &scene.job.topic, 3),
        1
    );
    scene
        .ask(&["setup"])
        .succeeded()
        .says(&format!("topic {}: created, 3 partitions", scene.states));
    running.until("the sink is back");
    scene.until_committed(2);
    running.signal("-TERM");
    running.finish().succeeded();
    let ids: Vec<_> = scene.states().iter().map(id).collect();
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == Some(2)), "{ids:?}");
}

/// These tests stop a server that all tests use, so they run alone.
mod stopped {
    use super::*;

    #[test]
    fn a_file_goes_into_sqlite_and_a_topic_whose_brokers_may_be_away_meanwhile() {
        let scene = Scene::bare("topic_file");
        kafka_only_setup(&scene);
        let ids: Vec<_> = (10_000..30_000_i64).filter(|id| id % 10 < 8).collect();
        let lines = ids.iter().map(|id| format!("{{\"id\":{}}}\n", id % 1000));
        scene.job.write("ids.ndjson", &lines.collect::<String>());
        let way = ["--from", "ids.ndjson", "--to", "rows.db"];
        let mut running = scene.start(&[&["run"][..], &way].concat());
        running.until("running");
        services(&["kill", "kafka-1"]);
        let said = running.until("waiting for the sink");
        assert!(said.contains(&scene.states), "{said}");
        services(&["start", "kafka-1"]);
        running.until("the sink is back");
        running
            .finish()
            .succeeded()
            .says(&format!("{} rows written", 2 * ids.len()));
        let mut there: BTreeMap<_, _> = BTreeMap::new();
        for row in scene.states() {
            assert_eq!(row.key, None, "a line of a file has none");
            assert_eq!(row.header("host.topic").as_deref(), Some("ids.ndjson"));
            there.insert(place(&row), id(&row));
        }
        let expected: Vec<_> = ids.iter().map(|id| Some(id % 1000)).collect();
        assert_eq!(there.into_values().collect::<Vec<_>>(), expected);
        let verified = scene.ask(&["verify", "ids.ndjson", "--to", "rows.db"]).succeeded();
        verified.says(&format!("output states goes to topic {}: not compared", scene.states));
        verified.says("0 missing, 0 different");
    }
}

/// The topics alone: with SQLite there is no table to make.
fn kafka_only_setup(scene: &Scene) {
    scene.ask(&["setup", "--to", "rows.db"]).succeeded();
}

#[test]
fn standard_output_gets_all_rows_and_the_topic_none() {
    let scene = Scene::bare("topic_print");
    kafka_only_setup(&scene);
    scene.job.write("ids.ndjson", "{\"id\":1}\n{\"id\":9}\n");
    let seen = scene.ask(&["run", "--from", "ids.ndjson", "--to", "-"]).succeeded();
    let lines: Vec<_> = seen.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[1], r#"{"Id":1}"#);
    assert!(scene.states().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_and_one_that_leads_back_are_refused_by_name() {
    let mut scene = Scene::new("topic_refused").await;
    scene.send(Some("k"), &[1]);
    let checked = scene.ask(&["check"]);
    checked.says(&format!(
        "fits      output states: topic {}, 3 partitions",
        scene.states
    ));
    let here = std::mem::replace(&mut scene.states, format!("{}-nowhere", scene.job.topic));
    let missing = ["states", scene.states.as_str(), "is not there", "host setup"];
    scene.ask(&["run", "--exit-at-end"]).failed(2, &missing);
    let checked = scene.ask(&["check"]);
    assert_eq!(checked.code, Some(2));
    checked.says(&format!("MISMATCH  output states: topic {} is not there", scene.states));

    scene.states.clone_from(&scene.job.topic);
    let back = ["states", scene.job.topic.as_str(), "read from", "for ever"];
    scene.ask(&["run", "--exit-at-end"]).failed(2, &back);
    scene.ask(&["setup"]).failed(2, &back);
    scene.states = format!("{}-dlq", scene.job.topic);
    scene.ask(&["run", "--exit-at-end"]).failed(2, &["dead letters"]);
    assert_eq!(
        committed(&scene.job.servers.kafka, &scene.job.group, &scene.job.topic, 3),
        0
    );

    scene.states = here;
    scene.ask(&["run", "--exit-at-end"]).succeeded().says("2 rows written");
    let explained = scene.ask(&["explain", &format!("{}/0@0", scene.job.topic)]).succeeded();
    explained.says("INSERT INTO");
    explained.says("produced with the key of this record and value {\"Id\":1}");
}
