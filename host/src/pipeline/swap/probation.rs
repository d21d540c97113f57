//! The time after a swap in which the new plugin is compared with the one before it: rejects, records that break it,
//! and time per record. If it is worse by more than a margin, the slot goes back by itself.
//!
//! A share alone would be decided by the first bad record, and a count alone would never notice a slow leak. So the
//! excess counts: rejects beyond the earlier share plus some per cent.

use crate::pipeline::watch::examples::Example;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::record::reject::Reject;

/// With more rejects than this beyond what is expected, the swap is taken back.
const EXCESS_REJECTS: f64 = 20.0;

/// The same for records that break the guest: rare where all is well, so a few say enough.
const EXCESS_FAULTS: f64 = 3.0;
const FAULT_MARGIN: f64 = 0.01;

/// Time per record is compared once this many records are through, since the first batches warm up caches.
const TIMED_RECORDS: u64 = 2000;

/// A time per record that is this many times the earlier one, and longer by the amount below, is too slow.
const SLOWER: f64 = 3.0;
const SLOWER_NANOS: f64 = 20_000.0;

/// With fewer records than this, an earlier plugin's rejects say nothing.
const KNOWN_RECORDS: u64 = 100;

/// Once this many records are counted, older ones weigh half, since yesterday's share is no measure for today.
const WINDOW_RECORDS: u64 = 20_000;

/// How many records are shown as the reason.
const EXAMPLES: usize = 5;

/// Whether and how long a swapped-in plugin is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probation {
    /// It is over after this many records,
    pub records: u64,
    /// or after this time, whichever is first.
    pub time: Duration,
    /// Rejects in percent of the records that are accepted beyond the earlier plugin's share.
    pub margin_percent: u32,
}

/// What a plugin made of records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    pub records: u64,
    pub rejects: u64,
    /// Those of the rejects that broke the guest.
    pub faults: u64,
    pub by_code: BTreeMap<String, u64>,
    pub guest_time: Duration,
    /// The latest rejects.
    examples: Vec<Example>,
}

/// Why a swap was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worse {
    pub what: String,
    pub examples: Vec<Example>,
}

/// A swapped-in plugin that is being watched.
#[derive(Debug)]
pub struct WatchedSwap {
    probation: Probation,
    since: Instant,
    /// The tally of the plugin before it.
    earlier: Tally,
}

/// How the probation stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    Watched,
    Passed,
    Worse(Worse),
}

impl Tally {
    /// Adds a batch's records, its time in the guest, and those of its rejects that are known by now.
    pub fn add<'a>(&mut self, records: u64, guest_time: Duration, rejects: impl Iterator<Item = (String, &'a Reject)>) {
        if self.records >= WINDOW_RECORDS {
            self.halve();
        }
        self.records += records;
        self.guest_time += guest_time;
        for (record, reject) in rejects {
            self.rejects += 1;
            self.faults += u64::from(reject.is_guest_fault());
            *self.by_code.entry(reject.code.to_string()).or_default() += 1;
            if self.examples.len() == EXAMPLES {
                self.examples.remove(0);
            }
            self.examples.push(Example {
                record,
                code: reject.code.to_string(),
                message: reject.message.clone(),
            });
        }
    }

    /// Whether there are enough records to compare another plugin with.
    pub fn is_known(&self) -> bool {
        self.records >= KNOWN_RECORDS
    }

    fn halve(&mut self) {
        self.records /= 2;
        self.rejects /= 2;
        self.faults /= 2;
        self.guest_time /= 2;
        self.by_code.values_mut().for_each(|count| *count /= 2);
        self.by_code.retain(|_, count| *count > 0);
    }

    fn share(&self, count: u64) -> f64 {
        count as f64 / self.records.max(1) as f64
    }

    fn nanos_per_record(&self) -> f64 {
        self.guest_time.as_nanos() as f64 / self.records.max(1) as f64
    }

    /// `bad-uuid 20.0 % (0.1 % before)`, for the codes that grew the most.
    fn grown_codes(&self, earlier: &Self) -> String {
        let of = |tally: &Self, code: &str| tally.share(tally.by_code.get(code).copied().unwrap_or(0));
        let mut grown: Vec<_> = self
            .by_code
            .keys()
            .map(|code| (of(self, code) - of(earlier, code), code))
            .filter(|(growth, _)| *growth > 0.0)
            .collect();
        grown.sort_by(|one, other| other.0.total_cmp(&one.0));
        let texts = grown.iter().take(3).map(|(_, code)| {
            let (now, before) = (100.0 * of(self, code), 100.0 * of(earlier, code));
            format!("{code} {now:.1} % ({before:.1} % before)")
        });
        texts.collect::<Vec<_>>().join(", ")
    }
}

impl WatchedSwap {
    /// Begins to watch now. `earlier` is what the version before it had made of its records.
    pub fn new(probation: Probation, earlier: Tally) -> Self {
        Self {
            probation,
            since: Instant::now(),
            earlier,
        }
    }

    /// Compares what the new plugin has made so far with the earlier one.
    pub fn standing(&self, now: &Tally) -> Standing {
        if let Some(what) = self.worse(now) {
            return Standing::Worse(Worse {
                what,
                examples: now.examples.clone(),
            });
        }
        if now.records >= self.probation.records || self.since.elapsed() >= self.probation.time {
            return Standing::Passed;
        }
        Standing::Watched
    }

