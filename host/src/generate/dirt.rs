//! Adds dirt as in real files: bad ids, bad dates, and blanks in all their spellings.

use super::orders::Cells;
use super::random::Random;

const BAD_IDS: [&str; 5] = [
    "not-an-id",
    "1234",
    "zz00112233445566778899aabbccddee",
    "0123456789abcdef0123456789abcde",
    "NULL",
];
const BAD_DATES: [&str; 5] = [
    "2017-13-02 10:56:33",
    "2017-02-30 00:00:00",
    "yesterday",
    "10:56:33",
    "20171002",
];
const BLANKS: [&str; 6] = ["NaN", "null", "None", "NaT", "  ", "\"\""];

/// Spoils a share of the rows.
pub struct Dirt {
    random: Random,
    share: f64,
}

impl Dirt {
    /// Starts with a seed and the share of rows to spoil, 0.0 to 1.0.
    pub fn new(seed: u64, share: f64) -> Self {
        // Dirt has a random sequence of its own, so that it does not change the clean rows.
        Self {
            random: Random::new(seed ^ 0xd1e7),
            share,
        }
    }

    /// Spoils the row, or leaves it. Returns true if a blank line goes before it.
    pub fn soil(&mut self, cells: &mut Cells) -> bool {
        if !self.random.chance(self.share) {
            return false;
        }
        let random = &mut self.random;
        match random.below(8) {
            0 => random.pick(&BAD_IDS).clone_into(&mut cells[0]),
            1 => random.pick(&BAD_IDS).clone_into(&mut cells[1]),
            2 => random.pick(&BAD_DATES).clone_into(&mut cells[3]),
            3 => random.pick(&BAD_DATES).clone_into(&mut cells[4]),
            4 => random.pick(&BLANKS).clone_into(&mut cells[1]),
            5 => random.pick(&BLANKS).clone_into(&mut cells[5]),
            6 => cells[2] = format!("  {} ", cells[2]),
            _ => {
                cells[0] = cells[0].to_uppercase();
                return true;
            }
        }
        false
    }
}
