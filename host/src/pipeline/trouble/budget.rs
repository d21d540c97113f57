//! The reject budget. A few bad records are dead letters. When nearly all are bad, the plugin or the topic is the
//! wrong one, and publishing every record as a dead letter would only make the repair longer.
//!
//! Two shares are watched, over all partitions: rejects of any kind, and records that break the guest itself (trap,
//! deadline, memory, contract, unaccounted). The second is noticed much sooner. A batch that would spend a budget
//! waits, unpublished.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::record::reject::Reject;

/// The share of the last `window_records` records that may be rejected. Before there are so many records, nothing is
/// spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// 100 never stops anything.
    pub percent: u32,
    pub window_records: usize,
}

/// The budgets of one pipeline.
#[derive(Debug)]
pub struct Budget {
    windows: Mutex<Windows>,
}

#[derive(Debug)]
struct Windows {
    rejects: Window,
    faults: Window,
}

#[derive(Debug)]
struct Window {
    share: Allowance,
    /// Records and those rejected of each batch, oldest first.
    batches: VecDeque<(usize, usize)>,
    records: usize,
    rejected: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{rejected} of the last {records} records {what}, more than the {percent} % that {setting} allows (the last one: {last}); plugin or topic is probably the wrong one, and what would be rejected now is not published but waits"
)]
/// A budget is spent: which one, by how many records, and the last reject.
pub struct Spent {
    rejected: usize,
    records: usize,
    what: &'static str,
    percent: u32,
    setting: &'static str,
    last: String,
}

impl Budget {
    /// Budgets with nothing counted yet.
    pub fn new(rejects: Allowance, faults: Allowance) -> Self {
        let windows = Windows {
            rejects: Window::new(rejects),
            faults: Window::new(faults),
        };
        Self {
            windows: Mutex::new(windows),
        }
    }

    /// Begins anew: another plugin has taken over, and the rejects before it say nothing about it.
    pub fn begin_anew(&self) {
        let mut windows = self.windows.lock();
        windows.rejects = Window::new(windows.rejects.share);
        windows.faults = Window::new(windows.faults.share);
    }

    /// Counts a batch and its rejects so far, unless that spends a budget.
    pub fn admit<'a>(&self, records: usize, rejects: &(impl Iterator<Item = &'a Reject> + Clone)) -> Result<(), Spent> {
        let last = || rejects.clone().last().map(ToString::to_string).unwrap_or_default();
        let is_fault = |reject: &&Reject| reject.is_guest_fault();
        let (rejected, faults) = (rejects.clone().count(), rejects.clone().filter(is_fault).count());
        let mut windows = self.windows.lock();
        if let Some((rejected, records)) = windows.faults.spent_with(records, faults) {
            return Err(Spent {
                rejected,
                records,
                what: "broke the plugin",
                percent: windows.faults.share.percent,
                setting: "pipeline.fault_budget_percent",
                last: last(),
            });
        }
        if let Some((rejected, records)) = windows.rejects.spent_with(records, rejected) {
            return Err(Spent {
                rejected,
                records,
                what: "were rejected",
                percent: windows.rejects.share.percent,
                setting: "pipeline.reject_budget_percent",
                last: last(),
            });
        }
        windows.faults.add(records, faults);
        windows.rejects.add(records, rejected);
        Ok(())
    }
}

impl Window {
    fn new(share: Allowance) -> Self {
        Self {
            share,
            batches: VecDeque::new(),
            records: 0,
            rejected: 0,
        }
    }

    /// Rejects and records of the window with this batch, if that is too many.
    fn spent_with(&self, records: usize, rejected: usize) -> Option<(usize, usize)> {
        let (mut all, mut bad) = (self.records + records, self.rejected + rejected);
        for &(records, rejected) in &self.batches {
            if all - records < self.share.window_records {
                break;
            }
            all -= records;
            bad -= rejected;
        }
        let is_spent = all >= self.share.window_records && bad * 100 > all * self.share.percent as usize;
        is_spent.then_some((bad, all))
    }

    fn add(&mut self, records: usize, rejected: usize) {
        self.batches.push_back((records, rejected));
        self.records += records;
        self.rejected += rejected;
        while let Some(&(records, rejected)) = self.batches.front()
            && self.records - records >= self.share.window_records
        {
            self.batches.pop_front();
            self.records -= records;
            self.rejected -= rejected;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::stage::Stage;

    fn budget(percent: u32, window_records: usize) -> Budget {
        let off = Allowance {
            percent: 100,
            window_records: 1,
        };
        Budget::new(
            Allowance {
                percent,
                window_records,
            },
            off,
        )
    }

    fn rejects(code: &'static str, count: usize) -> Vec<Reject> {
        vec![Reject::new(Stage::Transform, code, "no"); count]
    }

    #[test]
    fn is_spent_by_share_and_only_once_the_window_is_full() {
        let budget = budget(50, 100);
        assert_eq!(budget.admit(60, &rejects("bad", 60).iter()), Ok(()), "too few to judge");
        let spent = budget.admit(40, &rejects("bad", 1).iter()).expect_err("61 of 100");
        assert!(
            spent
                .to_string()
                .starts_with("61 of the last 100 records were rejected"),
            "{spent}"
        );
        assert!(
            budget.admit(40, &rejects("bad", 1).iter()).is_err(),
            "waiting does not wear it down"
        );
        assert_eq!(
            budget.admit(90, &rejects("bad", 10).iter()),
            Ok(()),
            "good records of other partitions do"
        );
    }

    #[test]
    fn old_batches_are_forgotten() {
        let budget = budget(50, 100);
        assert_eq!(budget.admit(100, &rejects("bad", 50).iter()), Ok(()));
        assert_eq!(budget.admit(100, &rejects("bad", 0).iter()), Ok(()));
        assert_eq!(budget.admit(100, &rejects("bad", 50).iter()), Ok(()));
        assert!(budget.admit(100, &rejects("bad", 51).iter()).is_err());
    }

    #[test]
    fn records_that_break_the_guest_have_a_budget_of_their_own() {
        let all = Allowance {
            percent: 90,
            window_records: 10_000,
        };
        let faults = Allowance {
            percent: 50,
            window_records: 100,
        };
        let budget = Budget::new(all, faults);
        assert_eq!(budget.admit(100, &rejects("bad-uuid", 100).iter()), Ok(()));
        let spent = budget
            .admit(100, &rejects("trap", 51).iter())
            .expect_err("a bad deploy");
        assert!(spent.to_string().contains("pipeline.fault_budget_percent"), "{spent}");
    }

    #[test]
    fn a_hundred_percent_is_no_budget() {
        let budget = budget(100, 1);
        for _ in 0..10 {
            assert_eq!(budget.admit(1000, &rejects("bad", 1000).iter()), Ok(()));
        }
    }
}
