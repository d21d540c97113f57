//! Exports a span for each batch whose turn it is and for each swap, to a collector that speaks OTLP over HTTP
//! (<https://opentelemetry.io/docs/specs/otlp/>).
//!
//! [`spans`] makes spans of what the pipeline tells, on the pipeline's threads, and puts them into a queue with a bound.
//! A thread of its own sends what is in the queue ([`delivery`]); what finds no room is dropped. So a collector that is
//! away, or slow, costs spans and nothing else.

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

/// Spans that wait for their turn to be sent: some hundred batches, under a megabyte. More would keep more of them over
/// a pause of the collector.
const QUEUE_SPANS: usize = 2048;

/// The queue is sent this often, or when a quarter of it is full. Rarer means fewer requests; more often, spans that are
/// seen sooner.
const SEND_EVERY: Duration = Duration::from_secs(2);

/// A request with its retries may take this long: the library makes three within a second where the connection breaks or
/// the collector asks for it. Shorter would give up on a slow network; longer fills the queue.
const SEND_WITHIN: Duration = Duration::from_secs(5);

/// At the end of a run, what is queued has this long to arrive. Longer would hold up whoever waits for the end.
const END_WITHIN: Duration = Duration::from_secs(2);

/// Of one batch: more are counted and left out, since no page shows a thousand.
const LINKS: u32 = 32;

/// Where spans go, and of how many batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The collector's: `http://127.0.0.1:4318`.
    pub address: String,
    pub share: Share,
}

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

/// Goes on until [`Exporting::end`].
pub struct Exporting {
    provider: SdkTracerProvider,
    ledger: Arc<Ledger>,
}

/// Starts the thread that sends spans; nothing is asked of the collector before there are some.
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

/// Where spans go below the collector's address, as the protocol has it; who says it already means the same.
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

/// Who exports: this process, until it ends.
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
    /// Sends what is queued, as far as the time allows, and says what never arrived.
    pub async fn end(self) {
        let Self { provider, ledger } = self;
        // It waits on a thread, and its result says less than the ledger.
        let ended = tokio::task::spawn_blocking(move || drop(provider.shutdown_with_timeout(END_WITHIN)));
        let _ = ended.await;
        ledger.close();
    }
}
