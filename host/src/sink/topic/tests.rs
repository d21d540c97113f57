//! What is decided without brokers: which rows are sent again, what a row's record holds, what an error means.

use bytes::Bytes;

use super::*;
use crate::record::descriptor::Target;
use crate::record::position::{Offset, Partition, Position};
use crate::record::{Header, Record};
use crate::sink::fixture::{DELETE, UPSERT, delete_batch, descriptor, write_batch};

const LARGE: ProduceFault = ProduceFault::TooLarge;
const SLOW: ProduceFault = ProduceFault::Other;

/// As the producer gives it.
fn error(fault: ProduceFault) -> ProduceError {
    ProduceError::of(fault)
}

fn faults(results: &[Result<(), ProduceError>]) -> Vec<Option<ProduceFault>> {
    let fault = |result: &Result<(), ProduceError>| result.as_ref().err().map(|error| error.fault);
    results.iter().map(fault).collect()
}

const A: Option<&[u8]> = Some(b"a");
const B: Option<&[u8]> = Some(b"b");

#[test]
fn a_row_behind_one_that_is_sent_again_is_sent_again_too() {
    let mut results = [Ok(()), Err(error(SLOW)), Ok(()), Ok(()), Ok(()), Err(error(LARGE))];
    hold_back(&mut results, &[A, A, B, A, None, A]);
    assert_eq!(
        faults(&results),
        [None, Some(SLOW), None, Some(SLOW), None, Some(LARGE)],
        "of the same key only, and what is refused stays so"
    );
    let mut refused = [Err(error(LARGE)), Ok(())];
    hold_back(&mut refused, &[A, A]);
    assert_eq!(
        faults(&refused),
        [Some(LARGE), None],
        "what becomes a dead letter holds nothing back"
    );
}

fn record(headers: Vec<Header>) -> Record {
    Record {
        position: Position {
            partition: Arc::new(Partition {
                topic: "orders".into(),
                number: 2,
            }),
            offset: Offset(17),
            line: None,
        },
        timestamp_ms: Some(1_500_000_000_123),
        key: Some(Bytes::from_static(b"\x00\xff")),
        value: None,
        headers,
        redriven: None,
    }
}

/// Two rows of one record.
fn batch(of: Arc<WriteBatch>) -> WriteBatch {
    let rows = of.batch.rows;
    let trace = |key: &str, value: &'static [u8]| Header {
        key: key.to_owned(),
        value: Some(Bytes::from_static(value)),
    };
    let headers = vec![
        trace("traceparent", b"not one\xff"),
        trace("other", b"1"),
        trace("tracestate", b"a=b"),
    ];
    WriteBatch {
        records: Arc::new(vec![record(headers)]),
        source: vec![0; rows],
        numbers: (0..).take(rows).collect(),
        ..Arc::into_inner(of).expect("the only owner")
    }
}

fn writer(output: usize) -> Writer {
    let output = &descriptor().outputs[output];
    Writer {
        topic: "states".into(),
        effect: output.effect,
        fields: output.fields.clone(),
    }
}

#[test]
fn a_row_is_an_object_without_nulls_and_a_delete_a_tombstone() {
    let batch = batch(write_batch(&[(1, Some("a"), 5), (2, None, 5)]));
    let value = |row| {
        writer(UPSERT)
            .value(&batch, row)
            .map(|value| String::from_utf8(value).unwrap())
    };
    assert_eq!(
        value(0).as_deref(),
        Some(r#"{"id":"00000000-0000-0000-0000-000000000001","at":"1970-01-01T00:00:01Z","status":"a"}"#)
    );
    assert_eq!(
        value(1).as_deref(),
        Some(r#"{"id":"00000000-0000-0000-0000-000000000002","at":"1970-01-01T00:00:02Z"}"#)
    );
    let gone = self::batch(delete_batch(&[(1, 5)]));
    assert_eq!(writer(DELETE).value(&gone, 0), None);
}

#[test]
fn the_headers_are_the_trace_as_it_came_and_where_the_row_is_from() {
    let batch = batch(write_batch(&[(1, None, 5), (2, None, 6)]));
    let ours = headers::ours(&batch, 1);
    let expected: [(&str, Option<&[u8]>); 7] = [
        ("traceparent", Some(b"not one\xff")),
        ("tracestate", Some(b"a=b")),
        ("host.topic", Some(b"orders")),
        ("host.partition", Some(b"2")),
        ("host.offset", Some(b"17")),
        ("host.row", Some(b"1")),
        ("host.write-timestamp", Some(b"6")),
    ];
    assert_eq!(headers::all(&batch, 1, &ours), expected);
    let writer = writer(UPSERT);
    let message = writer.message(&batch, 1, None, &[]);
    let stamp = Stamp::Record {
        timestamp_ms: 1_500_000_000_123,
        header: Some("host.record-timestamp"),
    };
    assert_eq!((message.key, message.stamp), (Some(&b"\x00\xff"[..]), stamp));
}

#[test]
fn what_the_brokers_refuse_alone_is_refused_and_all_else_names_the_topic() {
    let (writer, batch) = (writer(UPSERT), batch(write_batch(&[(1, None, 5)])));
    let of = |fault| writer.error(&batch, 0, 5, error(fault));
    for refused in [LARGE, ProduceFault::Invalid] {
        assert_eq!(of(refused).fault, SinkFault::Refused);
    }
    for (fault, expected, words) in [
        (
            ProduceFault::TopicGone,
            SinkFault::Gone,
            "topic states is not there any more",
        ),
        (
            ProduceFault::Unauthorized,
            SinkFault::Forbidden,
            "the brokers refuse to write to topic states",
        ),
        (
            ProduceFault::Timestamp,
            SinkFault::Clock,
            "topic states does not take this host's time",
        ),
        (SLOW, SinkFault::Away, "topic states did not take the row"),
    ] {
        let error = of(fault);
        assert_eq!((error.fault, error.at.as_deref()), (expected, Some("states")));
        assert!(error.to_string().starts_with(words), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test]
async fn brokers_that_do_not_answer_are_told_from_a_topic_that_is_not_there() {
    let connection = KafkaConnection {
        brokers: "127.0.0.1:1".into(),
        properties: BTreeMap::new(),
    };
    let mut descriptor = descriptor();
    descriptor.outputs[UPSERT].target = Target::Topic("states".into());
    let error = TopicSink::open(&connection, &descriptor)
        .await
        .err()
        .expect("no broker answers");
    assert!(error.is_unreachable(), "{error}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}
