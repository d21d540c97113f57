//! What a run did, for people.

use std::collections::BTreeMap;
use std::fmt;

use crate::size;
use crate::victims::{Ended, POINTS};

/// Counts of a run with kills.
#[derive(Debug, Default)]
pub struct Report {
    pub records: usize,
    pub kills: BTreeMap<String, usize>,
    /// Failpoints that a life was armed with and that were not passed in time; it was killed by SIGKILL then.
    pub not_reached: BTreeMap<String, usize>,
    /// When each kill was noticed, in ms since the epoch: no copy of a letter from a later life can be older.
    pub killed_at: Vec<i64>,
    pub rebalances: usize,
    /// Rebalances that kills cut short between their two rounds.
    pub cut_short: usize,
    pub joiner_killed: usize,
    pub rows: usize,
    pub letters: usize,
    /// Letters that were published more than once, and how many copies too many.
    pub doubled: (usize, usize),
    pub kill_seconds: u64,
    pub seconds: u64,
}

impl Report {
    pub fn killed(&mut self, ended: Ended, at: i64) {
        let name = match ended {
            Ended::Starting => "SIGKILL while starting".to_owned(),
            Ended::Working => "SIGKILL at work".to_owned(),
            Ended::Together => "SIGKILL, all at once".to_owned(),
            Ended::At(point) => format!("failpoint {}", POINTS[point].0),
            Ended::NotReached(point) => {
                *self.not_reached.entry(POINTS[point].0.to_owned()).or_default() += 1;
                "SIGKILL, failpoint not reached".to_owned()
            }
        };
        *self.kills.entry(name).or_default() += 1;
        self.killed_at.push(at);
    }

    pub fn all_kills(&self) -> usize {
        self.kills.values().sum()
    }

    /// Every further copy of a letter has a kill between it and the one before: otherwise it was published twice for no
    /// reason.
    pub fn explain(&mut self, doubled: &BTreeMap<crate::ledger::Position, Vec<i64>>) -> Result<(), String> {
        self.killed_at.sort_unstable();
        let has_kill = |from: i64, to: i64| {
            let first = self.killed_at.partition_point(|at| *at < from);
            self.killed_at.get(first).is_some_and(|at| *at <= to)
        };
        let mut copies = 0;
        for (position, appended) in doubled {
            for pair in appended.windows(2) {
                copies += 1;
                if !has_kill(pair[0], pair[1]) {
                    return Err(format!(
                        "the letter of {position:?} was published twice without a kill in between"
                    ));
                }
            }
        }
        self.doubled = (doubled.len(), copies);
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>8} seed", size::seed())?;
        writeln!(f, "{:>8} records", self.records)?;
        writeln!(f, "{:>8} kills in {} s", self.all_kills(), self.kill_seconds)?;
        for (name, count) in &self.kills {
            writeln!(f, "{count:>12} {name}")?;
        }
        for (name, count) in &self.not_reached {
            writeln!(f, "{count:>16} {name} was not passed in time")?;
        }
        writeln!(
            f,
            "{:>8} rebalances, {} of them after the fourth member was killed; {} more were cut short by kills",
            self.rebalances, self.joiner_killed, self.cut_short
        )?;
        writeln!(f, "{:>8} rows, each cell and write timestamp as expected", self.rows)?;
        writeln!(f, "{:>8} dead letters, exactly the planned ones", self.letters)?;
        let (letters, copies) = self.doubled;
        writeln!(
            f,
            "{letters:>8} of them published more than once ({copies} copies), each around a kill"
        )?;
        writeln!(f, "{:>8} s in all", self.seconds)
    }
}
