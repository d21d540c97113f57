//! The control plane: follows the source's events, keeps a worker for each assigned partition, commits what is settled,
//! drains on revocation and at the end.
//!
//! [`assign`] finds out where an assigned partition goes on and starts its worker, [`keep`] hands what is settled to the
//! progress, and [`remade`] is about a log that has lost records.

mod assign;
mod keep;
mod remade;

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};

use self::assign::Restored;
use self::keep::Committed;
use super::lane::{End, Lane, Successor};
use super::look;
use super::parts::Parts;
use super::status_file::StatusFile;
use crate::failpoint::{self, Point};
use crate::pipeline::trouble::outage::{Severity, Waiter, Waiting};
use crate::pipeline::watch::status::State;
use crate::pipeline::watch::totals::Counts;
use crate::progress::Progress;
use crate::progress::error::ProgressError;
use crate::record::commit::Commit;
use crate::record::position::Partition;
use crate::source::error::SourceError;
use crate::source::{Control, Event, Running, Until};

/// Leaving the group is tried for this long. The brokers also notice by themselves that a member has gone.
const CLOSE: Duration = Duration::from_secs(5);

/// With `Until::End`, a member without partitions waits this long for some before it ends.
const UNASSIGNED: Duration = Duration::from_secs(10);

/// When a halt ends the run, partitions that are well have this long to drain. Those that wait would wait forever.
const HALTED_DRAIN: Duration = Duration::from_secs(2);

/// How often the status is posted and the log ends are asked for: about as often as a person looks.
const LOOK: Duration = Duration::from_secs(1);

/// How a run ended when nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything up to the log ends seen at the start is settled.
    AtEnd,
    /// The run was asked to stop, and drained.
    Stopped,
}

/// Why a pipeline ended before its source did. Records that were not committed are read again by the next run.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error("the source stopped")]
    Source(#[source] SourceError),
    #[error("the source stopped")]
    Progress(#[source] ProgressError),
    #[error("the worker of {partition} failed; its records are not committed and will be read again")]
    Worker {
        partition: Partition,
        #[source]
        cause: JoinError,
    },
    #[error(
        "not drained within {} s: {}; what is not settled is not committed and will be read again",
        .waited.as_secs(), .partitions.join(", ")
    )]
    NotDrained { waited: Duration, partitions: Vec<String> },
    #[error(
        "everything is written, but its offsets could not be committed; a restart reads some records again, which changes no row"
    )]
    NotCommitted(#[source] ProgressError),
    #[error("halted at {0} (--fail-fast); what is not settled is not committed and will be read again")]
    Halted(String),
}

/// How draining some partitions went.
#[derive(Default)]
struct Drained {
    commits: Vec<Commit>,
    /// Partitions that did not drain in time.
    late: Vec<String>,
    failed: Option<PipelineError>,
}

struct Supervisor {
    parts: Arc<Parts>,
    control: Arc<dyn Control>,
    progress: Arc<dyn Progress>,
    lanes: HashMap<Arc<Partition>, Lane>,
    /// How many lanes there were so far.
    assigned: u64,
    /// When partitions last came or went. A new member of a group is first assigned nothing.
    rebalanced: Option<Instant>,
    finished: mpsc::UnboundedSender<(Arc<Partition>, u64)>,
    /// Assignments of which is asked where they go on.
    restoring: JoinSet<Restored>,
    /// What was last kept of each partition, as far as this process knows.
    remembered: HashMap<Arc<Partition>, Commit>,
    committing: Option<JoinHandle<()>>,
    committed: mpsc::UnboundedSender<Committed>,
    /// Another commit is wanted after the one that is under way.
    is_commit_wanted: bool,
    /// The request for the log ends that is under way.
    asking: Option<JoinHandle<()>>,
    source_waiter: Waiter,
    commit_waiter: Waiter,
    status: StatusFile,
    drain_timeout: Duration,
}

