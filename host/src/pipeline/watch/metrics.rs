//! All metrics: the name, unit and meaning of each, and where its value comes from.
//!
//! Values that only metrics need are measured here ([`Metrics`]), a batch at one time. The rest is asked for at a
//! scrape where it is kept anyway ([`scrape`]), so that no number is kept twice.

use super::lap::Lap;
use crate::record::stage::Stage;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::histogram::{Histogram, Snapshot};
use crate::pipeline::commit::write_time::now_ms;
use crate::record::Record;

/// Stands before every name.
pub(in crate::pipeline) const PREFIX: &str = "host";

/// Microseconds: from a small batch in a warm guest to a sink that waits for its server.
const STAGE_MICROS: &[u64] = &[
    50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000,
    5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// Milliseconds, like record timestamps. The bounds are close enough together for a useful p99; the last ones are for a
/// consumer that catches up.
const LATENCY_MILLIS: &[u64] = &[
    1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 7_000,
    10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 3_600_000,
];

/// Records.
const BATCH_RECORDS: &[u64] = &[1, 2, 5, 10, 20, 50, 100, 200, 500, 750, 1_000, 2_000, 5_000, 10_000];

/// One metric family.
#[derive(Debug)]
pub struct Metric {
    /// The name without prefix, unit and the suffix of its type.
    pub name: &'static str,
    pub unit: Option<Unit>,
    pub kind: MetricType,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

const fn metric(
    name: &'static str,
    unit: Option<Unit>,
    kind: MetricType,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        unit,
        kind,
        labels,
        help,
    }
}

use MetricType::{Counter as C, Gauge as G, Histogram as H, Info as I};
use Unit::{Bytes as B, Seconds as S};

/// The list. [`scrape`] gives each its value, and a test checks that none is missing there.
#[rustfmt::skip]
pub static METRICS: [Metric; 29] = [
    metric("build", None, I, &["version"], "The running program"),
    metric("plugin", None, I, &["name", "version", "digest"], "The plugin that takes the next batch"),
    metric("uptime", Some(S), G, &[], "Time since the pipeline was started"),
    metric("ready", None, G, &[], "1 where records flow or there are none, 0 where something is waited for"),
    metric("waiting", Some(S), G, &["for"], "How long it has been waited for; 0 where it is there"),
    metric("retries", None, C, &["cause"], "Tries that failed and are made again"),
    metric("records_read", None, C, &[], "Records that a worker took, those read again after a rebalance or a restart included"),
    metric("read", Some(B), C, &[], "The same in bytes: keys, values, headers and what holds them"),
    metric("records_lost", None, C, &[], "Offsets that were deleted from the log before they were read: so many records at most"),
    metric("records_settled", None, C, &[], "Records written, filtered or dead-lettered, acknowledged"),
    metric("records_filtered", None, C, &[], "Records that the plugin left out on purpose"),
    metric("records_rejected", None, C, &["code"], "Records rejected and settled; codes beyond the first 50 count as `other`"),
    metric("rows_written", None, C, &[], "Rows acknowledged by the sink"),
    metric("dead_letters_published", None, C, &[], "Dead letters acknowledged by their topic or file"),
    metric("partition_lag", None, G, &["topic", "partition"], "Records between the commit point and the log end"),
    metric("partition_commit_point", None, G, &["topic", "partition"], "Next offset to read after a restart, as the brokers have it"),
    metric("partition_log_end", None, G, &["topic", "partition"], "Where the partition's log ends for readers of committed records"),
    metric("batch_records", None, H, &[], "Records that a worker took at one time"),
    metric("batches_in_flight", None, G, &[], "Batches taken and not yet settled"),
    metric("rows_in_flight", None, G, &[], "Rows given to the sink and not yet answered"),
    metric("stage_duration", Some(S), H, &["stage"], "Time of one batch in decode, transform, write and dead_letters, waiting and retries included"),
    metric("record_latency", Some(S), H, &[], "Time from a record's timestamp until it was settled"),
    metric("guest_memory", Some(B), G, &[], "Linear memory of the instance that was called last"),
    metric("guest_records", None, C, &[], "Records given to the guest"),
    metric("guest_instances_recycled", None, C, &[], "Instances replaced because their memory had grown: between two batches, or where a batch found no room"),
    metric("swaps", None, C, &["outcome"], "Swaps of the plugin: swapped, unchanged, refused, rolled_back"),
    metric("probation", None, G, &[], "1 while a swapped-in plugin is watched"),
    metric("partitions_assigned", None, G, &[], "Partitions that this member reads"),
    metric("commits", None, C, &["result"], "Offset commits: acknowledged, failed"),
];

/// What is measured while records flow.
#[derive(Debug)]
pub struct Metrics {
    pub(in crate::pipeline) since: Instant,
    pub(in crate::pipeline) records_read: AtomicU64,
    pub(in crate::pipeline) records_lost: AtomicU64,
    pub(in crate::pipeline) bytes_read: AtomicU64,
    pub(in crate::pipeline) guest_records: AtomicU64,
    pub(in crate::pipeline) guest_memory_bytes: AtomicU64,
    pub(in crate::pipeline) guest_recycled: AtomicU64,
    pub(in crate::pipeline) commits_acknowledged: AtomicU64,
    pub(in crate::pipeline) commits_failed: AtomicU64,
    pub(in crate::pipeline) batch_records: Histogram,
    pub(in crate::pipeline) batches_in_flight: Arc<AtomicI64>,
    pub(in crate::pipeline) rows_in_flight: Arc<AtomicI64>,
    pub(in crate::pipeline) stages: [Histogram; Stage::ALL.len()],
    pub(in crate::pipeline) latency: Histogram,
}

/// Something in flight. It counts until this is dropped, also if its task is cancelled.
#[derive(Debug)]
pub struct InFlight {
    gauge: Arc<AtomicI64>,
    count: i64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            records_read: AtomicU64::new(0),
            records_lost: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            guest_records: AtomicU64::new(0),
            guest_memory_bytes: AtomicU64::new(0),
            guest_recycled: AtomicU64::new(0),
            commits_acknowledged: AtomicU64::new(0),
            commits_failed: AtomicU64::new(0),
            batch_records: Histogram::new(BATCH_RECORDS),
            batches_in_flight: Arc::default(),
            rows_in_flight: Arc::default(),
            stages: Stage::ALL.map(|_| Histogram::new(STAGE_MICROS)),
            latency: Histogram::new(LATENCY_MILLIS),
        }
    }
}

