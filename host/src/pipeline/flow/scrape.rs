//! The metrics as text. Values are asked for at the moment of a scrape.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet, text as openmetrics};
use prometheus_client::registry::Registry;

use super::parts::Parts;
use crate::pipeline::trouble::outage::Waiting;
use crate::pipeline::watch::histogram::Snapshot;
use crate::pipeline::watch::metrics::{METRICS, Metric, PREFIX};
use crate::pipeline::watch::status::{PartitionStatus, Status};
use crate::pipeline::watch::totals::Counts;
use crate::record::stage::Stage;

/// The content type of [`text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics as they are now, in the `OpenMetrics` text format.
pub fn text(parts: &Arc<Parts>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Scrape {
        counts: parts.watch.totals.counts(),
        status: parts.watch.board.latest(),
        parts: Arc::clone(parts),
    }));
    let mut text = String::new();
    openmetrics::encode(&mut text, &registry)?;
    Ok(text)
}

/// What one scrape shows.
struct Scrape {
    parts: Arc<Parts>,
    counts: Counts,
    status: Option<Arc<Status>>,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").finish_non_exhaustive()
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut names = METRICS.iter();
        let mut out = Out {
            encoder: &mut encoder,
            metric: &METRICS[0],
        };
        names.try_for_each(|metric| {
            out.metric = metric;
            self.one(metric.name, &mut out)
        })
    }
}

impl Scrape {
    /// The values of one metric.
    fn one(&self, name: &str, out: &mut Out<'_, '_>) -> fmt::Result {
        let (metrics, counts) = (&self.parts.watch.metrics, &self.counts);
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        match name {
            "build" => out.info(&[("version", env!("CARGO_PKG_VERSION").to_owned())]),
            "plugin" => out.info(&self.plugin()),
            "uptime" => out.gauge(metrics.uptime().as_secs_f64()),
            "ready" => out.gauge(f64::from(u8::from(
                self.status.as_ref().is_some_and(|status| status.ready),
            ))),
            "waiting" => out.gauges(self.waiting().iter()),
            "retries" => {
                let tries = self.parts.outages.failed_tries();
                out.counters(tries.map(|(what, count)| ([("cause", what.label().to_owned())], count)))
            }
            "records_read" => out.counter(load(&metrics.records_read)),
            "read" => out.counter(load(&metrics.bytes_read)),
            "records_lost" => out.counter(load(&metrics.records_lost)),
            "records_settled" => out.counter(counts.records),
            "records_filtered" => out.counter(counts.filtered),
            "records_rejected" => {
                let rejected = counts.rejected.iter();
                out.counters(rejected.map(|(code, count)| ([("code", code.clone())], *count)))
            }
            "rows_written" => out.counter(counts.rows_written),
            "dead_letters_published" => out.counter(counts.rejected.values().sum()),
            "partition_lag" => out.gauges(self.partitions(|partition| partition.lag).iter()),
            "partition_commit_point" => out.gauges(self.partitions(|partition| partition.committed).iter()),
            "partition_log_end" => out.gauges(self.partitions(|partition| partition.log_end).iter()),
            "partitions_assigned" => {
                let count = self.status.as_ref().map_or(0, |status| status.partitions.len());
                out.gauge(count as f64)
            }
            "batch_records" => out.histogram(&metrics.batch_records.snapshot(), 1.0),
            "batches_in_flight" => out.gauge(metrics.batches_in_flight.load(Ordering::Relaxed) as f64),
            "rows_in_flight" => out.gauge(metrics.rows_in_flight.load(Ordering::Relaxed) as f64),
            "stage_duration" => out.histograms(Stage::ALL.map(|stage| (stage.label(), metrics.stage(stage))), 1e-6),
            "record_latency" => out.histogram(&metrics.latency(), 1e-3),
            "guest_memory" => out.gauge(load(&metrics.guest_memory_bytes) as f64),
            "guest_records" => out.counter(load(&metrics.guest_records)),
            "guest_instances_recycled" => out.counter(load(&metrics.guest_recycled)),
            "swaps" => {
                let swaps = self.parts.plugins.slot.history.by_outcome().into_iter();
                out.counters(swaps.map(|(outcome, count)| ([("outcome", outcome.to_owned())], count)))
            }
            "probation" => out.gauge(f64::from(u8::from(self.parts.plugins.slot.is_on_probation()))),
            "commits" => out.counters(
                [
                    ("acknowledged", &metrics.commits_acknowledged),
                    ("failed", &metrics.commits_failed),
                ]
                .map(|(result, count)| ([("result", result.to_owned())], load(count)))
                .into_iter(),
            ),
            _ => Err(fmt::Error),
        }
    }