/// Runs until everything is settled (`Until::End`), or until `stop` completes and the records in flight have drained.
pub async fn run(
    parts: Arc<Parts>,
    running: Running,
    until: Until,
    stop: impl Future<Output = ()>,
) -> Result<Ended, PipelineError> {
    let (mut events, ports) = (running.events, (running.control, running.progress));
    let (finished, mut finishing) = mpsc::unbounded_channel();
    let (committed, mut committing) = mpsc::unbounded_channel();
    let (outages, fail_fast) = (parts.outages.clone(), parts.config.fail_fast);
    let (mut tick, mut look) = (every(parts.config.commit_interval), every(LOOK));
    let mut supervisor = Supervisor::new(Arc::clone(&parts), ports, finished, committed);
    let mut swaps = parts.plugins.slot.subscribe();
    let mut halted = pin!(outages.halted());
    let mut stop = pin!(stop);
    let mut is_source_done = false;
    let ended = loop {
        let followed = tokio::select! {
            event = events.recv(), if !is_source_done => {
                // The file is read to its end, but its rows are not settled yet.
                is_source_done = event.is_none();
                supervisor.follow(event).await
            }
            Some(restored) = supervisor.restoring.join_next() => supervisor.note_restored(restored).await,
            Some((partition, number)) = finishing.recv() => supervisor.note_finished(&partition, number).await,
            _ = tick.tick() => {
                supervisor.commit();
                Ok(())
            }
            _ = look.tick() => {
                supervisor.ask_log_ends();
                supervisor.tell(None);
                Ok(())
            }
            // A swap is shown at once.
            Ok(()) = swaps.changed() => {
                supervisor.tell(None);
                Ok(())
            }
            () = parts.plugins.slot.commit_wanted() => {
                supervisor.commit();
                Ok(())
            }
            Some(committed) = committing.recv() => {
                supervisor.note_committed(committed);
                Ok(())
            }
            message = &mut halted, if fail_fast => {
                supervisor.drain_timeout = HALTED_DRAIN.min(supervisor.drain_timeout);
                break Err(PipelineError::Halted(message));
            }
            () = &mut stop => break Ok(Ended::Stopped),
        };
        if let Err(error) = followed {
            break Err(error);
        }
        let may_end = is_source_done || (until == Until::End && supervisor.has_read_all());
        if may_end && supervisor.is_settled() {
            break Ok(Ended::AtEnd);
        }
    };
    // Whatever ended the run, what is settled is committed.
    let finished = supervisor.finish(events).await;
    ended.and_then(|ended| finished.map(|()| ended))
}

impl Supervisor {
    fn new(
        parts: Arc<Parts>,
        (control, progress): (Arc<dyn Control>, Arc<dyn Progress>),
        finished: mpsc::UnboundedSender<(Arc<Partition>, u64)>,
        committed: mpsc::UnboundedSender<Committed>,
    ) -> Self {
        Self {
            source_waiter: parts.outages.waiter(Waiting::Source),
            commit_waiter: parts.outages.waiter(Waiting::Commit),
            status: StatusFile::start(parts.config.status_file.clone()),
            drain_timeout: parts.config.drain_timeout,
            control,
            progress,
            lanes: HashMap::new(),
            assigned: 0,
            rebalanced: None,
            finished,
            restoring: JoinSet::new(),
            remembered: HashMap::new(),
            committing: None,
            committed,
            is_commit_wanted: false,
            asking: None,
            parts,
        }
    }

    async fn follow(&mut self, event: Option<Event>) -> Result<(), PipelineError> {
        let Some(event) = event else { return Ok(()) };
        if matches!(
            event,
            Event::Assigned { .. } | Event::Revoked { .. } | Event::Lost { .. }
        ) {
            self.rebalanced = Some(Instant::now());
        }
        match event {
            Event::Assigned { assignments, starts } => self.restore(assignments, starts),
            Event::Records { partition, records } => {
                if let Some(lane) = self.lanes.get(&partition) {
                    lane.send(records);
                }
            }
            Event::End { partition } => {
                if let Some(lane) = self.lanes.get_mut(&partition) {
                    lane.close();
                }
            }
            Event::Passed { partition, from, to } => {
                if let Some(lane) = self.lanes.get(&partition) {
                    lane.ledger.pass(from, to);
                }
            }
            Event::Deleted { partition, offsets } => self.note_deleted(&partition, &offsets),
            Event::Remade { successor, settled } => {
                self.leave(Successor {
                    assignment: successor,
                    settled,
                })
                .await
            }
            Event::Revoked { partitions, answer } => {
                let revoked = self.give_away(&partitions).await;
                // An error means that the source has gone and needs no answer.
                let _ = answer.send(());
                return revoked;
            }
            Event::Lost { partitions } => self.lose(&partitions).await,
            Event::Waiting(error) => self.source_waiter.failed(Severity::Retry, &error),
            Event::Recovered => self.source_waiter.recovered(),
            Event::Skipped { rows } => self.parts.watch.totals.add(&Counts {
                skipped: rows,
                ..Counts::default()
            }),
            Event::Failed(error) => return Err(PipelineError::Source(error)),
        }
        Ok(())
    }

    /// Drains these partitions and keeps their progress, before they go to another member.
    async fn give_away(&mut self, partitions: &[Arc<Partition>]) -> Result<(), PipelineError> {
        failpoint::reached(Point::Revoking);
        let Drained { commits, late, failed } = self.drain(partitions).await;
        self.end_commit(CLOSE).await;
        if !late.is_empty() {
            tracing::warn!(partitions = ?late, "not drained before the revocation, the next member reads on from the commit point");
        }
        failpoint::reached(Point::Revoked);
        self.keep_before_revocation(commits).await;
        failed.map_or(Ok(()), Err)
    }

