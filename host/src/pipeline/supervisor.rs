//! The control plane: follows the source's events, keeps a worker for each assigned partition, commits what is settled,
//! drains on revocation and at the end.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinHandle};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use crate::record::Record;
use crate::record::position::{CommitPoint, Partition};
use crate::source::{Assignment, Commit, Control, Event, Running, SourceError, Until};

use super::Parts;
use super::outage::{Severity, Waiter, Waiting};
use super::totals::Counts;
use super::worker::{SharedTracker, Worker};
use super::write_time::WriteClock;

/// The last commit is tried this long: the brokers may be electing a leader.
const FINAL_COMMIT: Duration = Duration::from_secs(10);

/// Leaving the group is tried this long; the brokers notice a member that has gone by themselves.
const CLOSE: Duration = Duration::from_secs(5);

/// Asked to run to the end, a member without partitions waits this long for some before it has nothing to do.
const UNASSIGNED: Duration = Duration::from_secs(10);

/// How a run ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything up to the log ends seen at the start is settled.
    AtEnd,
    /// It was asked to stop, and drained.
    Stopped,
}

#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error("the source stopped")]
    Source(#[source] SourceError),
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
    NotCommitted(#[source] SourceError),
}

/// A partition and its worker.
struct Lane {
    /// Tells this assignment from an earlier one of the same partition.
    number: u64,
    partition: Arc<Partition>,
    /// `None` when no more records come.
    queue: Option<mpsc::UnboundedSender<Vec<Record>>>,
    tracker: SharedTracker,
    committed: Option<CommitPoint>,
    worker: JoinHandle<Result<(), JoinError>>,
    abort: AbortHandle,
    has_finished: bool,
}

/// What was to be committed, and how it went.
type Committed = (Vec<Commit>, Result<(), SourceError>);

/// What draining some partitions came to.
#[derive(Default)]
struct Drained {
    commits: Vec<Commit>,
    /// Partitions that were not done in time.
    late: Vec<String>,
    failed: Option<PipelineError>,
}

struct Supervisor {
    parts: Arc<Parts>,
    control: Arc<dyn Control>,
    lanes: HashMap<Arc<Partition>, Lane>,
    /// Lanes so far.
    assigned: u64,
    finished: mpsc::UnboundedSender<(Arc<Partition>, u64)>,
    committing: Option<JoinHandle<Committed>>,
    source_waiter: Waiter,
    commit_waiter: Waiter,
}

/// Runs until everything is settled (`Until::End`), or until `stop` completes and what is in flight has drained.
pub async fn run(
    parts: Arc<Parts>,
    running: Running,
    until: Until,
    stop: impl Future<Output = ()>,
) -> Result<Ended, PipelineError> {
    let Running { mut events, control } = running;
    let (finished, mut finishing) = mpsc::unbounded_channel();
    let commit_interval = parts.config.commit_interval;
    let source_waiter = parts.outages.waiter(Waiting::Source);
    let commit_waiter = parts.outages.waiter(Waiting::Commit);
    let mut supervisor = Supervisor {
        parts,
        control,
        lanes: HashMap::new(),
        assigned: 0,
        finished,
        committing: None,
        source_waiter,
        commit_waiter,
    };
    let mut tick = interval(commit_interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = pin!(stop);
    let mut is_source_done = false;
    // Since when this member has had nothing to read; a new member of a group is first assigned nothing.
    let mut idle_since = None;
    let ended = loop {
        let followed = tokio::select! {
            event = events.recv(), if !is_source_done => {
                if let Some(event) = event {
                    if matches!(event, Event::Assigned(_) | Event::Revoked { .. } | Event::Lost { .. }) {
                        idle_since = Some(Instant::now());
                    }
                    supervisor.follow(event).await
                } else {
                    // A file is read; its rows are not settled yet.
                    is_source_done = true;
                    Ok(())
                }
            }
            Some((partition, number)) = finishing.recv() => supervisor.note_finished(&partition, number).await,
            _ = tick.tick() => {
                supervisor.commit().await;
                Ok(())
            }
            () = &mut stop => break Ok(Ended::Stopped),
        };
        if let Err(error) = followed {
            break Err(error);
        }
        let is_settled = supervisor.lanes.values().all(|lane| lane.has_finished);
        let is_at_end = until == Until::End
            && idle_since.is_some_and(|since| !supervisor.lanes.is_empty() || since.elapsed() >= UNASSIGNED);
        if is_settled && (is_at_end || is_source_done) {
            break Ok(Ended::AtEnd);
        }
    };
    // What is settled is committed, whatever ended the run.
    let finished = supervisor.finish(events).await;
    let ended = ended?;
    finished?;
    Ok(ended)
}

impl Supervisor {
    async fn follow(&mut self, event: Event) -> Result<(), PipelineError> {
        match event {
            Event::Assigned(assignments) => assignments.into_iter().for_each(|assignment| self.assign(assignment)),
            Event::Records { partition, records } => {
                if let Some(queue) = self.lanes.get(&partition).and_then(|lane| lane.queue.as_ref()) {
                    // The worker has gone only if it failed, which `note_finished` reports.
                    let _ = queue.send(records);
                }
            }
            Event::End { partition } => {
                if let Some(lane) = self.lanes.get_mut(&partition) {
                    lane.queue = None;
                }
            }
            Event::Revoked { partitions, answer } => {
                let Drained { commits, late, failed } = self.drain(&partitions).await;
                if let Some(committing) = self.committing.take() {
                    // An older commit must not come after the one of the revocation.
                    let _ = timeout(CLOSE, committing).await;
                }
                if !late.is_empty() {
                    tracing::warn!(partitions = ?late, "not drained before the revocation, the next member reads on from the commit point");
                }
                // The source has gone: then nobody can commit any more.
                let _ = answer.send(commits);
                return failed.map_or(Ok(()), Err);
            }
            Event::Lost { partitions } => {
                for partition in &partitions {
                    if let Some(lane) = self.lanes.remove(partition) {
                        lane.abort.abort();
                        tracing::warn!(%partition, "lost to another member, nothing is committed for it");
                    }
                }
            }
            Event::Waiting(error) => self.source_waiter.failed(Severity::Retry, &error),
            Event::Recovered => self.source_waiter.recovered(),
            Event::Skipped { rows } => self.parts.totals.add(&Counts {
                skipped: rows,
                ..Counts::default()
            }),
            Event::Failed(error) => return Err(PipelineError::Source(error)),
        }
        Ok(())
    }

    fn assign(&mut self, assignment: Assignment) {
        let Assignment {
            partition,
            committed,
            gauge,
        } = assignment;
        let (queue, receiver) = mpsc::unbounded_channel();
        let tracker = SharedTracker::default();
        let base = committed.as_ref().and_then(|commit| commit.base);
        let worker = Worker {
            parts: Arc::clone(&self.parts),
            gauge,
            tracker: Arc::clone(&tracker),
            clock: WriteClock::new(base, self.parts.config.generation),
            queue: receiver,
        };
        tracing::debug!(%partition, from = ?committed.as_ref().map(|commit| commit.point), "assigned");
        let task = tokio::spawn(worker.run());
        let abort = task.abort_handle();
        self.assigned += 1;
        let number = self.assigned;
        let (finished, name) = (self.finished.clone(), Arc::clone(&partition));
        let worker = tokio::spawn(async move {
            let result = task.await;
            // The supervisor has gone: nobody wants to know.
            let _ = finished.send((name, number));
            result
        });
        let committed = committed.map(|commit| commit.point);
        let lane = Lane {
            number,
            partition: Arc::clone(&partition),
            queue: Some(queue),
            tracker,
            committed,
            worker,
            abort,
            has_finished: false,
        };
        self.lanes.insert(partition, lane);
    }

    /// A worker has ended: because its queue was closed and all is settled, or because it failed.
    async fn note_finished(&mut self, partition: &Arc<Partition>, number: u64) -> Result<(), PipelineError> {
        match self.lanes.get_mut(partition) {
            Some(lane) if lane.number == number && !lane.has_finished => {
                lane.has_finished = true;
                check(&lane.partition, (&mut lane.worker).await)
            }
            _ => Ok(()),
        }
    }

    /// Lets the workers of these partitions finish what they have, within the bound; what is late is aborted.
    async fn drain(&mut self, partitions: &[Arc<Partition>]) -> Drained {
        let mut lanes: Vec<_> = partitions
            .iter()
            .filter_map(|partition| self.lanes.remove(partition))
            .collect();
        for lane in &mut lanes {
            lane.queue = None;
        }
        let end = Instant::now() + self.parts.config.drain_timeout;
        let mut drained = Drained::default();
        for mut lane in lanes {
            if !lane.has_finished {
                if let Ok(result) = timeout_at(end, &mut lane.worker).await {
                    drained.failed = drained.failed.or(check(&lane.partition, result).err());
                } else {
                    lane.abort.abort();
                    // Aborted tasks end at their next await; only then is it sure that nothing more is written.
                    let _ = lane.worker.await;
                    drained.late.push(lane.partition.to_string());
                }
            }
            drained.commits.extend(settled(&lane.partition, &lane.tracker));
        }
        drained
    }

    /// Begins a commit of what was settled since the last one, unless one is under way.
    async fn commit(&mut self) {
        if let Some(committing) = self.committing.take_if(|committing| committing.is_finished())
            && let Ok((commits, result)) = committing.await
        {
            self.note_committed(&commits, result);
        }
        let commits: Vec<_> = self
            .lanes
            .values()
            .filter_map(|lane| {
                settled(&lane.partition, &lane.tracker).filter(|commit| lane.committed != Some(commit.point))
            })
            .collect();
        if self.committing.is_none() && !commits.is_empty() {
            let committed = self.control.commit(commits.clone());
            self.committing = Some(tokio::spawn(async move { (commits, committed.await) }));
        }
    }

    fn note_committed(&mut self, commits: &[Commit], result: Result<(), SourceError>) {
        if let Err(error) = result {
            self.commit_waiter.failed(Severity::Retry, &error);
            return;
        }
        self.commit_waiter.recovered();
        for commit in commits {
            if let Some(lane) = self.lanes.get_mut(&commit.partition) {
                lane.committed = Some(commit.point);
            }
        }
    }

    /// Takes no more records, drains, commits, leaves. A revocation meanwhile waits until that is done.
    async fn finish(mut self, events: mpsc::UnboundedReceiver<Event>) -> Result<(), PipelineError> {
        self.control.quiet();
        let partitions: Vec<_> = self.lanes.keys().cloned().collect();
        let Drained { commits, late, failed } = self.drain(&partitions).await;
        if let Some(committing) = self.committing.take() {
            // An older commit must not come after the last one.
            let _ = timeout(FINAL_COMMIT, committing).await;
        }
        let committed = self.commit_finally(commits).await;
        drop(events);
        if timeout(CLOSE, self.control.close()).await.is_err() {
            tracing::warn!("the source does not close, left to itself");
        }
        if let Some(failed) = failed {
            return Err(failed);
        }
        if !late.is_empty() {
            return Err(PipelineError::NotDrained {
                waited: self.parts.config.drain_timeout,
                partitions: late,
            });
        }
        committed.map_err(PipelineError::NotCommitted)
    }

    async fn commit_finally(&self, commits: Vec<Commit>) -> Result<(), SourceError> {
        if commits.is_empty() {
            return Ok(());
        }
        let end = Instant::now() + FINAL_COMMIT;
        loop {
            match timeout_at(end, self.control.commit(commits.clone())).await {
                Ok(Err(_)) if Instant::now() < end => tokio::time::sleep(Duration::from_millis(500)).await,
                Ok(result) => return result,
                Err(_) => return Err(SourceError::CommitTimedOut),
            }
        }
    }
}

fn settled(partition: &Arc<Partition>, tracker: &SharedTracker) -> Option<Commit> {
    let settled = tracker.lock().unwrap_or_else(PoisonError::into_inner).settled()?;
    Some(Commit {
        partition: Arc::clone(partition),
        point: settled.point,
        base: Some(settled.base),
    })
}

fn check(partition: &Arc<Partition>, result: Result<Result<(), JoinError>, JoinError>) -> Result<(), PipelineError> {
    match result.and_then(|inner| inner) {
        Ok(()) => Ok(()),
        Err(cause) => Err(PipelineError::Worker {
            partition: Partition::clone(partition),
            cause,
        }),
    }
}
