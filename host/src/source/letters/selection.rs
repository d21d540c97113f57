//! Counts which letters a replay takes, and which it passes over and why.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::record::Record;
use crate::record::letter::Found;
use crate::record::letter::replay::{Selection, Skip};

/// Letters passed over that are said one by one.
const SHOWN: u64 = 20;

/// What became of the letters that a replay has read.
#[derive(Debug, Default)]
pub struct Tally {
    taken: AtomicU64,
    filtered: AtomicU64,
    too_often: AtomicU64,
    no_generation: AtomicU64,
    gone: AtomicU64,
    strangers: AtomicU64,
}

/// The counts at one moment, each of letters but `strangers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub taken: u64,
    pub filtered: u64,
    pub too_often: u64,
    pub no_generation: u64,
    /// Their value was in their topic only, and is not there any more.
    pub gone: u64,
    /// No letters of ours.
    pub strangers: u64,
}

impl Tally {
    /// The counts as they are now.
    pub fn counts(&self) -> Counts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            taken: of(&self.taken),
            filtered: of(&self.filtered),
            too_often: of(&self.too_often),
            no_generation: of(&self.no_generation),
            gone: of(&self.gone),
            strangers: of(&self.strangers),
        }
    }

    /// Notes that something is no letter of ours, or none at all.
    pub fn note_stranger(&self, what: &dyn std::fmt::Display, why: &dyn std::fmt::Display) {
        match self.strangers.fetch_add(1, Ordering::Relaxed) {
            n if n < SHOWN => tracing::warn!("{what} is not a dead letter of host, passed over: {why}"),
            n if n == SHOWN => tracing::warn!("from here on, what is not a dead letter of host is only counted"),
            _ => {}
        }
    }
}

/// What a replay takes, by the conditions of its operator, with the count of what it took and passed over.
#[derive(Debug, Clone)]
pub struct CountedSelection {
    pub conditions: Selection,
    pub tally: Arc<Tally>,
}

impl CountedSelection {
    /// The record to be replayed, if there is one; a letter that is left for no condition of the operator's is said.
    pub fn take(&self, found: Found) -> Option<Record> {
        let at = found.at.clone();
        match self.judge(found) {
            Ok(record) => Some(record),
            Err(None | Some(Skip::Filtered)) => None,
            Err(Some(why)) => {
                let counts = self.tally.counts();
                if counts.too_often + counts.no_generation + counts.gone <= SHOWN {
                    tracing::warn!("the letter {at} is left: {why}");
                }
                None
            }
        }
    }

    /// The record to be replayed, or why not; no reason where it is no letter.
    pub fn judge(&self, found: Found) -> Result<Record, Option<Skip>> {
        let tally = &self.tally;
        let letter = match found.letter {
            Ok(letter) => letter,
            Err(why) => {
                tally.note_stranger(&found.at, &why);
                return Err(None);
            }
        };
        let judged = self.conditions.judge(&letter, found.at.offset);
        let count = match &judged {
            Ok(_) => &tally.taken,
            Err(Skip::Filtered) => &tally.filtered,
            Err(Skip::TooOften { .. }) => &tally.too_often,
            Err(Skip::NoGeneration) => &tally.no_generation,
            Err(Skip::Gone { .. }) => &tally.gone,
        };
        count.fetch_add(1, Ordering::Relaxed);
        let redriven = judged.map_err(Some)?;
        Ok(Record {
            redriven: Some(redriven),
            ..letter.record
        })
    }
}
