//! Decides whether a dead letter is replayed, and with which write timestamp.
//!
//! The base of the write timestamp is the record's own, so the row of a newer record stays. The generation is above the
//! letter's, and not below a floor that is above those of earlier replays. So a replay with a corrected plugin replaces
//! the rows of an earlier one. There are [`MAX_GENERATION`] generations between two records.

use super::Letter;
use super::filter::Filter;
use super::reference::Held;
use crate::record::Redriven;
use crate::record::position::Offset;

/// Write timestamps of neighbouring records are 16 apart: see `pipeline/commit/write_time.rs`.
pub const MAX_GENERATION: u8 = 15;

/// Selects the letters to replay.
#[derive(Debug, Clone)]
pub struct Selection {
    pub filter: Filter,
    /// A record that was replayed this often is skipped, since it could go round for ever.
    pub max_replays: u32,
    /// The lowest generation to write with.
    pub floor: u8,
}

/// Why a letter is not replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    #[error("--where leaves it out")]
    Filtered,
    #[error("replayed {replays} times already; --max-replays raises the limit")]
    TooOften { replays: u32 },
    #[error("every generation up to {MAX_GENERATION} is used; only a newer record of its key can replace its row")]
    NoGeneration,
    #[error("its value is only in its topic: {why}")]
    Gone { why: String },
}

impl Selection {
    /// Decides how the letter is replayed, or why not. `at` is the letter's own offset.
    pub fn judge(&self, letter: &Letter, at: Offset) -> Result<Redriven, Skip> {
        if !self.filter.takes(letter) {
            return Err(Skip::Filtered);
        }
        if letter.replays >= self.max_replays {
            return Err(Skip::TooOften {
                replays: letter.replays,
            });
        }
        let generation = (letter.generation + 1).max(self.floor);
        if generation > MAX_GENERATION {
            return Err(Skip::NoGeneration);
        }
        match &letter.held {
            Held::Whole | Held::Restored(_) => {}
            Held::ByReference(_) => {
                let why = "it was not read".to_owned();
                return Err(Skip::Gone { why });
            }
            Held::Gone { why, .. } => return Err(Skip::Gone { why: why.clone() }),
        }
        Ok(Redriven {
            base: letter.base(),
            generation,
            replays: letter.replays + 1,
            letter: at,
        })
    }
}

#[cfg(test)]
pub mod tests;
