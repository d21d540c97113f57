//! Counts which letters a replay takes, and which it passes over and why.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::record::Record;
use crate::record::letter::Found;
use crate::record::letter::replay::{Selection, Skip};

/// So many letters that were passed over are logged one by one; further ones are only counted.
const SHOWN: u64 = 20;

/// Counts the letters that a replay has read, by what became of them.
#[derive(Debug, Default)]
pub struct Tally {
    taken: AtomicU64,
    filtered: AtomicU64,
    too_often: AtomicU64,
    no_generation: AtomicU64,
    gone: AtomicU64,
    strangers: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub taken: u64,
    pub filtered: u64,
    pub too_often: u64,
    pub no_generation: u64,
    /// The value was held by reference, and its record does not exist any more.
    pub gone: u64,
    /// Records that are not dead letters of this program.
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

    /// Counts a record or a line that is not a dead letter of this program.
    pub fn note_stranger(&self, what: &dyn std::fmt::Display, why: &dyn std::fmt::Display) {
        match self.strangers.fetch_add(1, Ordering::Relaxed) {
            n if n < SHOWN => tracing::warn!("{what} is not a dead letter of host, passed over: {why}"),
            n if n == SHOWN => tracing::warn!("from here on, what is not a dead letter of host is only counted"),
            _ => {}
        }
    }
}

/// The conditions of a replay, with the counts of the letters that it took and passed over.
#[derive(Debug, Clone)]
pub struct CountedSelection {
    pub conditions: Selection,
    pub tally: Arc<Tally>,
}

impl CountedSelection {
    /// Returns the record to be replayed. `None` means that the letter is passed over, which is logged unless it was
    /// the operator's conditions that left it out.
    pub fn take(&self, found: Found) -> Option<Record> {
        let at = found.at.clone();
        match self.judge(found) {
            Ok(record) => Some(record),
            Err(None | Some(Skip::Filtered)) => None,
            Err(Some(why)) => {
                let counts = self.tally.counts();
                if counts.too_often + counts.no_generation + counts.gone <= SHOWN {
                    tracing::warn!("the letter {at} is passed over: {why}");
                }
                None
            }
        }
    }

    /// Returns the record to be replayed, or why it is not. There is no reason if it is not a letter, which is logged.
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
