//! The one line on a terminal that says how a run goes; log lines stay above it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::wire::Settings;
use crate::pipeline::flow::parts::Parts;
use crate::pipeline::watch::status::Status;
use crate::telemetry::{Format, live::LiveLine};

/// The pipeline publishes its status as often.
const EVERY: Duration = Duration::from_secs(1);

/// The line, which is shown until this is dropped. [`Live::end`] takes it away before something else is written.
pub struct Live {
    task: JoinSet<()>,
}

impl Live {
    /// Takes the line off the terminal.
    pub async fn end(mut self) {
        self.task.shutdown().await;
    }
}

/// Starts the line. `None` if standard error is not a terminal, if the log is JSON, or if rows go to standard output.
pub fn start(settings: &Settings, parts: &Arc<Parts>) -> Option<Live> {
    if settings.log.format == Format::Json || settings.to.is_standard_output() {
        return None;
    }
    let line = LiveLine::start()?;
    let parts = Arc::clone(parts);
    let mut task = JoinSet::new();
    task.spawn(async move { follow(&line, &parts).await });
    Some(Live { task })
}

async fn follow(line: &LiveLine, parts: &Parts) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut before, mut when) = (parts.watch.totals.counts().records, Instant::now());
    tick.tick().await;
    loop {
        tick.tick().await;
        let (records, now) = (parts.watch.totals.counts().records, Instant::now());
        let rate = (records - before) as f64 / (now - when).as_secs_f64();
        (before, when) = (records, now);
        if let Some(status) = parts.watch.board.latest() {
            line.show(text(&status, rate));
        }
    }
}

/// The text of the line: `1204 records/s · lag 12 · 3 rejected · order_enrich 0.1.0 (b98cb060c8a8)`, and what the
/// pipeline waits for.
fn text(status: &Status, rate: f64) -> String {
    let rejected: u64 = status.rejected.values().sum();
    let mut parts = vec![format!("{rate:.0} records/s")];
    parts.extend(status.lag.map(|lag| format!("lag {lag}")));
    parts.push(format!("{rejected} rejected"));
    let plugin = &status.plugin.named;
    let digest = plugin.digest.trim_start_matches("sha256:");
    let short = digest.get(..12).unwrap_or(digest);
    parts.push(format!("{} {} ({short})", plugin.name, plugin.version));
    parts.extend(status.waiting.iter().map(|waiting| {
        let what = if waiting.halted { "halted at" } else { "waiting for" };
        format!("{what} {} {} s", waiting.what, waiting.seconds)
    }));
    parts.join(" · ")
}
