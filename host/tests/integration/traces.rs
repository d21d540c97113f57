//! Spans of a run over a topic whose records belong to traces.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::support::collector::Collector;
use crate::support::kafka::{self, Sent};
use crate::support::program::Job;

const ID: &str = "0a1b2c3d4e5f46078899aabbccddeef7";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[test]
fn a_batch_is_linked_to_the_traces_of_its_records_whose_letters_keep_them() {
    let job = Job::set_up("traces");
    let good =
        format!(r#"{{"order_id":"{ID}","customer_id":"{ID}","order_purchase_timestamp":"2017-10-02 10:56:33"}}"#);
    let parent = |span: &str| format!("00-{TRACE}-{span}-01");
    let (one, other) = (parent("b7ad6b7169203331"), parent("00f067aa0ba902b7"));
    let state = b"congo=t61rcWkgMzE";
    let traced: &[(&str, &[u8])] = &[("traceparent", one.as_bytes()), ("tracestate", state)];
    let also: &[(&str, &[u8])] = &[("traceparent", other.as_bytes())];
    let malformed: &[(&str, &[u8])] = &[("traceparent", b"00-1")];
    let values = [
        (good.as_bytes(), traced),
        (b"{not json", also),
        (good.as_bytes(), malformed),
        (good.as_bytes(), &[]),
    ];
    let sent: Vec<_> = (1_500_000_000_000..)
        .zip(values)
        .map(|(timestamp_ms, (value, headers))| Sent {
            key: None,
            value: Some(value),
            timestamp_ms,
            headers,
        })
        .collect();
    kafka::produce(&job.servers.kafka, &job.topic, &sent);
    let collector = Collector::start();
    let otlp = ["--otlp", &collector.address, "--otlp-share", "100%"];
    job.run(&[&["--exit-at-end"][..], &otlp].concat())
        .succeeded()
        .says("3 rows written, 0 filtered, 1 rejected");

    let batches = collector.until(&format!("process {}", job.topic), 1);
    assert_eq!(batches.len(), 1, "the records came in one batch");
    let batch = &batches[0];
    for (name, value) in [
        ("messaging.system", "kafka"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", job.topic.as_str()),
        ("messaging.destination.partition.id", "0"),
        ("messaging.consumer.group.name", job.group.as_str()),
        ("messaging.batch.message_count", "4"),
        ("messaging.kafka.offset", "0"),
        ("plugin.name", "order_enrich"),
        ("rows.written", "3"),
        ("records.rejected", "1"),
    ] {
        assert_eq!(batch.attribute(name), value, "{name}");
    }
    assert_eq!(batch.proto.kind(), SpanKind::Consumer);
    assert!(!batch.is_error());
    assert_eq!(collector.below(batch), ["decode", "transform", "write", "dead_letters"]);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let links: Vec<_> = batch
        .proto
        .links
        .iter()
        .map(|link| (hex(&link.trace_id), hex(&link.span_id), link.trace_state.clone()))
        .collect();
    let link = |span: &str, state: &str| (TRACE.to_owned(), span.to_owned(), state.to_owned());
    assert_eq!(
        links,
        [
            link("b7ad6b7169203331", "congo=t61rcWkgMzE"),
            link("00f067aa0ba902b7", "")
        ]
    );
    assert_ne!(
        hex(&batch.proto.trace_id),
        TRACE,
        "a batch belongs to none of its records' traces"
    );

    let letters = kafka::read_all(&job.servers.kafka, &format!("{}-dlq", job.topic));
    assert_eq!(letters[0].header("traceparent"), Some(other));
}
