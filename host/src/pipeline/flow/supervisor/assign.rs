//! Partitions that are assigned: where each goes on, and its worker.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinError;
use tokio::time::{Instant, sleep};

use super::{PipelineError, Supervisor};
use crate::pipeline::commit::resume::resume;
use crate::pipeline::flow::lane::{Beginning, Lane};
use crate::pipeline::trouble::fault::{Disposition, Fault, disposition};
use crate::pipeline::trouble::outage::{Severity, Waiter, Waiting};
use crate::progress::error::ProgressError;
use crate::progress::{AssignedPartition, Progress};
use crate::record::commit::Commit;
use crate::source::{Assignment, ReadFrom};

/// The progress is asked again after this pause: a group's coordinator may be moving, or all brokers be away. A group
/// waits for the answer, so that the pause does not grow.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// What is kept of the partitions of one assignment.
pub(super) struct Restored {
    assignments: Vec<Assignment>,
    starts: oneshot::Sender<Vec<ReadFrom>>,
    kept: Result<Vec<Option<Commit>>, ProgressError>,
}

impl Supervisor {
    /// Asks where these partitions go on. Meanwhile the others do.
    pub(super) fn restore(&mut self, assignments: Vec<Assignment>, starts: oneshot::Sender<Vec<ReadFrom>>) {
        let progress = Arc::clone(&self.progress);
        let waiter = self.parts.outages.waiter(Waiting::Source);
        self.restoring.spawn(async move {
            let kept = ask(progress.as_ref(), &assignments, waiter).await;
            Restored {
                assignments,
                starts,
                kept,
            }
        });
    }

    /// Starts the workers of these partitions, and has the source begin. Position and base of the write timestamps come
    /// from one commit, so that they belong together.
    pub(super) async fn note_restored(&mut self, restored: Result<Restored, JoinError>) -> Result<(), PipelineError> {
        let Restored {
            assignments,
            starts,
            kept,
        } = restored.map_err(|error| PipelineError::Progress(ProgressError::aborted(error)))?;
        // Without the base of the write timestamps, rows could be written as older than they are.
        let kept = kept.map_err(PipelineError::Progress)?;
        self.rebalanced = Some(Instant::now());
        let mut answer = Vec::with_capacity(assignments.len());
        for (assignment, kept) in assignments.into_iter().zip(kept) {
            let remembered = self.remembered.get(&assignment.partition);
            let (topic, commit) = resume(assignment.topic, kept.clone(), remembered);
            let is_kept = commit == kept;
            if let Some(commit) = &commit {
                self.remember([commit.clone()]);
            }
            answer.push(ReadFrom {
                point: commit.as_ref().map(|commit| commit.point),
                topic,
            });
            let assignment = Assignment { topic, ..assignment };
            self.open(assignment, commit, is_kept).await;
        }
        // An error means that the source has gone, or that the partitions are not assigned any more.
        let _ = starts.send(answer);
        Ok(())
    }

    /// Starts the worker of a partition.
    pub(super) async fn open(&mut self, assignment: Assignment, commit: Option<Commit>, is_kept: bool) {
        self.assigned += 1;
        let beginning = Beginning {
            assignment,
            commit,
            is_kept,
            naming: self.progress.naming(),
        };
        let lane = Lane::start(
            self.assigned,
            beginning,
            &self.parts,
            &self.control,
            self.finished.clone(),
        );
        if let Some(mut earlier) = self.lanes.insert(Arc::clone(&lane.partition), lane) {
            // A source revokes before it assigns again; two workers of one partition must never run side by side.
            earlier.end(Instant::now()).await;
        }
    }
}

/// Asks until there is an answer, unless no later one will be another one.
async fn ask(
    progress: &dyn Progress,
    assignments: &[Assignment],
    mut waiter: Waiter,
) -> Result<Vec<Option<Commit>>, ProgressError> {
    let known = assignments.iter().map(|assignment| AssignedPartition {
        partition: Arc::clone(&assignment.partition),
        topic: assignment.topic,
    });
    let known: Vec<_> = known.collect();
    loop {
        let error = match progress.restore(known.clone()).await {
            Ok(kept) => {
                waiter.recovered();
                return Ok(kept);
            }
            Err(error) => error,
        };
        if disposition(Fault::Progress(&error)) != Disposition::Retry {
            return Err(error);
        }
        waiter.failed(Severity::Retry, &error);
        sleep(ASK_AGAIN).await;
    }
}
