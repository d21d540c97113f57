//! Progress in Kafka: offsets committed in the group that reads, through the member that reads.
//!
//! A group that has committed nothing begins here: with `latest` at the current log ends, for the whole topic at once. The
//! ends of all partitions are committed in one request before anything is read. From then on the group has begun: a
//! partition without a commit point is one that was added later, and any member reads it from its beginning. Members that
//! join at the same time may each find that nothing is committed. Then the group begins at the later of their moments, which
//! are some milliseconds apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;

use super::error::{ProgressError, ProgressFault};
use super::{AssignedPartition, Naming, Progress};
use crate::kafka::error::{Cause, ClientError};
use crate::kafka::member::{Group, Listener, Member, WeakMember};
use crate::record::commit::Commit;
use crate::record::position::Partition;

/// How long one question for the committed offsets may take.
const COMMITTED_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a group begins that has committed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Earliest,
    Latest,
}

/// Commits in the group of a member. It does not keep the member alive: one that was closed has left the group, and what
/// would have been committed is read again.
pub struct KafkaProgress<L: Listener> {
    member: WeakMember<L>,
    start: Start,
    /// Whether the group is known to have committed something of the topic.
    has_begun: Arc<AtomicBool>,
}

impl<L: Listener> KafkaProgress<L> {
    /// `start` is where a new group begins.
    pub fn new(member: &Member<L>, start: Start) -> Self {
        Self {
            member: member.downgrade(),
            start,
            has_begun: Arc::default(),
        }
    }

    /// Asks the brokers on a thread that may block; `closed` is the answer of a member that has left.
    fn ask<T: Send + 'static>(
        &self,
        closed: T,
        question: impl FnOnce(&Group<'_, L>) -> Result<T, ProgressError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, ProgressError>> {
        let member = self.member.upgrade();
        Box::pin(async move {
            let Some(member) = member else { return Ok(closed) };
            let asking = tokio::task::spawn_blocking(move || question(&member.group()));
            asking.await.map_err(ProgressError::aborted)?
        })
    }
}

impl<L: Listener> Progress for KafkaProgress<L> {
    /// Other members of the group may go on where this one has stopped.
    fn naming(&self) -> Naming {
        Naming::Needed
    }

    fn restore(&self, of: Vec<AssignedPartition>) -> BoxFuture<'static, Result<Vec<Option<Commit>>, ProgressError>> {
        let (start, has_begun) = (self.start, Arc::clone(&self.has_begun));
        self.ask(vec![None; of.len()], move |group| {
            restore(group, &of, start, &has_begun).map_err(committed_failure)
        })
    }

    fn keep(&self, commits: Vec<Commit>) -> BoxFuture<'static, Result<(), ProgressError>> {
        self.ask((), move |group| {
            let committed = group.commit(&commits);
            committed.map_err(|cause| ProgressError::new(ProgressFault::Away, ClientError::Commit(cause)))
        })
    }
}

fn committed_failure(cause: Cause) -> ProgressError {
    let fault = if cause.is_refusal() {
        ProgressFault::Forbidden
    } else {
        ProgressFault::Away
    };
    ProgressError::new(fault, ClientError::Committed(cause))
}

/// What is committed for each of these partitions. A group that has committed nothing of the topic yet begins here.
fn restore<L: Listener>(
    group: &Group<'_, L>,
    of: &[AssignedPartition],
    start: Start,
    has_begun: &AtomicBool,
) -> Result<Vec<Option<Commit>>, Cause> {
    let partitions: Vec<Arc<Partition>> = of.iter().map(|known| Arc::clone(&known.partition)).collect();
    let mut starts = group.committed(&partitions, COMMITTED_TIMEOUT)?;
    let has_committed = starts.iter().any(Option::is_some);
    let has_begun_before = has_begun.fetch_or(has_committed, Ordering::Relaxed) || has_committed;
    if let Some(AssignedPartition { partition, topic }) = of.first()
        && start == Start::Latest
        && !has_begun_before
    {
        let mut commits = group.begin_at_ends(&partition.topic, *topic, COMMITTED_TIMEOUT)?;
        has_begun.store(true, Ordering::Relaxed);
        for (partition, start) in partitions.iter().zip(&mut starts) {
            let place = commits.iter().position(|commit| commit.partition == *partition);
            *start = place.map(|place| commits.swap_remove(place));
        }
    }
    Ok(starts)
}
