//! Rejected records, read back with a plain consumer.

use crate::support::kafka::{self, Sent};
use crate::support::program::Job;
use crate::support::services;

const ID: &str = "0a1b2c3d4e5f46078899aabbccddeef7";

#[test]
fn rejects_land_in_the_dead_letter_topic_with_every_header() {
    let job = Job::set_up("dlq");
    let bad = format!(r#"{{"order_id":"nope","customer_id":"{ID}","order_purchase_timestamp":"2017-10-02 10:56:33"}}"#);
    let bad = bad.as_bytes();
    let good =
        format!(r#"{{"order_id":"{ID}","customer_id":"{ID}","order_purchase_timestamp":"2017-10-02 10:56:33"}}"#);
    // The trace that a record belongs to goes on with it, and nobody takes a malformed one away.
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
    kafka::configure(&job.servers.kafka, &letters, "max.message.bytes", "2000").await;
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
