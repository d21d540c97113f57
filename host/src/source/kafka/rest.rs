//! Reports offsets that no record has. While records flow, one may jump over offsets. When no more come, the client's
//! position may be beyond the last record.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::place::{Rest, Step};
use super::poller::Poller;
use super::reading::{Reading, Readings};
use crate::source::Event;

/// The pause between two looks. The lag of a log that ends with a transaction's mark is right after this time and a
/// commit.
const PAUSE: Duration = Duration::from_millis(200);

/// When the next look is due.
#[derive(Default)]
pub struct Rests {
    due: Option<Instant>,
}

impl Poller {
    fn log_start(&self, reading: &Reading) -> Option<i64> {
        self.member
            .log_start(self.identity(), reading.assigned.partition.number)
    }

    /// Notes a record with this offset.
    pub(super) fn step(&self, reading: &mut Reading, offset: i64) {
        let number = reading.assigned.partition.number;
        let log_start = || self.member.log_start(self.identity(), number);
        match reading.place.advance(offset, log_start) {
            Step::On => {}
            Step::Over(offsets) => self.send(Event::Deleted {
                partition: Arc::clone(&reading.assigned.partition),
                offsets,
            }),
            Step::Back { expected } => {
                reading.is_doubtful = true;
                tracing::warn!(partition = %reading.assigned.partition, expected, offset,
                    "the log ends before the offset that was to be read next (was the topic made anew, or the log cut off?), \
                     reading from its beginning");
            }
        }
    }

    /// Reports how far those partitions are read whose fetched records are all taken. The log start is that of the look
    /// before: all records that were fetched before it was known have been taken since.
    pub(super) fn look_at_rest(&self, readings: &mut Readings, rests: &mut Rests) {
        let now = Instant::now();
        if rests.due.is_some_and(|due| now < due) {
            return;
        }
        rests.due = Some(now + PAUSE);
        let mut positions = None;
        for reading in readings.all().filter(|reading| !reading.has_ended) {
            let start = self.log_start(reading);
            reading.place.note_start(start);
            let earlier = std::mem::replace(&mut reading.log_start, start);
            if std::mem::take(&mut reading.is_drained) && reading.remade.is_none() {
                let positions = positions.get_or_insert_with(|| self.positions());
                let position = positions.get(&reading.assigned.partition.number).copied();
                self.rest(reading, position, earlier);
            }
        }
    }

    /// Reports the offsets up to the end that was asked for, once all records before it have come: first those that
    /// were deleted, then those that no record has.
    pub(super) fn pass_to_end(&self, reading: &mut Reading) {
        let position = self.positions().get(&reading.assigned.partition.number).copied();
        // If the end is not known, nothing can be passed.
        let Some(end) = reading.end.filter(|end| *end < i64::MAX) else {
            self.rest(reading, position, None);
            return;
        };
        let start = self.log_start(reading).map(|start| start.min(end));
        // A position beyond the end is that of a record that was not asked for.
        self.rest(reading, position.filter(|position| *position <= end), start);
        self.rest(reading, Some(end), None);
    }

    fn rest(&self, reading: &mut Reading, position: Option<i64>, start: Option<i64>) {
        let Rest { deleted, passed } = reading.place.rest(position, start);
        let partition = &reading.assigned.partition;
        if let Some(offsets) = deleted {
            self.send(Event::Deleted {
                partition: Arc::clone(partition),
                offsets,
            });
        }
        if let Some((from, to)) = passed {
            self.send(Event::Passed {
                partition: Arc::clone(partition),
                from,
                to,
            });
        }
    }

    /// The client's position: after the last record that was taken, and after the marks of transactions that follow it.
    fn positions(&self) -> HashMap<i32, i64> {
        let positions = self.member.positions();
        positions
            .inspect_err(|error| tracing::debug!(%error, "the client does not give its position"))
            .unwrap_or_default()
    }
}
