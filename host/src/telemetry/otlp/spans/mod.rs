//! Makes spans of batches and swaps. Attributes have the names of the semantic conventions for messaging
//! (<https://opentelemetry.io/docs/specs/semconv/messaging/kafka/>) if those have one.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
    Tracer as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;

use super::Origin;
use super::delivery::Ledger;
use crate::pipeline::watch::swaps::Named;
use crate::pipeline::watch::swaps::Swap;
use crate::pipeline::watch::swaps::SwapOutcome;
use crate::pipeline::watch::trace::{SettledBatch, Tracer};
use crate::record::Record;
use crate::record::trace_parent::TraceParent;

/// Makes the spans and puts them into the queue.
pub(super) struct Spans {
    tracer: SdkTracer,
    origin: Origin,
    ledger: Arc<Ledger>,
}

/// A span before it is made.
struct Draft {
    builder: SpanBuilder,
    end: SystemTime,
    status: Status,
}

impl Spans {
    /// Makes spans with this tracer, and counts them in the ledger.
    pub fn new(tracer: SdkTracer, origin: Origin, ledger: Arc<Ledger>) -> Self {
        Self { tracer, origin, ledger }
    }

    /// Exports a span that begins a trace of its own, with others below it.
    fn export(&self, whole: Draft, parts: impl Iterator<Item = Draft>) {
        let root = self.export_one(whole, &Context::new());
        let below = Context::new().with_remote_span_context(root);
        for part in parts {
            self.export_one(part, &below);
        }
    }

    fn export_one(&self, draft: Draft, parent: &Context) -> SpanContext {
        let mut span = self.tracer.build_with_context(draft.builder, parent);
        span.set_status(draft.status);
        let context = span.span_context().clone();
        self.ledger.note_made();
        span.end_with_timestamp(draft.end);
        context
    }

    /// The attributes of batches that came from Kafka.
    fn messaging(&self, records: &[Record]) -> Vec<KeyValue> {
        let (Origin::Kafka { group }, Some(first)) = (&self.origin, records.first()) else {
            return Vec::new();
        };
        let partition = &first.position.partition;
        vec![
            KeyValue::new("messaging.system", "kafka"),
            KeyValue::new("messaging.operation.type", "process"),
            KeyValue::new("messaging.operation.name", "process"),
            KeyValue::new("messaging.destination.name", Arc::clone(&partition.topic)),
            KeyValue::new("messaging.destination.partition.id", partition.number.to_string()),
            KeyValue::new("messaging.consumer.group.name", group.clone()),
            KeyValue::new("messaging.batch.message_count", number(records.len() as u64)),
            KeyValue::new("messaging.kafka.offset", first.position.offset.0),
        ]
    }
}

impl Tracer for Spans {
    fn batch(&self, batch: &SettledBatch<'_>) {
        let counts = batch.counts;
        let mut attributes = self.messaging(batch.records);
        attributes.extend(plugin("plugin", &batch.plugin.into()));
        attributes.extend([
            KeyValue::new("records.read", number(counts.records)),
            KeyValue::new("records.filtered", number(counts.filtered)),
            KeyValue::new("records.rejected", number(counts.rejected.values().sum())),
            KeyValue::new("rows.written", number(counts.rows_written)),
        ]);
        let topic = batch.records.first().map(|record| &record.position.partition.topic);
        let name = format!("process {}", topic.map_or("", |topic| topic));
        let kind = match self.origin {
            Origin::Kafka { .. } => SpanKind::Consumer,
            Origin::File => SpanKind::Internal,
        };
        let mut whole = Draft::new(name, batch.begun, batch.took);
        whole.builder = whole
            .builder
            .with_kind(kind)
            .with_attributes(attributes)
            .with_links(links(batch.records));
        let phases = batch.phases.iter();
        let parts = phases.map(|phase| Draft::new(phase.stage.label(), phase.begun, phase.took));
        self.export(whole, parts);
    }

    fn swap(&self, swap: &Swap) {
        let mut attributes = vec![
            KeyValue::new("swap.outcome", swap.outcome.label()),
            KeyValue::new("swap.asked_by", swap.asked_by.clone()),
            KeyValue::new("swap.tried_records", number(swap.tried_records as u64)),
        ];
        attributes.extend(plugin("swap.from", &swap.from));
        attributes.extend(swap.to.iter().flat_map(|to| plugin("swap.to", to)));
        let took = swap.begun.elapsed().unwrap_or_default();
        let mut whole = Draft::new("swap", swap.begun, took);
        whole.builder = whole.builder.with_attributes(attributes);
        whole.status = match &swap.outcome {
            SwapOutcome::Swapped | SwapOutcome::Unchanged => Status::Unset,
            SwapOutcome::Refused { reasons } => Status::error(reasons.join("; ")),
            SwapOutcome::RolledBack { reason, .. } => Status::error(reason.clone()),
        };
        self.export(whole, phases(swap).into_iter());
    }
}

impl Draft {
    fn new(name: impl Into<std::borrow::Cow<'static, str>>, begun: SystemTime, took: Duration) -> Self {
        Self {
            builder: SpanBuilder::from_name(name).with_start_time(begun),
            end: begun + took,
            status: Status::Unset,
        }
    }
}

/// The phases of a swap, one after the other. Phases that it did not reach are left out.
fn phases(swap: &Swap) -> Vec<Draft> {
    let times = swap.times;
    let all = [
        ("assemble", times.assemble_ms),
        ("trial", times.trial_ms),
        ("announce", times.announce_ms),
        ("put", times.put_ms),
    ];
    let mut begun = swap.begun;
    let gone_through = all.into_iter().filter(|(_, millis)| *millis > 0.0);
    gone_through
        .map(|(name, millis)| {
            let phase = Draft::new(name, begun, Duration::from_secs_f64(millis / 1000.0));
            begun = phase.end;
            phase
        })
        .collect()
}

/// Links to the spans that made the records, each once. Recorded traces come first, since the library drops and counts
/// links beyond its bound.
fn links(records: &[Record]) -> Vec<Link> {
    let mut seen = HashSet::new();
    let parents = records.iter().filter_map(TraceParent::of);
    let mut parents: Vec<_> = parents
        .filter(|parent| seen.insert((parent.trace_id, parent.span_id)))
        .collect();
    parents.sort_by_key(|parent| !parent.is_sampled());
    parents.iter().map(link).collect()
}

fn link(parent: &TraceParent<'_>) -> Link {
    let state = parent.state.and_then(|state| state.parse().ok());
    Link::with_context(SpanContext::new(
        TraceId::from_bytes(parent.trace_id),
        SpanId::from_bytes(parent.span_id),
        TraceFlags::new(parent.flags),
        true,
        state.unwrap_or_default(),
    ))
}

fn plugin(prefix: &str, named: &Named) -> [KeyValue; 3] {
    let attribute = |name: &str, value: &str| KeyValue::new(format!("{prefix}.{name}"), value.to_owned());
    [
        attribute("name", &named.name),
        attribute("version", &named.version),
        attribute("digest", &named.digest),
    ]
}

/// A count as a signed number, since the protocol has no unsigned ones.
fn number(count: u64) -> Value {
    Value::I64(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
