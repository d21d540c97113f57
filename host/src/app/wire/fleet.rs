//! Follows the publications of a name and swaps them in, and reports to the fleet what this host runs.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Settings;
use super::services::fleet_failure;
use crate::app::failure::Failure;
use crate::config::settings::PluginFrom;
use crate::fleet::members::{MemberReport, PartitionReport, Reporter};
use crate::fleet::{self, Fleet};
use crate::pipeline::flow::parts::Parts;
use crate::pipeline::swap::swapper::{Candidate, Swapper};
use crate::pipeline::watch::status::Status;
use crate::pipeline::watch::swaps::Swap;
use crate::pipeline::watch::swaps::SwapOutcome;
use crate::record::causes::chain;
use crate::record::descriptor::Digest;

/// How often a member reports. If a report is several times as old, its member has died.
pub const EVERY: Duration = Duration::from_secs(5);

/// How long the end of the program may wait until the report is taken back.
const LEAVE: Duration = Duration::from_secs(2);

/// Swaps in what is published after `after`. Never ends by itself.
pub async fn follow(fleet: &Fleet, name: &str, after: i64, swapper: &Swapper) {
    let mut publications = match fleet::follow(fleet, name, after) {
        Ok(publications) => publications,
        Err(error) => {
            tracing::error!(
                error = chain(&error),
                "cannot follow publications; records are still handled"
            );
            return pending().await;
        }
    };
    loop {
        if publications.changed().await.is_err() {
            return pending().await; // Its thread has said why.
        }
        let newest = publications.borrow_and_update().clone();
        if let Some(newest) = newest {
            let asked_by = format!("{fleet}/{name}@{}", newest.offset);
            let candidate = Candidate::from(newest);
            swapper.note_held(&asked_by, Digest(Sha256::digest(&candidate.bytes).into()));
            swapper.swap(candidate, &asked_by).await;
        }
    }
}

/// A task that reports until this is dropped.
pub struct Reporting {
    task: JoinSet<()>,
    reporter: Arc<Reporter>,
}

/// Starts to report. `None` if the plugin is a file.
pub fn report(settings: &Settings, parts: &Arc<Parts>) -> Result<Option<Reporting>, Failure> {
    let PluginFrom::Published { fleet, name } = &settings.plugin.from else {
        return Ok(None);
    };
    let member = member(settings);
    let reporter = Arc::new(Reporter::new(fleet, &member).map_err(fleet_failure)?);
    let mut task = JoinSet::new();
    let (sending, parts, follows) = (Arc::clone(&reporter), Arc::clone(parts), name.clone());
    task.spawn(async move { send(&sending, &parts, &member, &follows).await });
    Ok(Some(Reporting { task, reporter }))
}

impl Reporting {
    /// Takes the report back, so that the fleet does not show a member that has ended.
    pub async fn end(mut self) {
        self.task.shutdown().await;
        if let Ok(Err(error)) = timeout(LEAVE, self.reporter.leave()).await {
            tracing::debug!(error = chain(&error), "the report could not be taken back");
        }
    }
}

/// Reports at once if the plugin or its state has changed, and otherwise every few seconds.
async fn send(reporter: &Reporter, parts: &Parts, member: &str, follows: &str) {
    let mut statuses = parts.watch.board.subscribe();
    let mut latest: Option<(Instant, MemberReport)> = None;
    let mut is_failing = false;
    while statuses.changed().await.is_ok() {
        let Some(status) = statuses.borrow_and_update().clone() else {
            continue;
        };
        let report = of(&status, member, follows);
        let is_due = latest
            .as_ref()
            .is_none_or(|(at, last)| at.elapsed() >= EVERY || is_news(last, &report));
        if !is_due {
            continue;
        }
        match reporter.report(&report).await {
            Ok(()) => is_failing = false,
            Err(error) if !std::mem::replace(&mut is_failing, true) => {
                tracing::warn!(
                    error = chain(&error),
                    "cannot report to the fleet, trying again; records are still handled"
                );
            }
            Err(_) => {}
        }
        latest = Some((Instant::now(), report));
    }
}

fn is_news(last: &MemberReport, now: &MemberReport) -> bool {
    (&last.digest, &last.state, &last.last_swap, last.on_probation)
        != (&now.digest, &now.state, &now.last_swap, now.on_probation)
}

fn of(status: &Status, member: &str, follows: &str) -> MemberReport {
    let plugin = &status.plugin;
    let partitions = status.partitions.iter().map(|(name, partition)| {
        let fence = partition.fences.last();
        let place = PartitionReport {
            committed: partition.committed,
            digest: fence.map(|fence| fence.digest.clone()),
            from: fence.map(|fence| fence.from),
        };
        (name.clone(), place)
    });
    MemberReport {
        member: member.to_owned(),
        follows: follows.to_owned(),
        state: status.state.to_string(),
        plugin: plugin.named.name.clone(),
        version: plugin.named.version.clone(),
        digest: plugin.named.digest.clone(),
        on_probation: plugin.on_probation,
        last_swap: plugin.history.last().map(came_to).unwrap_or_default(),
        partitions: partitions.collect(),
        at_ms: 0,
    }
}

fn came_to(swap: &Swap) -> String {
    let label = swap.outcome.label();
    match &swap.outcome {
        SwapOutcome::Refused { reasons } => format!("{label}: {}", reasons.join("; ")),
        SwapOutcome::RolledBack { reason, .. } => format!("{label}: {reason}"),
        SwapOutcome::Swapped | SwapOutcome::Unchanged => label.to_owned(),
    }
}

/// The name of this member: `orders/host-a-4711`. It is the same after a restart only if the settings name the group's
/// instance.
fn member(settings: &Settings) -> String {
    let source = &settings.source;
    if let Some(instance) = &source.group_instance {
        return format!("{}/{instance}", source.group);
    }
    let machine = rustix::system::uname();
    let machine = machine.nodename().to_string_lossy();
    format!("{}/{machine}-{}", source.group, std::process::id())
}
