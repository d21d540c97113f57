//! Dirt as real files have it: ids that are none, dates that are none, blanks in all their spellings.

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

pub struct Dirt {
    random: Random,
    share: f64,
}

impl Dirt {
    pub fn new(seed: u64, share: f64) -> Self {
        // A sequence of its own: dirt changes no clean row.
        Self {
            random: Random::new(seed ^ 0xd1e7),
            share,
        }
    }

    /// Soils the row, or leaves it; true if a blank line goes before it.
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