    fn plugin(&self) -> [(&'static str, String); 3] {
        let version = self.parts.plugins.slot.current();
        let identity = version.identity();
        [
            ("name", identity.name.to_string()),
            ("version", identity.version.to_string()),
            ("digest", identity.digest.to_string()),
        ]
    }

    fn waiting(&self) -> [([(&'static str, String); 1], f64); Waiting::ALL.len()] {
        let current = self.parts.outages.current();
        Waiting::ALL.map(|what| {
            let seconds = current
                .get(&what)
                .map_or(0.0, |outage| outage.since.elapsed().as_secs_f64());
            ([("for", what.label().to_owned())], seconds)
        })
    }

    /// One value of each partition, where it is known.
    fn partitions(&self, value: impl Fn(&PartitionStatus) -> Option<i64>) -> Vec<([(&'static str, String); 2], f64)> {
        let partitions = self.status.iter().flat_map(|status| &status.partitions);
        partitions
            .filter_map(|(name, partition)| {
                let (topic, number) = name.rsplit_once('/')?;
                let labels = [("topic", topic.to_owned()), ("partition", number.to_owned())];
                Some((labels, value(partition)? as f64))
            })
            .collect()
    }
}

/// Encodes values under the name of the current metric.
struct Out<'a, 'e> {
    encoder: &'a mut DescriptorEncoder<'e>,
    metric: &'static Metric,
}

impl Out<'_, '_> {
    fn info(&mut self, labels: &impl EncodeLabelSet) -> fmt::Result {
        self.describe()?.encode_info(labels)
    }

    fn gauge(&mut self, value: f64) -> fmt::Result {
        self.describe()?.encode_gauge(&value)
    }

    fn gauges<'v, L: EncodeLabelSet + 'v>(&mut self, values: impl Iterator<Item = &'v (L, f64)>) -> fmt::Result {
        let mut family = self.describe()?;
        for (labels, value) in values {
            family.encode_family(labels)?.encode_gauge(value)?;
        }
        Ok(())
    }

    fn counter(&mut self, value: u64) -> fmt::Result {
        self.describe()?.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn counters<L: EncodeLabelSet>(&mut self, values: impl Iterator<Item = (L, u64)>) -> fmt::Result {
        let mut family = self.describe()?;
        for (labels, value) in values {
            family
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn histogram(&mut self, values: &Snapshot, unit: f64) -> fmt::Result {
        let buckets = buckets(values, unit);
        let sum = values.sum as f64 * unit;
        self.describe()?
            .encode_histogram::<NoLabelSet>(sum, values.count(), &buckets, None)
    }

    fn histograms<const N: usize>(&mut self, values: [(&'static str, Snapshot); N], unit: f64) -> fmt::Result {
        let label = self.metric.labels.first().copied().ok_or(fmt::Error)?;
        let mut family = self.describe()?;
        for (value, snapshot) in values {
            family
                .encode_family(&[(label, value)])?
                .encode_histogram::<NoLabelSet>(
                    snapshot.sum as f64 * unit,
                    snapshot.count(),
                    &buckets(&snapshot, unit),
                    None,
                )?;
        }
        Ok(())
    }

    fn describe(&mut self) -> Result<MetricEncoder<'_>, fmt::Error> {
        let Metric {
            name, unit, kind, help, ..
        } = self.metric;
        self.encoder
            .encode_descriptor(name, &format!("{help}."), unit.as_ref(), *kind)
    }
}

/// Upper bounds in base units, each with its own count. The last one counts what is above all bounds.
fn buckets(values: &Snapshot, unit: f64) -> Vec<(f64, u64)> {
    // A division gives the expected decimal (0.0005), where a multiplication by 1e-6 is a few digits off.
    let bounds = values.bounds.iter().map(|bound| *bound as f64 / unit.recip().round());
    bounds
        .chain([f64::INFINITY])
        .zip(values.counts.iter().copied())
        .collect()
}
