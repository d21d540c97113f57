//! Rejected records, read back with a plain consumer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::kafka::{self, Sent};
use crate::support::program::{Job, Seen};
use crate::support::{plugin, services};

/// Nearly the largest value that a topic takes by default; there is no room for the headers of a letter beside it.
const LARGEST: usize = 1_048_009;

const STAMPED: i64 = 4_000;

const MADE_MS: i64 = 1_500_000_000_123;

const ID: &str = "0a1b2c3d4e5f46078899aabbccddeef7";

#[test]
fn rejects_land_in_the_dead_letter_topic_with_every_header() {
    let job = Job::set_up("dlq");
    let bad = format!(r#"{{"order_id":"nope","customer_id":"{ID}","order_purchase_timestamp":"2017-10-02 10:56:33"}}"#);
    let bad = bad.as_bytes();
    let good =
        format!(r#"{{"order_id":"{ID}","customer_id":"{ID}","order_purchase_timestamp":"2017-10-02 10:56:33"}}"#);
    // The trace that a record belongs to goes on with it, and a malformed one is not taken away.
    let headers: &[(&str, &[u8])] = &[
        (
            "traceparent",
            b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("tracestate", b"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
        ("binary", &[0, 255]),
        ("traceparent", b"00-2"),
    ];
    let sent = [
        Sent {
            key: Some(b"k"),
            value: Some(bad),
            timestamp_ms: 1_500_000_000_123,
            headers,
        },
        Sent {
            key: None,
            value: Some(b"{not json"),
            timestamp_ms: 1_500_000_000_124,
            headers: &[],
        },
        Sent {
            key: Some(b"t"),
            value: None,
            timestamp_ms: 1_500_000_000_125,
            headers: &[],
        },
        Sent {
            key: Some(b"g"),
            value: Some(good.as_bytes()),
            timestamp_ms: 1_500_000_000_126,
            headers: &[],
        },
        Sent {
            key: Some(b"u"),
            value: Some(&[0, 0x7f, 0xff, 0xff, 0xff, 2]),
            timestamp_ms: 1_500_000_000_127,
            headers: &[],
        },
    ];
    kafka::produce(&job.servers.kafka, &job.topic, &sent);
    let seen = job.run(&["--exit-at-end"]).succeeded();
    seen.says("read 5 records: 1 rows written, 0 filtered, 4 rejected");

    let mut letters = kafka::read_all(&job.servers.kafka, &format!("{}-dlq", job.topic));
    letters.sort_by_key(|letter| letter.timestamp_ms);
    assert_eq!(letters.len(), 4);
    let codes: Vec<_> = letters
        .iter()
        .map(|letter| letter.header("host.code").unwrap_or_default())
        .collect();
    assert_eq!(codes, ["bad-uuid", "bad-json", "tombstone", "unknown-schema"]);

    let letter = &letters[0];
    assert_eq!(letter.key.as_deref(), Some(&b"k"[..]));
    assert_eq!(letter.value.as_deref(), Some(bad));
    assert_eq!(letter.timestamp_ms, Some(1_500_000_000_123));
    let own: Vec<_> = letter.headers[..headers.len()]
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(own, headers, "the record's own headers come first, as they were");
    let expected = [
        ("__connect.errors.topic", job.topic.as_str()),
        ("__connect.errors.partition", "0"),
        ("__connect.errors.offset", "0"),
        ("__connect.errors.stage", "TRANSFORMATION"),
        ("__connect.errors.exception.class.name", "bad-uuid"),
        ("host.stage", "transform"),
        ("host.plugin.name", "order_enrich"),
        ("host.plugin.version", env!("CARGO_PKG_VERSION")),
        ("host.attempt", "1"),
        ("host.write-timestamp", "1500000000123000"),
        ("host.generation", "0"),
        ("host.replays", "0"),
    ];
    for (name, value) in expected {
        assert_eq!(letter.header(name).as_deref(), Some(value), "{name}");
    }
    assert!(
        letter
            .header("__connect.errors.exception.message")
            .is_some_and(|message| message.contains("order_id"))
    );
    assert!(
        letter
            .header("host.plugin.digest")
            .is_some_and(|digest| digest.starts_with("sha256:") && digest.len() == 71)
    );
    assert_eq!(letters[1].value.as_deref(), Some(&b"{not json"[..]));
    assert_eq!(
        (letters[2].value.as_deref(), letters[2].key.as_deref()),
        (None, Some(&b"t"[..]))
    );
}

#[test]
fn records_from_the_future_are_dead_letters() {
    let job = Job::set_up("future");
    // Brokers refuse such records themselves unless they are told not to.
    let lenient = "message.timestamp.after.max.ms=9223372036854775807";
    let topic = ["--entity-type", "topics", "--entity-name", &job.topic];
    services(&[&["kafka", "configs", "--alter", "--add-config", lenient][..], &topic].concat());
    let value =
        format!(r#"{{"order_id":"{ID}","customer_id":"{ID}","order_purchase_timestamp":"2017-10-02 10:56:33"}}"#);
    // Three of one key, whose letters go in one request.
    let sent = [4_000_000_000_000, 4_000_000_000_001, 4_000_000_000_002].map(|timestamp_ms| Sent {
        key: Some(b"k"),
        value: Some(value.as_bytes()),
        timestamp_ms,
        headers: &[],
    });
    kafka::produce(&job.servers.kafka, &job.topic, &sent);
    job.run(&["--exit-at-end"])
        .succeeded()
        .says("0 rows written, 0 filtered, 3 rejected (future-timestamp 3)");
    // The dead-letter topic's brokers refuse its time as well: then it is in the headers only.
    let letters = kafka::read_all(&job.servers.kafka, &format!("{}-dlq", job.topic));
    let mut times: Vec<_> = letters
        .iter()
        .filter_map(|letter| letter.header("host.record-timestamp"))
        .collect();
    times.sort();
    assert_eq!(times, ["4000000000000", "4000000000001", "4000000000002"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_too_large_for_its_topic_halts_with_the_remedy_and_is_kept_until_there_is_room() {
    let job = Job::set_up("dlq_large");
    let letters = format!("{}-dlq", job.topic);
    // Less than the headers alone take.
    kafka::configure(&job.servers.kafka, &letters, "max.message.bytes", "500").await;
    let value = format!("{{no json{}", "x".repeat(5000));
    let sent = Sent {
        key: None,
        value: Some(value.as_bytes()),
        timestamp_ms: 1_500_000_000_123,
        headers: &[],
    };
    kafka::produce(&job.servers.kafka, &job.topic, &[sent]);
    job.run(&["--exit-at-end", "--fail-fast"])
        .failed(1, &["max.message.bytes", &letters]);
    assert_eq!(kafka::committed(&job.servers.kafka, &job.group, &job.topic, 3), 0);
    kafka::configure(&job.servers.kafka, &letters, "max.message.bytes", "1000000").await;
    job.run(&["--exit-at-end"]).succeeded().says("1 rejected (bad-json 1)");
    assert_eq!(kafka::read_all(&job.servers.kafka, &letters).len(), 1);
}

/// Bytes that no decoder reads and nothing compresses away.
fn undecodable(bytes: usize, key: Option<&'static [u8]>) -> (Vec<u8>, Option<&'static [u8]>) {
    (vec![0xff; bytes], key)
}

fn send(job: &Job, values: &[(Vec<u8>, Option<&'static [u8]>)]) {
    let sent = values.iter().map(|(value, key)| Sent {
        key: *key,
        value: Some(value),
        timestamp_ms: MADE_MS,
        headers: &[],
    });
    kafka::produce(&job.servers.kafka, &job.topic, &sent.collect::<Vec<_>>());
}

fn verb(job: &Job, verb: &[&str]) -> Seen {
    let plugin = plugin();
    job.host(&[verb, &["--plugin", &plugin]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_makes_a_topic_that_holds_every_letter_and_check_says_what_does_not() {
    let job = Job::new("dlq_settings");
    let (brokers, letters) = (job.servers.kafka.clone(), format!("{}-dlq", job.topic));
    kafka::create_topic(&brokers, &job.topic, &[("max.message.bytes", "10485760")]).await;
    job.host(&["setup"]).succeeded();
    for (key, value) in [
        ("max.message.bytes", "10502144"),
        ("cleanup.policy", "delete"),
        ("retention.ms", "-1"),
    ] {
        let found = kafka::topic_config(&brokers, &letters, key).await;
        assert_eq!(found.as_deref(), Some(value), "{key}");
    }
    verb(&job, &["check"])
        .succeeded()
        .says(&format!("fits      topic {letters}"));
    send(&job, &[undecodable(3_000_000, None)]);
    job.run(&["--exit-at-end"]).succeeded().says("1 rejected (bad-json 1)");
    let whole = kafka::read_all(&brokers, &letters);
    assert_eq!(whole[0].value.as_ref().map(Vec::len), Some(3_000_000));
    assert_eq!(whole[0].header("host.value"), None);

    // The topic is as earlier versions of the host made it, and as another program may have.
    for (key, value, line) in [
        ("max.message.bytes", "1048588", "max.message.bytes=10502144"),
        ("cleanup.policy", "compact", "cleanup.policy=delete"),
        ("min.insync.replicas", "2", "min.insync.replicas=1"),
    ] {
        kafka::configure(&brokers, &letters, key, value).await;
        let line = format!("--bootstrap-server {brokers} --alter --topic {letters} --add-config {line}");
        let checked = verb(&job, &["check"]);
        assert_eq!(checked.code, Some(2), "{key}: {}", checked.stdout);
        let mismatch = checked
            .stdout
            .lines()
            .find(|said| said.starts_with("MISMATCH") && said.contains(key));
        assert!(mismatch.is_some_and(|said| said.ends_with(&line)), "{}", checked.stdout);
        assert!(
            !checked.stdout.contains(&format!("fits      topic {letters}")),
            "{}",
            checked.stdout
        );
        let said = job.host(&["setup"]).succeeded();
        assert!(
            said.stdout
                .lines()
                .any(|said| said.contains(key) && said.ends_with(&line)),
            "{}",
            said.stdout
        );
    }

    // A letter without a key waits for the topic's policy, and says so.
    kafka::configure(&brokers, &letters, "cleanup.policy", "compact").await;
    send(&job, &[undecodable(10, None)]);
    let halted = job.run(&["--exit-at-end", "--fail-fast"]);
    halted.failed(1, &[&letters, "compacted", "--add-config cleanup.policy=delete"]);
    kafka::configure(&brokers, &letters, "cleanup.policy", "delete").await;
    job.run(&["--exit-at-end"]).succeeded().says("1 rejected (bad-json 1)");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_topic_cannot_hold_is_in_the_letter_by_reference_and_is_replayed_while_it_is_there() {
    let job = Job::set_up("dlq_reference");
    let (brokers, letters) = (job.servers.kafka.clone(), format!("{}-dlq", job.topic));
    kafka::configure(&brokers, &letters, "max.message.bytes", "1048588").await;
    send(
        &job,
        &[
            undecodable(LARGEST, None),
            undecodable(LARGEST - 100, Some(b"k")),
            undecodable(10, None),
        ],
    );
    let seen = job.run(&["--exit-at-end"]).succeeded();
    seen.says("3 rejected (bad-json 3)");
    seen.says("the dead-letter topic cannot hold the record");
    let found = kafka::read_all(&brokers, &letters);
    let large: Vec<_> = found
        .iter()
        .filter(|letter| letter.header("host.value").is_some())
        .collect();
    assert_eq!((found.len(), large.len()), (3, 2));
    for letter in large {
        let bytes = if letter.key.is_some() { LARGEST - 100 } else { LARGEST };
        assert_eq!(letter.value, None);
        assert_eq!(letter.header("host.value").as_deref(), Some("by-reference"));
        assert_eq!(letter.header("host.value.bytes"), Some(bytes.to_string()));
        assert_eq!(letter.header("host.code").as_deref(), Some("bad-json"));
        assert_eq!(
            letter.header("__connect.errors.topic").as_deref(),
            Some(job.topic.as_str())
        );
    }

    // Read where the record is: refused again, since it still cannot be decoded, and not as a tombstone.
    job.host(&["dlq", "list"]).succeeded().says("(value by reference)");
    let shown = job.host(&["dlq", "show", "--where", "stage=decode"]).succeeded();
    shown.says(&format!("read from {}/0@0", job.topic));
    shown.says(&format!("value        {LARGEST} bytes, shown in hex"));
    verb(&job, &["dlq", "replay"])
        .succeeded()
        .says("read 3 records: 0 rows written, 0 filtered, 3 rejected (bad-json 3)");

    // Gone: said of that letter, which stays where it is.
    kafka::delete_before(&brokers, &job.topic, 0, 1).await;
    let json = job.host(&["dlq", "show", "--json", "--where", "replays=0"]).succeeded();
    let told = json
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<_> = told
        .map(|letter| letter["by_reference"]["is_there"].as_bool())
        .collect();
    assert_eq!(
        told.iter().collect::<BTreeSet<_>>().len(),
        3,
        "one gone, one there, one whole: {told:?}"
    );
    let replayed = verb(&job, &["dlq", "replay", "--where", "replays=0"]).succeeded();
    replayed.says("read 2 records: 0 rows written, 0 filtered, 2 rejected (bad-json 2)");
    replayed.says("1 left, since their value was only in its topic and is not there any more");
    replayed.says(&format!("{}/0@0 was deleted by the topic's retention", job.topic));
}

/// Each is refused; every so many is stamped two hours ahead, which the brokers of the letters do not take.
fn refused(job: &Job, now_ms: i64, every: i64) -> f64 {
    let sent = (0..STAMPED).map(|number| Sent {
        key: None,
        value: Some(b"{no json"),
        timestamp_ms: stamp(now_ms, number, every),
        headers: &[],
    });
    kafka::produce(&job.servers.kafka, &job.topic, &sent.collect::<Vec<_>>());
    let seen = job.run(&["--exit-at-end"]).succeeded();
    seen.says(&format!(
        "read {STAMPED} records: 0 rows written, 0 filtered, {STAMPED} rejected"
    ));
    let (_, seconds) = seen.stdout.split_once(") in ").unwrap();
    seconds.split_once(" s, ").unwrap().0.parse().unwrap()
}

fn stamp(now_ms: i64, number: i64, every: i64) -> i64 {
    now_ms + if number % every == every - 1 { 7_200_000 } else { 0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_of_records_stamped_ahead_hold_up_no_other_and_each_is_there_once() {
    let job = Job::set_up("dlq_ahead");
    let (brokers, lenient) = (&job.servers.kafka, "9223372036854775807");
    kafka::configure(brokers, &job.topic, "message.timestamp.after.max.ms", lenient).await;
    let now_ms = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let (without, with) = (refused(&job, now_ms, i64::MAX), refused(&job, now_ms, 5));
    // `host/benches/letters-rate` measures: here it must only not be another order of magnitude.
    assert!(with < 10.0 * without.max(1.0), "{with} s, and {without} s without");

    let letters = kafka::read_all(brokers, &format!("{}-dlq", job.topic));
    let offset = |letter: &kafka::Seen| -> i64 { letter.header("__connect.errors.offset").unwrap().parse().unwrap() };
    let offsets: BTreeSet<i64> = letters.iter().map(offset).collect();
    let all = usize::try_from(2 * STAMPED).unwrap();
    assert_eq!((letters.len(), offsets.len()), (all, all));
    for letter in letters.iter().filter(|letter| offset(letter) >= STAMPED) {
        let number = offset(letter) - STAMPED;
        let stamped = stamp(now_ms, number, 5);
        assert_eq!(letter.header("host.record-timestamp"), Some(stamped.to_string()));
        let is_own = letter.timestamp_ms == Some(stamped);
        assert_eq!(is_own, number % 5 != 4, "what the brokers may refuse is not sent");
        assert_eq!(letter.header("host.attempt").as_deref(), Some("1"));
    }
}
