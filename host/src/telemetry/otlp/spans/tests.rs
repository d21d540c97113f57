//! Tests the spans that an exporter in memory gets.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

use super::super::LINKS;
use super::*;
use crate::pipeline::watch::examples::Example;
use crate::pipeline::watch::swaps::SwapTimes;
use crate::pipeline::watch::totals::Counts;
use crate::pipeline::watch::trace::Phase;
use crate::record::Header;
use crate::record::descriptor::{Digest, PluginIdentity};
use crate::record::position::{Offset, Partition, Position};
use crate::record::stage::Stage;

/// The spans that `tell` causes, the root span last.
fn exported(origin: Origin, tell: impl FnOnce(&Spans)) -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .with_max_links_per_span(LINKS)
        .build();
    let ledger = Arc::new(Ledger::new("http://127.0.0.1:4318".to_owned()));
    tell(&Spans::new(provider.tracer("host"), origin, ledger));
    let mut spans = exporter.get_finished_spans().unwrap();
    spans.sort_by_key(|span| span.parent_span_id == SpanId::INVALID);
    spans
}

fn kafka() -> Origin {
    Origin::Kafka {
        group: "group".to_owned(),
    }
}

fn identity(version: &str) -> PluginIdentity {
    PluginIdentity {
        name: "order_enrich".into(),
        version: version.into(),
        digest: Digest([7; 32]),
    }
}

/// Records of partition 3 from offset 40 on, each with these headers.
fn records(headers: &[Vec<(&str, String)>]) -> Vec<Record> {
    let partition = Arc::new(Partition {
        topic: "orders".into(),
        number: 3,
    });
    let header = |(key, value): &(&str, String)| Header {
        key: (*key).to_owned(),
        value: Some(value.clone().into()),
    };
    let positions = (40..).map(|offset| Position {
        partition: Arc::clone(&partition),
        offset: Offset(offset),
        line: None,
    });
    let both = headers.iter().zip(positions);
    both.map(|(headers, position)| Record {
        position,
        timestamp_ms: None,
        key: None,
        value: None,
        headers: headers.iter().map(header).collect(),
        redriven: None,
    })
    .collect()
}

fn parent(number: u32, flags: &str) -> (&'static str, String) {
    let ids = format!("{number:032x}-{number:016x}");
    ("traceparent", format!("00-{ids}-{flags}"))
}

fn batch(origin: Origin, records: &[Record]) -> Vec<SpanData> {
    let begun = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500_000_000_123);
    let phase = |stage, millis| Phase {
        stage,
        begun: begun + Duration::from_millis(millis),
        took: Duration::from_millis(2),
    };
    let mut counts = Counts {
        records: records.len() as u64,
        rows_written: 5,
        ..Counts::default()
    };
    counts.rejected.insert("bad-uuid".to_owned(), 2);
    counts.rejected.insert("bad-date".to_owned(), 1);
    exported(origin, |spans| {
        spans.batch(&SettledBatch {
            begun,
            took: Duration::from_millis(9),
            phases: &[phase(Stage::Decode, 1), phase(Stage::Transform, 4)],
            plugin: &identity("0.1.0"),
            records,
            counts: &counts,
        });
    })
}

fn swap(outcome: SwapOutcome) -> SpanData {
    let swap = Swap::by_itself(&identity("0.2.0"), &identity("0.1.0"), outcome);
    let mut spans = exported(kafka(), |spans| spans.swap(&swap));
    assert_eq!(spans.len(), 1, "nothing was assembled, tried or announced");
    spans.remove(0)
}

fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let mut all = span.attributes.iter();
    let found = all.find(|attribute| attribute.key.as_str() == name)?;
    Some(found.value.to_string())
}

