//! Write timestamps that stay the same however often a record is replayed, and rise with the offset.
//!
//! `base = max(previous base of the partition + 16, record timestamp in ms * 1000)`, and a row's write timestamp is
//! `base + generation`. The 16 leaves room for the generations 0..=15: a deliberate rewrite of a record is newer than
//! the record's first writing and older than the next record. The previous base travels in the metadata of the offset
//! commit, so a restart goes on with the same numbers, and a replay from any earlier point gives values not above the
//! first run's.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::failpoint::{self, Promise};
use crate::record::position::WriteTime;

/// The least difference between the bases of two records of a partition, in microseconds: one for each generation.
pub const STEP_MICROS: i64 = 16;

/// The reject code of a record whose timestamp is too far ahead of this host's clock.
pub const FUTURE_TIMESTAMP: &str = "future-timestamp";

/// The highest generation that stays below the next record.
pub const MAX_GENERATION: u8 = 15;

/// A record whose timestamp is further ahead of this host's clock than this is rejected. It would push the base of
/// every later record of its partition into the future.
pub const MAX_AHEAD_MS: i64 = 3_600_000;

/// The recurrence of one partition.
#[derive(Debug, Clone)]
pub struct WriteClock {
    previous: Option<WriteTime>,
    generation: u8,
    drift_micros: Option<i64>,
}

/// The record's timestamp is too far ahead of this host's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFarAhead {
    pub ahead_ms: i64,
}

impl WriteClock {
    /// Continues after `previous`, the base of the last record before the first one to come.
    pub fn new(previous: Option<WriteTime>, generation: u8) -> Self {
        Self {
            previous,
            generation,
            drift_micros: None,
        }
    }

    /// How far the base of the last record is ahead of its timestamp, in microseconds. It grows if a partition has
    /// more than 62,500 records a second for long, or if records have earlier timestamps than their predecessors.
    pub fn drift_micros(&self) -> Option<i64> {
        self.drift_micros
    }

    /// The base of the last record seen.
    pub fn base(&self) -> Option<WriteTime> {
        self.previous
    }

    /// The write timestamp of the next record; `now_ms` is this host's clock. A record that is too far ahead takes
    /// its place in the order (the second value), but its timestamp is not used.
    pub fn next(&mut self, timestamp_ms: Option<i64>, now_ms: i64) -> (WriteTime, Result<(), TooFarAhead>) {
        if failpoint::is_broken(Promise::WriteTimeOfRecord) {
            return (WriteTime(now_ms.saturating_mul(1000)), Ok(()));
        }
        let stamped_ms = timestamp_ms.unwrap_or(0).max(0);
        let ahead_ms = stamped_ms.saturating_sub(now_ms);
        let (stamped_ms, verdict) = if ahead_ms > MAX_AHEAD_MS {
            (0, Err(TooFarAhead { ahead_ms }))
        } else {
            (stamped_ms, Ok(()))
        };
        let after_previous = self
            .previous
            .map_or(0, |previous| previous.0.saturating_add(STEP_MICROS));
        let base = after_previous.max(stamped_ms.saturating_mul(1000));
        self.previous = Some(WriteTime(base));
        self.drift_micros = Some(base.saturating_sub(stamped_ms.saturating_mul(1000)));
        (WriteTime(base.saturating_add(i64::from(self.generation))), verdict)
    }
}

/// This host's clock.
pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: i64 = 1_800_000_000_000;

    fn run(clock: &mut WriteClock, stamps: &[Option<i64>]) -> Vec<i64> {
        stamps.iter().map(|&stamp| clock.next(stamp, NOW_MS).0.0).collect()
    }

    #[test]
    fn records_of_one_millisecond_keep_their_order() {
        let mut clock = WriteClock::new(None, 0);
        assert_eq!(
            run(&mut clock, &[Some(5), Some(5), Some(4), Some(6)]),
            [5000, 5016, 5032, 6000]
        );
    }

    #[test]
    fn a_record_from_the_future_is_refused_and_its_stamp_not_used() {
        let mut clock = WriteClock::new(Some(WriteTime(5000)), 0);
        let (time, verdict) = clock.next(Some(NOW_MS + MAX_AHEAD_MS + 1), NOW_MS);
        assert_eq!(
            (time, verdict),
            (
                WriteTime(5016),
                Err(TooFarAhead {
                    ahead_ms: MAX_AHEAD_MS + 1
                })
            )
        );
        assert!(clock.next(Some(NOW_MS + MAX_AHEAD_MS), NOW_MS).1.is_ok());
    }

    proptest! {
        #[test]
        fn a_restart_goes_on_with_the_same_numbers(stamps in prop::collection::vec(prop::option::of(0..1000i64), 1..50), cut in 0..50usize) {
            let cut = cut.min(stamps.len());
            let whole = run(&mut WriteClock::new(None, 0), &stamps);
            let mut first = WriteClock::new(None, 0);
            let mut parts = run(&mut first, &stamps[..cut]);
            parts.extend(run(&mut WriteClock::new(first.base(), 0), &stamps[cut..]));
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn a_replay_from_any_point_is_never_above_the_first_run(stamps in prop::collection::vec(prop::option::of(0..1000i64), 1..50), from in 0..50usize) {
            let from = from.min(stamps.len());
            let whole = run(&mut WriteClock::new(None, 0), &stamps);
            let again = run(&mut WriteClock::new(None, 0), &stamps[from..]);
            for (first, replayed) in whole[from..].iter().zip(&again) {
                prop_assert!(replayed <= first);
            }
        }

        #[test]
        fn a_rewrite_is_newer_than_its_record_and_older_than_the_next(stamps in prop::collection::vec(prop::option::of(0..1000i64), 2..50), generation in 1..16u8) {
            let first = run(&mut WriteClock::new(None, 0), &stamps);
            let rewritten = run(&mut WriteClock::new(None, generation), &stamps);
            for n in 1..stamps.len() {
                prop_assert!(first[n - 1] < rewritten[n - 1] && rewritten[n - 1] < first[n]);
            }
        }
    }
}
