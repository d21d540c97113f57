//! The commit point of one partition while several batches are in flight: it moves over a batch only when that batch
//! and every one before it is settled.

use std::collections::VecDeque;

use crate::record::position::{CommitPoint, WriteTime};
use crate::record::trail::{Fence, Writers};

/// Batches that were begun, oldest first.
#[derive(Debug, Default)]
pub struct OffsetTracker {
    in_flight: VecDeque<InFlight>,
    /// Number of the batch at the front of `in_flight`.
    first: u64,
    settled: Option<Settled>,
}

/// Everything before `point` is settled; `base` is the write-timestamp base of the last record before it, `fence` the
/// plugin that took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    pub point: CommitPoint,
    pub base: WriteTime,
    pub fence: Fence,
}

/// Names a batch until it is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

#[derive(Debug)]
struct InFlight {
    end: Settled,
    is_settled: bool,
}

impl OffsetTracker {
    /// Notes that a batch which ends at `end` has begun. Batches must begin in the order of their offsets.
    pub fn begin(&mut self, end: Settled) -> Ticket {
        let ticket = Ticket(self.first + self.in_flight.len() as u64);
        self.in_flight.push_back(InFlight { end, is_settled: false });
        ticket
    }

    /// Notes that every record of the batch is settled.
    pub fn settle(&mut self, ticket: Ticket) {
        let place = ticket
            .0
            .checked_sub(self.first)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(batch) = place.and_then(|place| self.in_flight.get_mut(place)) {
            batch.is_settled = true;
        }
        while let Some(batch) = self.in_flight.pop_front_if(|batch| batch.is_settled) {
            self.settled = Some(batch.end);
            self.first += 1;
        }
    }

    /// The plugins of the batches that are not settled.
    pub fn writers(&self) -> Writers {
        let digests = self.in_flight.iter().map(|batch| batch.end.fence.digest);
        digests.fold(Writers::Nobody, |writers, digest| writers.and(Writers::One(digest)))
    }

    /// The end of the last batch that was begun.
    pub fn newest(&self) -> Option<Settled> {
        self.in_flight.back().map(|batch| batch.end).or(self.settled)
    }

    /// How far everything is settled: `None` until the first batch is settled.
    pub fn settled(&self) -> Option<Settled> {
        self.settled
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::descriptor::Digest;
    use crate::record::position::Offset;

    fn end(point: i64) -> Settled {
        Settled {
            point: CommitPoint(point),
            base: WriteTime(point * 16),
            fence: Fence {
                digest: Digest([0; 32]),
                from: Offset(0),
            },
        }
    }

    #[test]
    fn does_not_move_over_a_batch_in_flight() {
        let mut tracker = OffsetTracker::default();
        let first = tracker.begin(end(10));
        let second = tracker.begin(end(20));
        tracker.settle(second);
        assert_eq!(tracker.settled(), None);
        tracker.settle(first);
        assert_eq!(tracker.settled(), Some(end(20)));
        tracker.settle(first);
        assert_eq!(
            tracker.settled(),
            Some(end(20)),
            "a ticket settled twice changes nothing"
        );
    }

    proptest! {
        /// In whatever order batches settle, the commit point is the end of the longest settled prefix.
        #[test]
        fn commit_point_is_the_longest_settled_prefix(order in Just((0..40usize).collect::<Vec<_>>()).prop_shuffle(), cut in 0..40usize) {
            let mut tracker = OffsetTracker::default();
            let tickets: Vec<_> = (0..40).map(|n| tracker.begin(end(n + 1))).collect();
            let done = &order[..cut];
            for &n in done {
                tracker.settle(tickets[n]);
            }
            let prefix = (0..40).take_while(|n| done.contains(n)).count();
            let expected = (prefix > 0).then(|| end(i64::try_from(prefix).expect("small")));
            prop_assert_eq!(tracker.settled(), expected);
        }
    }
}
