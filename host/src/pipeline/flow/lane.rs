//! A partition that is assigned to this member, and the worker that handles it.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout_at};

use super::parts::Parts;
use super::worker::Worker;
use crate::pipeline::commit::ledger::Ledger;
use crate::pipeline::commit::write_time::WriteClock;
use crate::progress::Naming;
use crate::record::Record;
use crate::record::commit::Commit;
use crate::record::position::Partition;
use crate::source::{Assignment, Control};

/// One assigned partition, with its queue and its worker.
pub struct Lane {
    /// Tells this assignment from an earlier one of the same partition.
    pub number: u64,
    pub partition: Arc<Partition>,
    pub has_finished: bool,
    pub ledger: Arc<Ledger>,
    /// `None` when no more records come.
    queue: Option<mpsc::UnboundedSender<Vec<Record>>>,
    worker: JoinHandle<Result<(), JoinError>>,
    /// Tells the worker that no commit will name a plugin any more.
    draining: watch::Sender<bool>,
    /// The worker stops when this is used or dropped.
    cancel: Option<oneshot::Sender<()>>,
    /// Waits for the end of this lane to begin a recreated topic of this name.
    successor: Option<Successor>,
}

/// Where a lane begins.
pub struct Beginning {
    /// With the topic that is read.
    pub assignment: Assignment,
    /// What it goes on from.
    pub commit: Option<Commit>,
    /// Whether the progress has this commit. It may have forgotten it with a topic that was deleted.
    pub is_kept: bool,
    pub naming: Naming,
}

/// A recreated topic's partition that waits for the end of the one before.
pub struct Successor {
    pub assignment: Assignment,
    /// Used when everything before it is settled.
    pub settled: oneshot::Sender<()>,
}

/// How a lane ended.
#[derive(Debug)]
pub enum End {
    /// All that came is settled.
    Drained,
    /// It did not drain in time. What was in flight is given up, and nothing of it is begun any more.
    Late,
    /// The worker failed, which is a bug in this program.
    Failed(JoinError),
}

impl Lane {
    /// Starts the worker, which says through `finished` when it has ended.
    pub fn start(
        number: u64,
        beginning: Beginning,
        parts: &Arc<Parts>,
        control: &Arc<dyn Control>,
        finished: mpsc::UnboundedSender<(Arc<Partition>, u64)>,
    ) -> Self {
        let Beginning {
            assignment,
            commit,
            is_kept,
            naming,
        } = beginning;
        let Assignment {
            partition,
            topic,
            gauge,
        } = assignment;
        let (queue, receiver) = mpsc::unbounded_channel();
        let (cancel, cancelled) = oneshot::channel();
        let (draining, is_draining) = watch::channel(false);
        let base = commit.as_ref().and_then(|commit| commit.base);
        tracing::debug!(%partition, from = ?commit.as_ref().map(|commit| commit.point), "assigned");
        let ledger = Arc::new(Ledger::open(Arc::clone(&partition), topic, commit, naming, is_kept));
        let worker = Worker {
            parts: Arc::clone(parts),
            gauge,
            control: Arc::clone(control),
            ledger: Arc::clone(&ledger),
            clock: WriteClock::new(base, parts.config.generation),
            queue: receiver,
            is_draining,
        };
        let task = tokio::spawn(worker.run(cancelled));
        let name = Arc::clone(&partition);
        let worker = tokio::spawn(async move {
            let result = task.await;
            // An error means that the supervisor has gone and needs no answer.
            let _ = finished.send((name, number));
            result
        });
        Self {
            number,
            partition,
            has_finished: false,
            ledger,
            queue: Some(queue),
            worker,
            draining,
            cancel: Some(cancel),
            successor: None,
        }
    }

    /// Hands records to the worker.
    pub fn send(&self, records: Vec<Record>) {
        if let Some(queue) = &self.queue {
            // An error means that the worker has failed, and the supervisor is told of that.
            let _ = queue.send(records);
        }
    }

    /// Tells the worker that no more records come.
    pub fn close(&mut self) {
        self.queue = None;
    }

    /// No more records of this topic come. The ones that came are settled, however long that takes, since they exist
    /// nowhere else.
    pub fn leave_to(&mut self, successor: Successor) {
        self.close();
        self.successor = Some(successor);
    }

    /// Whether a recreated topic of this name waits for the end of this lane.
    pub fn has_successor(&self) -> bool {
        self.successor.is_some()
    }

    /// What waits for the end of this lane, taken.
    pub fn take_successor(&mut self) -> Option<Successor> {
        self.successor.take()
    }

    /// Waits for the worker until `end` at the latest, and then stops it. When this returns, the worker does nothing
    /// more.
    pub async fn end(&mut self, end: Instant) -> End {
        self.close();
        self.draining.send_replace(true);
        if let Ok(result) = timeout_at(end, &mut self.worker).await {
            return result
                .and_then(|inner| inner)
                .map_or_else(End::Failed, |()| End::Drained);
        }
        self.cancel = None;
        match (&mut self.worker).await.and_then(|inner| inner) {
            Ok(()) => End::Late,
            Err(error) => End::Failed(error),
        }
    }
}
