//! Follows how far one partition is read, and which offsets had no record. It distinguishes records that were deleted
//! before they were read from offsets without one (marks of transactions, aborted or compacted records).
//!
//! If the next record was deleted, librdkafka continues with the oldest one that is left and reports nothing. But each
//! answer of a broker has the log's start. If a start was seen among the offsets that were jumped over, those before it
//! are lost, since they could not be read any more. The start is looked at when offsets are jumped over, and a few
//! times a second.

use std::ops::Range;

use crate::record::position::CommitPoint;

/// So many log starts are remembered; beyond them the oldest are forgotten. Retention moves a start every few minutes,
/// and only starts ahead of what is read are kept.
const STARTS: usize = 16;

/// How far a partition is read, and which log starts were seen beyond that.
#[derive(Debug, Default)]
pub struct PartitionPlace {
    /// The offset after the last record, or else the one at which reading began. `None` means that it began with the
    /// oldest record.
    behind: Option<i64>,
    /// The next record has this offset or a higher one.
    next: Option<i64>,
    /// The log starts that were seen beyond `next`, in rising order.
    starts: Vec<i64>,
    /// Whether a record or the log's end has come. Only then is the start that librdkafka knows of this reading.
    has_heard: bool,
}

/// How a record's offset follows the one before.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    On,
    /// It follows offsets that were deleted before they were read.
    Over(Range<i64>),
    /// It is before the expected offset, so the log is shorter than what was read of it.
    Back {
        expected: i64,
    },
}

/// The offsets after the last record, when no more records have come.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rest {
    pub deleted: Option<Range<i64>>,
    /// There is no record between these two.
    pub passed: Option<(Option<CommitPoint>, CommitPoint)>,
}

impl PartitionPlace {
    /// Reading begins at this offset; `None` if it begins with the oldest record there is.
    pub fn at(from: Option<CommitPoint>) -> Self {
        let from = from.map(|from| from.0);
        Self {
            behind: from,
            next: from,
            ..Self::default()
        }
    }

    /// The lowest offset that the next record can have.
    pub fn next(&self) -> Option<i64> {
        self.next
    }

    /// Notes that the log's end was reached.
    pub fn hear(&mut self) {
        self.has_heard = true;
    }

    /// Notes a record. `log_start` is asked only if offsets before it had no record.
    pub fn advance(&mut self, offset: i64, log_start: impl FnOnce() -> Option<i64>) -> Step {
        self.has_heard = true;
        let expected = self.next.unwrap_or(offset);
        let mut step = Step::On;
        if offset > expected {
            self.note_start(log_start());
            let lost = self.starts.iter().rev().find(|start| **start <= offset);
            if let Some(end) = lost {
                step = Step::Over(expected..*end);
            }
        } else if offset < expected {
            self.starts.clear();
            step = Step::Back { expected };
        }
        let next = offset + 1;
        self.starts.retain(|start| *start > next);
        self.behind = Some(next);
        self.next = Some(next);
        step
    }

    /// Notes where the log starts.
    pub fn note_start(&mut self, start: Option<i64>) {
        let is_ahead = |start: &i64| self.has_heard && self.next.is_some_and(|next| *start > next);
        if let Some(start) = start.filter(is_ahead)
            && self.starts.last().is_none_or(|last| start > *last)
        {
            if self.starts.len() == STARTS {
                self.starts.remove(0);
            }
            self.starts.push(start);
        }
    }

    /// Notes that everything fetched is taken, that the client's position is `position`, and that the log starts at
    /// `start`.
    pub fn rest(&mut self, position: Option<i64>, start: Option<i64>) -> Rest {
        let mut rest = Rest::default();
        if !self.has_heard {
            return rest;
        }
        let before = self.next;
        if let Some(position) = position.filter(|position| self.next.is_none_or(|next| *position > next)) {
            self.next = Some(position);
        }
        if let Some(start) = start.filter(|start| self.next.is_none_or(|next| *start > next)) {
            rest.deleted = self.next.map(|next| next..start);
            self.next = Some(start);
        }
        if let Some(next) = self.next.filter(|next| before != Some(*next)) {
            self.starts.retain(|start| *start > next);
            rest.passed = Some((self.behind.map(CommitPoint), CommitPoint(next)));
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(offset: i64) -> PartitionPlace {
        PartitionPlace::at(Some(CommitPoint(offset)))
    }

    fn never() -> Option<i64> {
        panic!("not asked where no offset is passed over")
    }

    #[test]
    fn a_jump_over_a_log_start_is_a_loss_and_any_other_is_none() {
        let mut place = from(5);
        assert_eq!(place.advance(5, never), Step::On);
        assert_eq!(place.advance(9, || Some(0)), Step::On, "compacted");
        assert_eq!(
            place.advance(20, || Some(10)),
            Step::On,
            "the start is where it was to go on"
        );
        assert_eq!(place.advance(40, || Some(35)), Step::Over(21..35));
        assert_eq!(place.advance(41, never), Step::On);
    }

    #[test]
    fn what_was_fetched_before_the_log_start_moved_is_no_loss() {
        let mut place = from(0);
        assert_eq!(place.advance(0, never), Step::On);
        place.note_start(Some(5000));
        assert_eq!(place.advance(2, || Some(5000)), Step::On, "a transaction's mark");
        assert_eq!(place.advance(3, never), Step::On);
        place.note_start(Some(9000));
        assert_eq!(
            place.advance(5000, || Some(9000)),
            Step::Over(4..5000),
            "the start moves on"
        );
        assert_eq!(place.advance(9000, || Some(9000)), Step::Over(5001..9000));
    }

    #[test]
    fn where_reading_began_nowhere_nothing_is_missed() {
        let mut place = PartitionPlace::at(None);
        assert_eq!(place.advance(700, never), Step::On);
        assert_eq!(place.next(), Some(701));
    }

    #[test]
    fn a_record_before_the_expected_one_is_said_and_read_on_from() {
        let mut place = from(100);
        assert_eq!(place.advance(0, never), Step::Back { expected: 100 });
        assert_eq!(place.advance(1, never), Step::On);
    }

    #[test]
    fn at_rest_the_clients_position_is_passed_to_and_a_log_start_beyond_it_is_a_loss() {
        let passed = |from: i64, to: i64| Some((Some(CommitPoint(from)), CommitPoint(to)));
        let mut place = from(3);
        assert_eq!(place.rest(Some(9), Some(9)), Rest::default(), "nothing was heard yet");
        place.hear();
        let marks = place.rest(Some(5), Some(0));
        assert_eq!((marks.deleted, marks.passed), (None, passed(3, 5)));
        assert_eq!(
            place.rest(Some(5), Some(5)),
            Rest::default(),
            "said already, and nothing of it is lost"
        );
        let deleted = place.rest(Some(5), Some(30));
        assert_eq!((deleted.deleted, deleted.passed), (Some(5..30), passed(3, 30)));
        assert_eq!(place.advance(30, never), Step::On);
        assert_eq!(place.rest(None, Some(30)), Rest::default());
    }

    #[test]
    fn the_end_of_a_log_without_a_record_is_a_position() {
        let mut place = PartitionPlace::at(None);
        place.hear();
        let rest = place.rest(None, Some(40));
        assert_eq!((rest.deleted, rest.passed), (None, Some((None, CommitPoint(40)))));
    }
}
