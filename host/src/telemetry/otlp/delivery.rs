//! Sends spans and keeps count of them. A collector that does not take them is said once when it begins, then once a
//! minute, and when it is over; what never arrived, at the end.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_otlp::SpanExporter as OtlpExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Somebody who reads the log is reminded this often.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// The exporter, watched.
#[derive(Debug)]
pub(super) struct Delivery {
    exporter: OtlpExporter,
    ledger: Arc<Ledger>,
}

/// What became of the spans.
#[derive(Debug)]
pub(super) struct Ledger {
    endpoint: String,
    made: AtomicU64,
    delivered: AtomicU64,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    /// Spans that were sent and not taken, since the start.
    lost: u64,
    /// What the log had last for that.
    told: u64,
    /// When it had it, if no spans were taken since.
    told_at: Option<Instant>,
}

impl Delivery {
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
    pub fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            made: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            trouble: Mutex::default(),
        }
    }

    /// A span is given to the queue, which may have no room for it.
    pub fn note_made(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    fn note_delivered(&self, spans: u64) {
        self.delivered.fetch_add(spans, Ordering::Relaxed);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.told_at.take().is_some() {
            trouble.told = trouble.lost;
            tracing::info!(
                endpoint = self.endpoint,
                lost = trouble.lost,
                "spans are delivered again"
            );
        }
    }

    fn note_lost(&self, spans: u64, error: &impl fmt::Display) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.lost += spans;
        if trouble.told_at.is_none_or(|told_at| told_at.elapsed() >= SAY_AGAIN) {
            trouble.told = trouble.lost;
            trouble.told_at = Some(Instant::now());
            tracing::warn!(endpoint = self.endpoint, lost = trouble.lost, %error, "spans cannot be delivered and are lost; records are not concerned");
        }
    }

    /// Says how many were lost in all, those that found no room in the queue too, unless the log has it already.
    pub fn close(&self) {
        let made = self.made.load(Ordering::Relaxed);
        let missing = made.saturating_sub(self.delivered.load(Ordering::Relaxed));
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if missing != trouble.told {
            tracing::warn!(
                endpoint = self.endpoint,
                lost = missing,
                of = made,
                "not all spans were delivered"
            );
        }
    }
}
