//! Dead letters that come back: never over a newer row, over their own wrong one, and not for ever.

use std::time::Duration;

use scylla::client::session::Session;

use crate::support::cassandra::{self, query, session, write_times};
use crate::support::kafka::{self, Sent, committed, produce, read_all};
use crate::support::plugin;
use crate::support::program::{Job, Running, Seen};

const ID: &str = "0a1b2c3d4e5f46078899aabbccddeef7";
const DASHED: &str = "0a1b2c3d-4e5f-4607-8899-aabbccddeef7";
const OTHER: &str = "0a1b2c3d4e5f46078899aabbccddee00";
const OTHER_DASHED: &str = "0a1b2c3d-4e5f-4607-8899-aabbccddee00";
const MADE_MS: i64 = 1_500_000_000_000;

/// The date that makes a record bad, until the settings say that the month comes first.
const MONTH_FIRST: &str = "10/22/2017 10:56";

fn order(id: &str, status: &str, bought: &str, approved: &str) -> String {
    format!(
        r#"{{"order_id":"{id}","customer_id":"{ID}","order_status":"{status}","order_purchase_timestamp":"{bought}","order_approved_at":"{approved}"}}"#
    )
}

fn send(job: &Job, values: &[(i64, &str)]) {
    let sent = values.iter().map(|(timestamp_ms, value)| Sent {
        key: Some(ID.as_bytes()),
        value: Some(value.as_bytes()),
        timestamp_ms: *timestamp_ms,
        headers: &[],
    });
    produce(&job.servers.kafka, &job.topic, &sent.collect::<Vec<_>>());
}

fn replay(job: &Job, arguments: &[&str]) -> Seen {
    start_replay(job, arguments).finish()
}

fn start_replay(job: &Job, arguments: &[&str]) -> Running {
    let plugin = plugin();
    let all = ["dlq", "replay", "--plugin", &plugin].into_iter();
    job.start(&all.chain(arguments.iter().copied()).collect::<Vec<_>>())
}

fn committed_by_replays(job: &Job) -> i64 {
    let group = format!("{}.dlq-replay", job.group);
    committed(&job.servers.kafka, &group, &format!("{}-dlq", job.topic), 3)
}

fn letters(job: &Job) -> Vec<kafka::Seen> {
    read_all(&job.servers.kafka, &format!("{}-dlq", job.topic))
}

async fn count(session: &Session, job: &Job) -> i64 {
    let rows = query(session, &format!("SELECT COUNT(*) FROM {}.orders", job.keyspace)).await;
    rows[0][0]
        .as_ref()
        .and_then(scylla::value::CqlValue::as_bigint)
        .expect("a number")
}

