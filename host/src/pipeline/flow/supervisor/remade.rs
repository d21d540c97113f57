//! What a log does not hold any more: records that were deleted before they were read, and a whole topic that was
//! deleted and recreated under its name.

use std::ops::Range;
use std::sync::Arc;

use tokio::time::Instant;

use super::Supervisor;
use crate::pipeline::commit::resume::begin_anew;
use crate::pipeline::flow::lane::{Lane, Successor};
use crate::record::position::Partition;

impl Supervisor {
    pub(super) fn note_deleted(&self, partition: &Arc<Partition>, offsets: &Range<i64>) {
        let count = u64::try_from(offsets.end - offsets.start).unwrap_or(0);
        self.parts.watch.metrics.note_lost(count);
        tracing::error!(%partition, from = offsets.start, to = offsets.end, at_most = count,
            "records were deleted, by the topic's retention or by hand, before they were read; every offset from `from` up to \
             `to`, which is still there, is lost if it was a record's");
    }

    /// The partition's worker settles its records; then the recreated topic begins.
    pub(super) async fn leave(&mut self, successor: Successor) {
        let partition = Arc::clone(&successor.assignment.partition);
        if let Some(lane) = self.lanes.get_mut(&partition) {
            lane.leave_to(successor);
            if lane.has_finished {
                self.make_way(&partition).await;
            }
        }
    }

    /// If a recreated topic waits for the end of this partition's worker, it begins now.
    pub(super) async fn make_way(&mut self, partition: &Arc<Partition>) {
        let lane = self.lanes.get_mut(partition);
        let Some(Successor { assignment, settled }) = lane.and_then(Lane::take_successor) else {
            return;
        };
        let Some(lane) = self.lanes.remove(partition) else {
            return;
        };
        self.rebalanced = Some(Instant::now());
        let commit = assignment.topic.map(|topic| begin_anew(lane.ledger.leave(), topic));
        self.open(assignment, commit, false).await;
        // An error means that the partition has been revoked meanwhile. Then its new worker has nothing to do.
        let _ = settled.send(());
    }
}

/// Warns of records that are lost because their topic was deleted. Otherwise a stopped worker's records are read
/// again.
pub(super) fn warn_of_the_rest(lane: &Lane) {
    if lane.has_successor() {
        tracing::error!(partition = %lane.partition, from = lane.ledger.settled().map(|point| point.0),
            "records of the topic that was deleted had been read from here on and could not be settled in time; they are lost");
    }
}
