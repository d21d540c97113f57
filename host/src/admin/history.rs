//! Keeps a sample a second of the last minutes, so that a page that is opened now shows them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use serde::{Serialize, Serializer};
use tokio::time::{MissedTickBehavior, interval};

use crate::pipeline::flow::parts::Parts;
use crate::pipeline::watch::histogram::Snapshot;
use crate::record::stage::Stage;

/// Time between samples: short enough to see a stall, long enough that the records of one make a p99.
const EVERY: Duration = Duration::from_secs(1);

/// Samples that are kept: ten minutes, with some 200 bytes each.
const KEPT: usize = 600;

/// The samples of the last minutes.
#[derive(Debug, Default)]
pub struct History {
    samples: Mutex<VecDeque<Arc<Sample>>>,
}

/// One second. Rates are per second. Times are in milliseconds, and `None` if nothing was timed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// When it ended, in milliseconds since 1970-01-01T00:00Z.
    pub at: u64,
    /// Records settled.
    pub records: f64,
    /// Rows written.
    pub rows: f64,
    /// Records rejected.
    pub rejected: f64,
    /// Bytes read.
    pub bytes: f64,
    /// Records between the log end and the commit point.
    pub lag: Option<i64>,
    /// Time from a record's timestamp until it was settled.
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// Average time of one batch in each stage.
    pub stage_ms: StageTimes,
    pub is_ready: bool,
}

/// Milliseconds of each stage, shown under its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StageTimes([Option<f64>; Stage::ALL.len()]);

impl Serialize for StageTimes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Stage::ALL.iter().map(|stage| stage.label()).zip(&self.0))
    }
}

/// The counters at one moment.
struct Look {
    when: Instant,
    records: u64,
    rows: u64,
    rejected: u64,
    bytes: u64,
    latency: Snapshot,
    stages: [Snapshot; Stage::ALL.len()],
}

impl History {
    /// Takes samples for ever.
    pub async fn follow(&self, parts: &Parts) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Look::at(parts);
        tick.tick().await;
        loop {
            tick.tick().await;
            let look = Look::at(parts);
            self.add(look.since(&last, parts));
            last = look;
        }
    }

    /// The samples that ended after this moment, the oldest first.
    pub fn after(&self, at: u64) -> Vec<Arc<Sample>> {
        let samples = self.samples.lock();
        samples.iter().filter(|sample| sample.at > at).cloned().collect()
    }

    fn add(&self, sample: Sample) {
        let mut samples = self.samples.lock();
        if samples.len() == KEPT {
            samples.pop_front();
        }
        samples.push_back(Arc::new(sample));
    }
}

impl Look {
    fn at(parts: &Parts) -> Self {
        let counts = parts.watch.totals.counts();
        Self {
            when: Instant::now(),
            records: counts.records,
            rows: counts.rows_written,
            rejected: counts.rejected.values().sum(),
            bytes: parts.watch.metrics.bytes_read(),
            latency: parts.watch.metrics.latency(),
            stages: Stage::ALL.map(|stage| parts.watch.metrics.stage(stage)),
        }
    }

    fn since(&self, last: &Self, parts: &Parts) -> Sample {
        let seconds = (self.when - last.when).as_secs_f64().max(1e-3);
        let rate = |now: u64, then: u64| rounded(now.saturating_sub(then) as f64 / seconds);
        let latency = self.latency.since(&last.latency);
        let mut stages = self.stages.iter().zip(&last.stages);
        let stage_ms = Stage::ALL.map(|_| {
            let (now, then) = stages.next()?;
            let news = now.since(then);
            (news.count() > 0).then(|| rounded(news.sum as f64 / news.count() as f64 / 1e3))
        });
        let status = parts.watch.board.latest();
        Sample {
            at: unix_millis(),
            records: rate(self.records, last.records),
            rows: rate(self.rows, last.rows),
            rejected: rate(self.rejected, last.rejected),
            bytes: rate(self.bytes, last.bytes),
            lag: status.as_ref().and_then(|status| status.lag),
            p50_ms: latency.quantile(0.5).map(rounded),
            p99_ms: latency.quantile(0.99).map(rounded),
            stage_ms: StageTimes(stage_ms),
            is_ready: status.is_some_and(|status| status.ready),
        }
    }
}

/// Rounds to two digits after the point. More would not be seen on the page.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_and_those_after_a_moment_are_given() {
        let history = History::default();
        for at in 0..KEPT as u64 + 5 {
            history.add(Sample {
                at,
                records: 0.0,
                rows: 0.0,
                rejected: 0.0,
                bytes: 0.0,
                lag: None,
                p50_ms: None,
                p99_ms: None,
                stage_ms: StageTimes([None; Stage::ALL.len()]),
                is_ready: true,
            });
        }
        let all = history.after(0);
        assert_eq!((all.len(), all[0].at), (KEPT, 5));
        assert_eq!(history.after(KEPT as u64 + 2).len(), 2);
    }
    #[test]
    fn each_stage_has_its_name() {
        let times = StageTimes([Some(1.5), None, Some(0.25), None]);
        let shown = serde_json::to_string(&times).expect("a map is JSON");
        let expected = r#"{"decode":1.5,"transform":null,"write":0.25,"dead_letters":null}"#;
        assert_eq!(shown, expected);
    }
}
