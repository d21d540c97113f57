//! Tests that a letter's headers are read back as they were written.

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::record::descriptor::{Digest, PluginIdentity};
use crate::record::letter::{self, NotALetter};
use crate::record::position::{Offset, Partition, Position, WriteTime};
use crate::record::reject::Reject;
use crate::record::{Header, Record};

fn header(key: &str, value: Option<&'static [u8]>) -> Header {
    Header {
        key: key.to_owned(),
        value: value.map(Bytes::from_static),
    }
}

fn letter(headers: Vec<Header>) -> DeadLetter {
    DeadLetter {
        record: Record {
            position: Position {
                partition: Arc::new(Partition {
                    topic: "orders".into(),
                    number: 3,
                }),
                offset: Offset(7),
                line: None,
            },
            timestamp_ms: Some(1_506_941_793_000),
            key: None,
            value: Some(Bytes::from_static(&[0, 255])),
            headers,
            redriven: None,
        },
        reject: Reject::new(Stage::Write, "bad-value", "column x: \"ü\"\nno"),
        plugin: PluginIdentity {
            name: "order_enrich".into(),
            version: "0.1.0".into(),
            digest: Digest([0xab; 32]),
        },
        attempt: 2,
        write_time: WriteTime(1_506_941_793_000_003),
        generation: 3,
        replays: 2,
        rejected_at_ms: 1_800_000_000_007,
    }
}

/// The message that a consumer of the dead-letter topic gets.
fn published(letter: &DeadLetter) -> Record {
    let ours = of(letter, LetterForm::Whole).into_iter().map(|(key, value)| Header {
        key: key.to_owned(),
        value: Some(value.into()),
    });
    Record {
        position: Position {
            partition: Arc::new(Partition {
                topic: "orders-dlq".into(),
                number: 0,
            }),
            offset: Offset(99),
            line: None,
        },
        headers: letter.record.headers.iter().cloned().chain(ours).collect(),
        ..letter.record.clone()
    }
}

fn assert_same(written: &DeadLetter, read: &letter::Letter) {
    let (one, other) = (&written.record, &read.record);
    assert_eq!(one.headers, other.headers);
    assert_eq!(
        (&one.position, &one.key, &one.value, one.timestamp_ms),
        (&other.position, &other.key, &other.value, other.timestamp_ms)
    );
    assert_eq!(written.reject, read.reject);
    assert_eq!(
        (
            written.attempt,
            written.write_time,
            written.generation,
            written.replays,
            Some(written.rejected_at_ms)
        ),
        (
            read.attempt,
            read.write_time,
            read.generation,
            read.replays,
            read.rejected_at_ms
        )
    );
    assert_eq!(read.plugin.digest, written.plugin.digest.to_string());
}

#[test]
fn a_letter_comes_back_with_null_and_repeated_headers() {
    let mut letter = letter(vec![
        header("trace", Some(b"1")),
        header("nothing", None),
        header("trace", Some(b"\xff")),
    ]);
    assert_same(&letter, &letter::headers::read(&published(&letter)).unwrap());
    letter.record.timestamp_ms = None;
    letter.record.value = None;
    letter.record.key = Some(Bytes::new());
    assert_same(&letter, &letter::headers::read(&published(&letter)).unwrap());
}

#[test]
fn a_letter_of_kafka_connect_inside_a_letter_keeps_its_headers() {
    let foreign = vec![
        header("__connect.errors.topic", Some(b"elsewhere")),
        header("__connect.errors.exception.message", Some(b"no")),
        header("__connect.errors.exception.stacktrace", None),
    ];
    let letter = letter(foreign);
    assert_same(&letter, &letter::headers::read(&published(&letter)).unwrap());
}

#[test]
fn a_letter_of_ours_inside_a_letter_keeps_its_headers() {
    let inner = published(&letter(vec![header("trace", None)]));
    let mut outer = letter(inner.headers);
    // The outer record has no timestamp, and the inner one's must not be taken for it.
    outer.record.timestamp_ms = None;
    assert_same(&outer, &letter::headers::read(&published(&outer)).unwrap());
}

#[test]
fn a_letter_comes_back_from_its_line_of_a_file_whatever_its_bytes() {
    let headers = vec![
        header("trace", Some(b"1")),
        header("nothing", None),
        header("trace", Some(b"\xff")),
        header("", Some(b"")),
    ];
    let mut letter = letter(headers);
    for value in [
        None,
        Some(&b""[..]),
        Some(b"text \"quoted\"\n"),
        Some(b"\x00\xff"),
        Some(b"{ \"a\" :1.0,\"a\":[2] }"),
        Some(b"{\"a\":1} "),
        Some(b"{\"a\":\r\n1}"),
        Some(b"{\"hex\":\"00\"}"),
        Some(b"{no json"),
        Some(b"null"),
    ] {
        letter.record.value = value.map(Bytes::copy_from_slice);
        letter.record.key = letter.record.value.clone();
        let line = crate::dead_letter::file::to_json(&letter).unwrap();
        assert!(!line.get().contains('\n'), "{line}");
        assert_same(&letter, &letter::line::read(line.get()).unwrap());
    }
}

#[test]
fn what_other_programs_write_is_no_letter() {
    let plain = Record {
        headers: Vec::new(),
        ..published(&letter(Vec::new()))
    };
    assert_eq!(
        letter::headers::read(&plain).unwrap_err(),
        NotALetter::Missing(names::TOPIC)
    );
    let connects = Record {
        headers: vec![header("__connect.errors.topic", Some(b"t"))],
        ..plain
    };
    assert_eq!(
        letter::headers::read(&connects).unwrap_err(),
        NotALetter::Missing(names::CODE)
    );
}

#[test]
fn a_header_that_cannot_be_read_is_named() {
    let whole = published(&letter(Vec::new()));
    for (name, value) in [
        (names::OFFSET, &b"seven"[..]),
        (names::STAGE, b"nowhere"),
        (names::GENERATION, b"16"),
        (names::REJECTED_AT, b"today"),
        (names::CODE, b"\xff"),
    ] {
        let mut broken = whole.clone();
        broken.headers.push(header(name, None));
        broken.headers.last_mut().unwrap().value = Some(Bytes::copy_from_slice(value));
        let why = letter::headers::read(&broken).unwrap_err();
        assert!(why.to_string().contains(name), "{why}");
    }
}