async fn status_of(session: &Session, job: &Job, id: &str) -> Option<String> {
    let orders = cassandra::orders(session, &job.keyspace).await;
    orders.get(id)?.cells[2].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_letter_leaves_the_newer_row_and_a_lone_one_gets_its_own() {
    let job = Job::set_up("dlq_stale");
    let stale = order(ID, "created", MONTH_FIRST, "");
    let newer = order(ID, "delivered", "2017-10-22 10:56:00", "");
    let lone = order(OTHER, "created", MONTH_FIRST, "");
    send(&job, &[(MADE_MS, &stale), (MADE_MS, &newer), (MADE_MS, &lone)]);
    job.run(&["--exit-at-end"])
        .succeeded()
        .says("1 rows written, 0 filtered, 2 rejected (bad-timestamp 2)");

    replay(&job, &["--set", "date-order=mdy"])
        .succeeded()
        .says("read 2 records: 2 rows written");
    let session = session(&job.servers.cassandra).await;
    assert_eq!(status_of(&session, &job, DASHED).await.as_deref(), Some("delivered"));
    assert_eq!(
        status_of(&session, &job, OTHER_DASHED).await.as_deref(),
        Some("created")
    );
    let times = write_times(&session, &job.keyspace).await;
    assert_eq!(times[DASHED][0], Some(MADE_MS * 1000 + 16), "that of the newer record");
    assert_eq!(
        times[OTHER_DASHED][0],
        Some(MADE_MS * 1000 + 32 + 1),
        "its own base, one generation on"
    );
    replay(&job, &["--set", "date-order=mdy"])
        .succeeded()
        .says("read 0 records");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_plugin_replaces_the_wrong_row_of_the_same_letter() {
    let job = Job::set_up("dlq_corrected");
    // A record from the future is refused whatever the plugin, and taken when it comes back.
    let (brokers, lenient) = (&job.servers.kafka, "9223372036854775807");
    kafka::configure(brokers, &job.topic, "message.timestamp.after.max.ms", lenient).await;
    let first = order(OTHER, "created", "2017-10-22 10:56:00", "");
    let future = order(ID, "created", "2017-10-22 10:56:00", "10/2/2017 10:56");
    send(&job, &[(MADE_MS, &first), (4_000_000_000_000, &future)]);
    job.run(&["--exit-at-end"])
        .succeeded()
        .says("1 rejected (future-timestamp 1)");
    let session = session(&job.servers.cassandra).await;
    let base = MADE_MS * 1000 + 16;
    for (settings, approved, generation) in [
        ("date-order=mdy", "2017-10-02 10:56:00", 1),
        ("date-order=dmy", "2017-02-10 10:56:00", 2),
        ("date-order=mdy", "2017-10-02 10:56:00", 3),
    ] {
        replay(&job, &["--set", settings])
            .succeeded()
            .says(&format!("letters taken: 1, generation {generation} and above"));
        let orders = cassandra::orders(&session, &job.keyspace).await;
        assert_eq!(orders[DASHED].cells[4].as_deref(), Some(approved), "{settings}");
        let times = write_times(&session, &job.keyspace).await;
        assert_eq!(times[DASHED][1], Some(base + generation));
    }
}

#[test]
fn a_record_refused_again_is_a_new_letter_byte_for_byte_and_not_for_ever() {
    let job = Job::set_up("dlq_again");
    let foreign: &[(&str, &[u8])] = &[
        ("__connect.errors.topic", b"elsewhere"),
        ("host.code", b"theirs"),
        ("binary", &[0, 255]),
        ("binary", b""),
    ];
    let sent = Sent {
        key: Some(&[0, 1, 255]),
        value: Some(b"{not json"),
        timestamp_ms: MADE_MS + 7,
        headers: foreign,
    };
    produce(&job.servers.kafka, &job.topic, &[sent]);
    job.run(&["--exit-at-end"]).succeeded().says("1 rejected (bad-json 1)");
    // Another program's record in the dead-letter topic is passed over.
    let stranger = Sent {
        key: None,
        value: Some(b"?"),
        timestamp_ms: MADE_MS,
        headers: &[("__connect.errors.topic", b"x")],
    };
    produce(&job.servers.kafka, &format!("{}-dlq", job.topic), &[stranger]);

    for replays in 1..=2 {
        let seen = replay(&job, &["--max-replays", "2"]).succeeded();
        seen.says("read 1 records: 0 rows written, 0 filtered, 1 rejected (bad-json 1)");
        let found = letters(&job);
        let last = found
            .iter()
            .find(|letter| letter.header("host.replays") == Some(replays.to_string()))
            .unwrap();
        assert_eq!(last.key.as_deref(), Some(&[0, 1, 255][..]));
        assert_eq!(last.value.as_deref(), Some(&b"{not json"[..]));
        assert_eq!(last.timestamp_ms, Some(MADE_MS + 7));
        let own = last.headers[..4].iter();
        let own: Vec<_> = own
            .map(|(key, value)| (key.as_str(), value.as_deref().unwrap()))
            .collect();
        assert_eq!(own, foreign);
        assert_eq!(last.header("host.generation"), Some(replays.to_string()));
        assert_eq!(
            last.header("host.write-timestamp"),
            Some(((MADE_MS + 7) * 1000 + replays).to_string())
        );
        assert_eq!(last.header("__connect.errors.topic"), Some(job.topic.clone()));
        assert_eq!(found.len(), 2 + usize::try_from(replays).unwrap());
    }
    let seen = replay(&job, &["--max-replays", "2"]).succeeded();
    seen.says("read 0 records");
    seen.says("1 left, since they were replayed --max-replays times");
    assert_eq!(letters(&job).len(), 4, "nothing is published any more");
    // Another session would be above what the second replay wrote with, not only above its own beginning.
    replay(&job, &["--where", "replays=0", "--dry-run"])
        .succeeded()
        .says("letters taken: 1, generation 3 and above");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_happen_and_does_nothing() {
    let job = Job::set_up("dlq_dry");
    let bad = order("nope", "created", "2017-10-22 10:56:00", "");
    let mendable = order(ID, "created", MONTH_FIRST, "");
    send(&job, &[(MADE_MS, &bad), (MADE_MS, &mendable)]);
    job.run(&["--exit-at-end"]).succeeded().says("2 rejected");
    for _ in 0..2 {
        let seen = replay(&job, &["--set", "date-order=mdy", "--dry-run"]).succeeded();
        seen.says("rejected again, as replay 1 of its record: bad-uuid");
        seen.says(&format!("write timestamp {} (generation 1)", MADE_MS * 1000 + 17));
        seen.says("\"order_purchase_timestamp\":\"2017-10-22T10:56:00Z\"");
    }
    let session = session(&job.servers.cassandra).await;
    assert_eq!(count(&session, &job).await, 0);
    assert_eq!((letters(&job).len(), committed_by_replays(&job)), (2, 0));

    replay(&job, &["--set", "date-order=mdy", "--where", "code=bad-timestamp"])
        .succeeded()
        .says("letters taken: 1, generation 1 and above; 1 left out by --where");
    assert_eq!((count(&session, &job).await, letters(&job).len()), (1, 2));
    // The conditions are others: it begins anew, above what was written.
    replay(&job, &["--set", "date-order=mdy"])
        .succeeded()
        .says("letters taken: 2, generation 2 and above");
}

/// A job with so many letters that are only refused for their month, and a replay slow enough to be caught.
fn many(name: &str, count: i64) -> Job {
    let mut job = Job::set_up(name);
    let values: Vec<_> = (0..count)
        .map(|n| order(&format!("{n:032x}"), "created", MONTH_FIRST, ""))
        .collect();
    let sent: Vec<_> = values
        .iter()
        .zip(MADE_MS..)
        .map(|(value, timestamp_ms)| (timestamp_ms, value.as_str()))
        .collect();
    send(&job, &sent);
    job.run(&["--exit-at-end"])
        .succeeded()
        .says(&format!("{count} rejected (bad-timestamp {count})"));
    let slow = [
        ("HOST_WRITES_IN_FLIGHT", "1"),
        ("HOST_CQL_BATCH_PARTITIONS", "0"),
        ("HOST_BATCH_RECORDS", "20"),
        ("HOST_COMMIT_INTERVAL_MS", "50"),
    ];
    job.variables
        .extend(slow.map(|(name, value)| (name.to_owned(), value.to_owned())));
    job
}

/// Waits until a replay has committed some letters.
fn until_under_way(job: &Job) {
    for _ in 0..600 {
        if committed_by_replays(job) > 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no replay has committed anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_replay_goes_on_where_it_was_and_ends_with_the_same_table() {
    const COUNT: i64 = 6000;
    let job = many("dlq_killed", COUNT);
    let killed = start_replay(&job, &["--set", "date-order=mdy"]);
    until_under_way(&job);
    killed.signal("-KILL");
    assert_eq!(killed.finish().code, None, "it was killed");
    let before = committed_by_replays(&job);
    assert!(before < COUNT, "killed in the middle, not after its end");

    replay(&job, &["--set", "date-order=mdy"])
        .succeeded()
        .says(&format!("letters taken: {}, generation 1 and above", COUNT - before));
    let session = session(&job.servers.cassandra).await;
    let times = write_times(&session, &job.keyspace).await;
    assert_eq!(times.len(), usize::try_from(COUNT).unwrap());
    for (n, time) in (0..COUNT).map(|n| (n, (MADE_MS + n) * 1000 + 1)) {
        let id = uuid::Uuid::from_u128(u128::try_from(n).unwrap()).to_string();
        assert_eq!(times[&id][0], Some(time), "{id}");
    }
    replay(&job, &["--set", "date-order=mdy"])
        .succeeded()
        .says("letters taken: 0, generation 1 and above");
}

#[test]
fn a_replay_ends_when_another_one_begins() {
    let job = many("dlq_overtaken", 6000);
    let earlier = start_replay(&job, &["--set", "date-order=mdy"]);
    until_under_way(&job);
    replay(&job, &["--set", "date-order=mdy", "--where", "code=trap"])
        .succeeded()
        .says("letters taken: 0, generation 2 and above");
    earlier.finish().failed(1, &["another replay", "has begun"]);
}

#[test]
fn letters_are_listed_and_shown_with_their_avro_decoded() {
    let job = Job::set_up("dlq_shown");
    job.write(
        "orders.csv",
        &format!("order_id,customer_id,order_status,order_purchase_timestamp\nnope,{ID},created,2017-10-22 10:56:00\n"),
    );
    job.host(&["produce", "orders.csv"]).succeeded();
    let noise = Sent {
        key: Some(b"\xff"),
        value: Some(&[0, 0x7f, 0xff, 0xff, 0xff, 2]),
        timestamp_ms: MADE_MS,
        headers: &[],
    };
    produce(&job.servers.kafka, &job.topic, &[noise]);
    job.run(&["--exit-at-end"]).succeeded().says("2 rejected");

    let list = job.host(&["dlq", "list"]).succeeded();
    for words in [
        "dead letters: 2",
        "bad-uuid",
        "unknown-schema",
        "order_enrich",
        "the last 2",
    ] {
        list.says(words);
    }
    let list = job
        .host(&["dlq", "list", "--where", "code=bad-uuid", "--json"])
        .succeeded();
    let letter: serde_json::Value = serde_json::from_str(list.stdout.trim()).unwrap();
    assert_eq!((&letter["code"], &letter["replays"]), (&"bad-uuid".into(), &0.into()));

    let at = letter["letter"].as_str().unwrap();
    let shown = job.host(&["dlq", "show", at]).succeeded();
    for words in ["Avro, ", "\"order_id\": \"nope\"", "bad-uuid: order_id", "generation 0"] {
        shown.says(words);
    }
    let shown = job.host(&["dlq", "show", "--where", "code=unknown-schema"]).succeeded();
    for words in ["0x007fffffff02", "shown in hex", "key          0xff"] {
        shown.says(words);
    }
    job.host(&["dlq", "show", "0@99"]).failed(1, &["1 of the letters"]);
    let elsewhere = format!("kafka://{}/nowhere-dlq", job.servers.kafka);
    job.host(&["dlq", "list", "--from", &elsewhere])
        .failed(2, &["nowhere-dlq"]);
}