    /// Stops at once what is done for these partitions.
    async fn lose(&mut self, partitions: &[Arc<Partition>]) {
        let now = Instant::now();
        for partition in partitions {
            if let Some(mut lane) = self.lanes.remove(partition) {
                tracing::warn!(%partition, "lost to another member, or with its topic; nothing is committed for it");
                lane.end(now).await;
            }
        }
        self.end_commit(CLOSE).await;
    }

    /// Whether nothing is in flight of all that is assigned.
    fn is_settled(&self) -> bool {
        self.restoring.is_empty() && self.lanes.values().all(|lane| lane.has_finished)
    }

    /// Whether all lanes have finished. A member without lanes may still be assigned some.
    fn has_read_all(&self) -> bool {
        self.rebalanced
            .is_some_and(|since| !self.lanes.is_empty() || since.elapsed() >= UNASSIGNED)
    }

    /// A worker has ended, because its queue was closed and everything is settled, or because it failed.
    async fn note_finished(&mut self, partition: &Arc<Partition>, number: u64) -> Result<(), PipelineError> {
        match self.lanes.get_mut(partition) {
            Some(lane) if lane.number == number && !lane.has_finished => {
                lane.has_finished = true;
                let ended = lane.end(Instant::now()).await;
                self.make_way(partition).await;
                match ended {
                    End::Failed(cause) => Err(failed(partition, cause)),
                    End::Drained | End::Late => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Lets the workers of these partitions finish their records within the bound, and stops those that are late.
    async fn drain(&mut self, partitions: &[Arc<Partition>]) -> Drained {
        let lanes: Vec<_> = partitions
            .iter()
            .filter_map(|partition| self.lanes.remove(partition))
            .collect();
        let end = Instant::now() + self.drain_timeout;
        let ended = lanes.into_iter().map(|mut lane| async move {
            let ended = if lane.has_finished {
                End::Drained
            } else {
                lane.end(end).await
            };
            (lane, ended)
        });
        let mut drained = Drained::default();
        for (lane, ended) in join_all(ended).await {
            match ended {
                End::Drained => {}
                End::Late => {
                    remade::warn_of_the_rest(&lane);
                    drained.late.push(lane.partition.to_string());
                }
                End::Failed(cause) => drained.failed = drained.failed.or(Some(failed(&lane.partition, cause))),
            }
            drained.commits.extend(lane.ledger.draw_up_last());
        }
        drained
    }

    /// Asks where the logs end, unless the last request has no answer yet. Without an answer the lag stays as it is.
    fn ask_log_ends(&mut self) {
        if self.lanes.is_empty() || self.asking.as_ref().is_some_and(|asking| !asking.is_finished()) {
            return;
        }
        let ledgers: HashMap<_, _> = self
            .lanes
            .iter()
            .map(|(partition, lane)| (Arc::clone(partition), Arc::clone(&lane.ledger)))
            .collect();
        let asked = self.control.log_ends(ledgers.keys().cloned().collect());
        self.asking = Some(tokio::spawn(async move {
            match asked.await {
                Ok(ends) => ends
                    .into_iter()
                    .for_each(|(partition, end)| ledgers[&partition].note_log_end(end)),
                // The source and the commits report that the brokers are away.
                Err(error) => tracing::debug!(%error, "the lag is not known at the moment"),
            }
        }));
    }

    fn tell(&mut self, end: Option<State>) {
        let status = Arc::new(look::status(&self.parts, self.lanes.values(), end));
        self.status.update(&status);
        self.parts.watch.board.post(status);
    }

    /// Takes no more records, drains, commits and leaves. A revocation that comes meanwhile waits until that is done.
    async fn finish(mut self, events: mpsc::UnboundedReceiver<Event>) -> Result<(), PipelineError> {
        self.control.quiet();
        // The source takes a missing answer as the end.
        self.restoring.shutdown().await;
        self.tell(Some(State::Draining));
        let partitions: Vec<_> = self.lanes.keys().cloned().collect();
        let Drained { commits, late, failed } = self.drain(&partitions).await;
        self.end_commit(keep::BOUND).await;
        let committed = self.commit_finally(commits).await;
        if let Some(asking) = self.asking.take() {
            // The request holds the consumer, which leaves the group only when nothing holds it.
            let _ = timeout(CLOSE, asking).await;
        }
        drop(events);
        if timeout(CLOSE, self.control.close()).await.is_err() {
            tracing::warn!("the source does not close, left to itself");
        }
        self.tell(Some(State::Ended));
        if let Some(failed) = failed {
            return Err(failed);
        }
        if !late.is_empty() {
            return Err(PipelineError::NotDrained {
                waited: self.drain_timeout,
                partitions: late,
            });
        }
        committed.map_err(PipelineError::NotCommitted)
    }
}

/// An interval whose late ticks do not pile up.
fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn failed(partition: &Arc<Partition>, cause: JoinError) -> PipelineError {
    PipelineError::Worker {
        partition: Partition::clone(partition),
        cause,
    }
}
