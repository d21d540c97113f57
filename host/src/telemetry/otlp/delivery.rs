//! Sends spans and counts them. If a collector does not take them, it logs so at once, then once a minute, and when it
//! is over. At the end it logs how many never arrived.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use opentelemetry_otlp::SpanExporter as OtlpExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use parking_lot::Mutex;

/// Pause between two log lines about the same trouble.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// The exporter, with its results counted.
#[derive(Debug)]
pub(super) struct Delivery {
    exporter: OtlpExporter,
    ledger: Arc<Ledger>,
}

/// Counts what became of the spans.
#[derive(Debug)]
pub(super) struct Ledger {
    endpoint: String,
    made: AtomicU64,
    delivered: AtomicU64,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    /// Spans since the start that were sent but not taken.
    lost: u64,
    /// The value of `lost` that was logged last.
    logged: u64,
    /// When it was logged, if no spans were taken since.
    logged_at: Option<Instant>,
}

impl Delivery {
    /// Wraps the exporter.
    pub fn new(exporter: OtlpExporter, ledger: Arc<Ledger>) -> Self {
        Self { exporter, ledger }
    }
}

impl SpanExporter for Delivery {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let count = spans.len() as u64;
        let sent = self.exporter.export(spans).await;
        match &sent {
            Ok(()) => self.ledger.note_delivered(count),
            Err(error) => self.ledger.note_lost(count, error),
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl Ledger {
    /// Starts with no spans.
    pub fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            made: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            trouble: Mutex::default(),
        }
    }

    /// Counts a span that is handed to the queue, which may have no room for it.
    pub fn note_made(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    fn note_delivered(&self, spans: u64) {
        self.delivered.fetch_add(spans, Ordering::Relaxed);
        let mut trouble = self.trouble.lock();
        if trouble.logged_at.take().is_some() {
            trouble.logged = trouble.lost;
            tracing::info!(
                endpoint = self.endpoint,
                lost = trouble.lost,
                "spans are delivered again"
            );
        }
    }

    fn note_lost(&self, spans: u64, error: &impl fmt::Display) {
        let mut trouble = self.trouble.lock();
        trouble.lost += spans;
        if trouble
            .logged_at
            .is_none_or(|logged_at| logged_at.elapsed() >= SAY_AGAIN)
        {
            trouble.logged = trouble.lost;
            trouble.logged_at = Some(Instant::now());
            tracing::warn!(endpoint = self.endpoint, lost = trouble.lost, %error, "spans cannot be delivered and are lost; records are not affected");
        }
    }

    /// Logs how many spans were lost in all, including those that found no room in the queue, unless the log
    /// has it already.
    pub fn close(&self) {
        let made = self.made.load(Ordering::Relaxed);
        let missing = made.saturating_sub(self.delivered.load(Ordering::Relaxed));
        let trouble = self.trouble.lock();
        if missing != trouble.logged {
            tracing::warn!(
                endpoint = self.endpoint,
                lost = missing,
                of = made,
                "not all spans were delivered"
            );
        }
    }
}
