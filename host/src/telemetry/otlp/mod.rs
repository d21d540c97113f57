//! Exports a span for each swap and for a share of the batches, to a collector that speaks OTLP
//! over HTTP (<https://opentelemetry.io/docs/specs/otlp/>).
//!
//! [`spans`] makes spans on the pipeline's threads and puts them into a bounded queue. A thread of its own
//! sends them ([`delivery`]). Spans that find no room are dropped. So a collector that is away or slow costs
//! spans and nothing else.

mod delivery;
mod spans;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};

use crate::pipeline::watch::share::Share;
use crate::pipeline::watch::trace::Traces;
use delivery::{Delivery, Ledger};
use spans::Spans;

/// Spans that may wait to be sent: some hundred batches, under a megabyte. A longer queue would keep more of them over
/// a pause of the collector.
const QUEUE_SPANS: usize = 2048;

/// The queue is sent this often, or when a quarter of it is full. A longer time means fewer requests, a shorter one
/// that spans are seen sooner.
const SEND_EVERY: Duration = Duration::from_secs(2);

/// A request with its retries may take this long. The library retries three times within a second if the
/// connection breaks or the collector asks for it. A shorter time would give up on a slow network, and a longer
/// one fills the queue.
const SEND_WITHIN: Duration = Duration::from_secs(5);

/// At the end of a run, queued spans have this long to arrive. A longer time would delay the end.
const END_WITHIN: Duration = Duration::from_secs(2);

/// Links of one batch. Further ones are counted and left out, since no page shows a thousand.
const LINKS: u32 = 32;

/// Where spans go, and the share of batches that have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The collector's address: `http://127.0.0.1:4318`.
    pub address: String,
    /// The share of batches that have a span.
    pub share: Share,
}

/// Why exporting cannot start.
#[derive(Debug, thiserror::Error)]
#[error("spans cannot be exported to {endpoint}")]
pub struct OtlpError {
    endpoint: String,
    #[source]
    cause: ExporterBuildError,
}

/// Where the records of a run come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    File,
    Kafka { group: String },
}

/// An export that goes on until [`Exporting::end`].
pub struct Exporting {
    provider: SdkTracerProvider,
    ledger: Arc<Ledger>,
}

/// Starts the thread that sends spans. It does not connect to the collector before there are some.
pub fn start(config: &Config, origin: Origin) -> Result<(Exporting, Traces), OtlpError> {
    let endpoint = endpoint(&config.address);
    let exporter = exporter(&endpoint).map_err(|cause| OtlpError {
        endpoint: endpoint.clone(),
        cause,
    })?;
    tracing::info!(endpoint, batches = %config.share, "exporting spans");
    let ledger = Arc::new(Ledger::new(endpoint));
    let queue = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_SPANS)
        .with_max_export_batch_size(QUEUE_SPANS / 4)
        .with_scheduled_delay(SEND_EVERY)
        .build();
    let delivery = Delivery::new(exporter, Arc::clone(&ledger));
    let processor = BatchSpanProcessor::builder(delivery).with_batch_config(queue).build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_max_links_per_span(LINKS)
        .with_resource(resource())
        .build();
    let scope = InstrumentationScope::builder("host").with_version(env!("CARGO_PKG_VERSION"));
    let spans = Spans::new(provider.tracer_with_scope(scope.build()), origin, Arc::clone(&ledger));
    let traces = Traces::new(Arc::new(spans), config.share);
    Ok((Exporting { provider, ledger }, traces))
}

/// Appends the protocol's path for spans to the collector's address, unless the address has it already.
fn endpoint(address: &str) -> String {
    const PATH: &str = "/v1/traces";
    format!("{}{PATH}", address.strip_suffix(PATH).unwrap_or(address))
}

fn exporter(endpoint: &str) -> Result<SpanExporter, ExporterBuildError> {
    SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_timeout(SEND_WITHIN)
        .build()
}

/// Describes this process as the source of the spans.
fn resource() -> Resource {
    let instance = uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid();
    Resource::builder()
        .with_service_name("host")
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance.to_string()),
        ])
        .build()
}

impl Exporting {
    /// Sends the queued spans as far as the time allows, and logs how many never arrived.
    pub async fn end(self) {
        let Self { provider, ledger } = self;
        // The shutdown blocks, so it runs on a thread for that. Its result says less than the ledger.
        let ended = tokio::task::spawn_blocking(move || drop(provider.shutdown_with_timeout(END_WITHIN)));
        let _ = ended.await;
        ledger.close();
    }
}