    fn worse(&self, now: &Tally) -> Option<String> {
        let earlier = &self.earlier;
        let records = now.records;
        let expected = |share: f64| share * records as f64;
        if now.faults as f64 > expected(earlier.share(earlier.faults) + FAULT_MARGIN) + EXCESS_FAULTS {
            return Some(format!(
                "{} of {records} records broke it: {}",
                now.faults,
                now.grown_codes(earlier)
            ));
        }
        let margin = f64::from(self.probation.margin_percent) / 100.0;
        let is_known = earlier.is_known();
        if is_known && now.rejects as f64 > expected(earlier.share(earlier.rejects) + margin) + EXCESS_REJECTS {
            return Some(format!(
                "{} of {records} records were rejected, more than {:.1} % before plus {} %: {}",
                now.rejects,
                100.0 * earlier.share(earlier.rejects),
                self.probation.margin_percent,
                now.grown_codes(earlier)
            ));
        }
        let (nanos, nanos_before) = (now.nanos_per_record(), earlier.nanos_per_record());
        let is_timed = is_known && records >= TIMED_RECORDS;
        if is_timed && nanos > SLOWER * nanos_before + SLOWER_NANOS {
            return Some(format!(
                "it takes {:.1} us a record, {:.1} us before",
                nanos / 1000.0,
                nanos_before / 1000.0
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::stage::Stage;

    const PROBATION: Probation = Probation {
        records: 10_000,
        time: Duration::from_mins(5),
        margin_percent: 5,
    };

    fn tally(records: u64, code: &'static str, rejects: usize, micros: u64) -> Tally {
        let mut tally = Tally::default();
        let reject = Reject::new(Stage::Transform, code, "no");
        let time = Duration::from_micros(micros * records);
        tally.add(records, time, (0..rejects).map(|n| (format!("orders/0@{n}"), &reject)));
        tally
    }

    fn what(standing: Standing) -> String {
        match standing {
            Standing::Worse(worse) => worse.what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_fifth_more_rejects_are_noticed_within_some_hundred_records() {
        let watch = WatchedSwap::new(PROBATION, tally(10_000, "bad-uuid", 100, 1));
        assert_eq!(
            watch.standing(&tally(100, "bad-uuid", 20, 1)),
            Standing::Watched,
            "too few"
        );
        let standing = watch.standing(&tally(200, "bad-date", 40, 1));
        assert_eq!(
            what(standing),
            "40 of 200 records were rejected, more than 1.0 % before plus 5 %: bad-date 20.0 % (0.0 % before)"
        );
        assert_eq!(
            watch.standing(&tally(9_999, "bad-uuid", 500, 1)),
            Standing::Watched,
            "within the margin"
        );
        assert_eq!(watch.standing(&tally(10_000, "bad-uuid", 500, 1)), Standing::Passed);
    }

    #[test]
    fn the_examples_are_the_latest_rejects() {
        let watch = WatchedSwap::new(PROBATION, tally(10_000, "bad-uuid", 0, 1));
        let Standing::Worse(worse) = watch.standing(&tally(100, "bad-uuid", 50, 1)) else {
            panic!("it is worse");
        };
        let records: Vec<_> = worse.examples.iter().map(|example| example.record.as_str()).collect();
        assert_eq!(
            records,
            [
                "orders/0@45",
                "orders/0@46",
                "orders/0@47",
                "orders/0@48",
                "orders/0@49"
            ]
        );
    }

    #[test]
    fn a_few_traps_are_enough_even_where_nothing_is_known_of_before() {
        let watch = WatchedSwap::new(PROBATION, Tally::default());
        assert_eq!(watch.standing(&tally(100, "trap", 4, 1)), Standing::Watched);
        assert_eq!(
            what(watch.standing(&tally(100, "trap", 5, 1))),
            "5 of 100 records broke it: trap 5.0 % (0.0 % before)"
        );
        assert_eq!(
            watch.standing(&tally(500, "bad-uuid", 400, 1)),
            Standing::Watched,
            "perhaps they always were"
        );
    }

    #[test]
    fn several_times_slower_is_worse_but_not_while_it_warms_up() {
        let watch = WatchedSwap::new(PROBATION, tally(10_000, "bad-uuid", 0, 2));
        assert_eq!(watch.standing(&tally(1999, "bad-uuid", 0, 500)), Standing::Watched);
        assert_eq!(watch.standing(&tally(2000, "bad-uuid", 0, 26)), Standing::Watched);
        assert_eq!(
            what(watch.standing(&tally(2000, "bad-uuid", 0, 27))),
            "it takes 27.0 us a record, 2.0 us before"
        );
    }

    #[test]
    fn old_records_weigh_less() {
        let mut tally = tally(WINDOW_RECORDS, "bad-uuid", 1000, 1);
        tally.add(10_000, Duration::from_millis(10), std::iter::empty());
        assert_eq!((tally.records, tally.rejects), (20_000, 500));
        assert_eq!(tally.by_code["bad-uuid"], 500);
    }

    #[test]
    fn ends_after_its_time_too() {
        let short = Probation {
            time: Duration::ZERO,
            ..PROBATION
        };
        assert_eq!(
            WatchedSwap::new(short, Tally::default()).standing(&tally(1, "x", 0, 1)),
            Standing::Passed
        );
    }
}