#[test]
fn a_batch_is_said_in_the_words_of_the_conventions() {
    let spans = batch(kafka(), &records(&[vec![], vec![]]));
    let whole = spans.last().unwrap();
    assert_eq!(
        (&*whole.name, &whole.span_kind),
        ("process orders", &SpanKind::Consumer)
    );
    for (name, value) in [
        ("messaging.system", "kafka"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", "orders"),
        ("messaging.destination.partition.id", "3"),
        ("messaging.consumer.group.name", "group"),
        ("messaging.batch.message_count", "2"),
        ("messaging.kafka.offset", "40"),
        ("plugin.version", "0.1.0"),
        ("rows.written", "5"),
        ("records.rejected", "3"),
    ] {
        assert_eq!(attribute(whole, name).as_deref(), Some(value), "{name}");
    }
    let length = |span: &SpanData| span.end_time.duration_since(span.start_time).unwrap();
    assert_eq!(length(whole), Duration::from_millis(9));
    let names: Vec<_> = spans[..2].iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["decode", "transform"]);
    for part in &spans[..2] {
        assert_eq!(part.parent_span_id, whole.span_context.span_id());
        assert!(!part.parent_span_is_remote);
        assert_eq!(length(part), Duration::from_millis(2));
    }
}

#[test]
fn a_batch_of_a_file_says_nothing_of_a_queue() {
    let spans = batch(Origin::File, &records(&[vec![]]));
    let whole = spans.last().unwrap();
    assert_eq!(whole.span_kind, SpanKind::Internal);
    let queue = whole.attributes.iter();
    assert_eq!(
        queue.filter(|one| one.key.as_str().starts_with("messaging.")).count(),
        0
    );
}

#[test]
fn a_batch_is_linked_to_the_traces_of_its_records_each_once_and_the_sampled_ones_first() {
    let state = ("tracestate", "congo=t61rcWkgMzE".to_owned());
    let headers = [
        vec![parent(1, "00")],
        vec![("traceparent", "00-1".to_owned())],
        vec![],
        vec![parent(2, "01"), state],
        vec![parent(2, "01")],
    ];
    let spans = batch(kafka(), &records(&headers));
    let links: Vec<_> = spans.last().unwrap().links.iter().collect();
    let ids: Vec<_> = links.iter().map(|link| link.span_context.trace_id()).collect();
    assert_eq!(ids, [TraceId::from(2), TraceId::from(1)]);
    assert_eq!(links[0].span_context.trace_state().header(), "congo=t61rcWkgMzE");
    assert!(links[0].span_context.is_remote());
}

#[test]
fn links_have_a_bound_and_those_beyond_it_are_counted() {
    let headers: Vec<_> = (1..=100).map(|number| vec![parent(number, "01")]).collect();
    let spans = batch(kafka(), &records(&headers));
    let links = &spans.last().unwrap().links;
    assert_eq!((links.links.len(), links.dropped_count), (32, 68));
}

#[test]
fn a_swap_that_was_refused_or_taken_back_is_an_error_that_says_why() {
    assert_eq!(swap(SwapOutcome::Swapped).status, Status::Unset);
    let reasons = vec!["no world".to_owned(), "no table".to_owned()];
    assert_eq!(
        swap(SwapOutcome::Refused { reasons }).status,
        Status::error("no world; no table")
    );
    let example = Example {
        record: "orders/0@7".to_owned(),
        code: "bad-uuid".to_owned(),
        message: "what the record holds".to_owned(),
    };
    let back = swap(SwapOutcome::RolledBack {
        reason: "it takes 27.0 us a record".to_owned(),
        examples: vec![example],
    });
    assert_eq!(back.status, Status::error("it takes 27.0 us a record"));
    assert_eq!(attribute(&back, "swap.asked_by").as_deref(), Some("probation"));
    assert_eq!(attribute(&back, "swap.from.version").as_deref(), Some("0.2.0"));
    assert_eq!(attribute(&back, "swap.to.version").as_deref(), Some("0.1.0"));
    assert!(!format!("{back:?}").contains("what the record holds"));
}

#[test]
fn phases_of_a_swap_follow_one_another() {
    let mut swap = Swap::by_itself(&identity("0.1.0"), &identity("0.2.0"), SwapOutcome::Swapped);
    swap.begun -= Duration::from_secs(1);
    swap.times = SwapTimes {
        assemble_ms: 100.0,
        trial_ms: 20.0,
        announce_ms: 3.0,
        put_ms: 0.5,
    };
    let spans = exported(kafka(), |spans| spans.swap(&swap));
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["assemble", "trial", "announce", "put", "swap"]);
    assert_eq!(spans[0].start_time, swap.begun);
    for pair in spans[..4].windows(2) {
        assert_eq!(pair[0].end_time, pair[1].start_time);
    }
}