impl Metrics {
    /// How long ago the run began.
    pub fn uptime(&self) -> Duration {
        self.since.elapsed()
    }

    /// Notes that a worker has taken a batch.
    pub fn note_batch(&self, records: usize, bytes: usize) {
        self.records_read.fetch_add(records as u64, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes as u64, Ordering::Relaxed);
        self.batch_records.add(records as u64);
    }

    /// Notes that this many offsets were deleted before they were read.
    pub fn note_lost(&self, offsets: u64) {
        self.records_lost.fetch_add(offsets, Ordering::Relaxed);
    }

    /// Notes that these records are settled. It costs one subtraction and one comparison a record, in one pass.
    pub fn note_settled(&self, records: &[Record]) {
        let now = now_ms();
        let ages = records.iter().filter_map(|record| record.timestamp_ms);
        self.latency
            .add_all(ages.map(|then| u64::try_from(now.saturating_sub(then)).unwrap_or(0)));
    }

    /// Notes a call of the guest with this many records, and its memory after it.
    pub fn note_guest(&self, records: usize, memory_bytes: Option<usize>) {
        self.guest_records.fetch_add(records as u64, Ordering::Relaxed);
        if let Some(bytes) = memory_bytes {
            self.guest_memory_bytes.store(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Notes that this many instances were replaced because their memory had grown.
    pub fn note_recycled(&self, instances: u64) {
        self.guest_recycled.fetch_add(instances, Ordering::Relaxed);
    }

    /// Counts an attempt to commit by its answer.
    pub fn note_commit(&self, is_acknowledged: Result<(), ()>) {
        let counter = match is_acknowledged {
            Ok(()) => &self.commits_acknowledged,
            Err(()) => &self.commits_failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a batch as in flight until the result is dropped.
    pub fn batch_in_flight(&self) -> InFlight {
        InFlight::new(&self.batches_in_flight, 1)
    }

    /// Counts rows as in flight until the result is dropped.
    pub fn rows_in_flight(&self, rows: usize) -> InFlight {
        InFlight::new(&self.rows_in_flight, rows)
    }

    /// Notes how long a batch was in a stage.
    pub fn note_stage(&self, stage: Stage, took: Duration) {
        self.stages[stage as usize].add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Does a stage's work and notes how long it took. Also returns when it was.
    pub async fn timed<T>(&self, stage: Stage, work: impl Future<Output = T>) -> (T, Lap) {
        let begun = Instant::now();
        let done = work.await;
        let lap = Lap::since(begun);
        self.note_stage(stage, lap.took);
        (done, lap)
    }

    /// Durations of this stage in microseconds.
    pub fn stage(&self, stage: Stage) -> Snapshot {
        self.stages[stage as usize].snapshot()
    }

    /// Ages of the settled records in milliseconds.
    pub fn latency(&self) -> Snapshot {
        self.latency.snapshot()
    }

    /// Bytes of keys and values of all records that workers have taken.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }
}

impl InFlight {
    fn new(gauge: &Arc<AtomicI64>, count: usize) -> Self {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        gauge.fetch_add(count, Ordering::Relaxed);
        Self {
            gauge: Arc::clone(gauge),
            count,
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.gauge.fetch_sub(self.count, Ordering::Relaxed);
    }
}

impl Metric {
    /// The name in the text that is scraped: `host_rows_written_total`, `host_stage_duration_seconds`.
    pub fn full_name(&self) -> String {
        let unit = self
            .unit
            .as_ref()
            .map_or(String::new(), |unit| format!("_{}", unit.as_str()));
        let suffix = match self.kind {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        format!("{PREFIX}_{}{unit}{suffix}", self.name)
    }

    /// The metric's type in the text format: `counter`, `gauge` or `histogram`.
    pub fn kind(&self) -> &str {
        self.kind.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operating.md");
    const MARKS: [&str; 2] = ["<!-- metrics: begin -->\n", "<!-- metrics: end -->"];

    /// The table of metrics in `docs/operating.md`.
    fn table() -> String {
        let head = "| Metric | Labels | Kind | What |\n|---|---|---|---|\n".to_owned();
        METRICS.iter().fold(head, |table, metric| {
            let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let (name, kind) = (metric.full_name(), metric.kind());
            format!(
                "{table}| `{name}` | {} | {kind} | {} |\n",
                labels.join(", "),
                metric.help
            )
        })
    }

    #[test]
    fn the_documentation_lists_them_as_they_are() {
        let text = std::fs::read_to_string(FILE).expect("the documentation");
        let (before, rest) = text.split_once(MARKS[0]).expect("where the table begins");
        let (found, after) = rest.split_once(MARKS[1]).expect("where it ends");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let renewed = format!("{before}{}{}{}{after}", MARKS[0], table(), MARKS[1]);
            std::fs::write(FILE, renewed).expect("written");
            return;
        }
        assert_eq!(found, table(), "UPDATE_DOCS=1 renews it");
    }

    #[test]
    fn names_follow_the_conventions() {
        let names: std::collections::BTreeSet<_> = METRICS.iter().map(Metric::full_name).collect();
        assert_eq!(names.len(), METRICS.len(), "each once");
        for name in names {
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name}"
            );
            assert!(!name.contains("__") && !name.contains("_ms"), "{name}: base units");
        }
    }

    #[test]
    fn what_is_in_flight_is_so_until_it_is_dropped() {
        let metrics = Metrics::default();
        let (one, other) = (metrics.rows_in_flight(7), metrics.rows_in_flight(5));
        assert_eq!(metrics.rows_in_flight.load(Ordering::Relaxed), 12);
        drop(one);
        assert_eq!(metrics.rows_in_flight.load(Ordering::Relaxed), 5);
        drop(other);
        assert_eq!(metrics.rows_in_flight.load(Ordering::Relaxed), 0);
    }
}
