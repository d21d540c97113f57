//! What became of the records, counted when they are settled.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// Codes that are counted one by one. A plugin can invent any number of them; the rest counts as [`OTHER`].
const CODES: usize = 50;

/// Stands for all codes beyond the first ones.
pub const OTHER: &str = "other";

/// Counts of a whole run, shared by the workers.
#[derive(Debug, Default)]
pub struct Totals {
    counts: Mutex<Counts>,
}

/// Records and rows that are settled.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    pub records: u64,
    pub rows_written: u64,
    pub filtered: u64,
    /// Rows of a file that are not valid rows, so that they became no records.
    pub skipped: u64,
    /// Dead letters by their code.
    pub rejected: BTreeMap<String, u64>,
}

impl Totals {
    /// Adds the counts of one batch.
    pub fn add(&self, batch: &Counts) {
        let mut counts = self.counts.lock();
        counts.records += batch.records;
        counts.rows_written += batch.rows_written;
        counts.filtered += batch.filtered;
        counts.skipped += batch.skipped;
        for (code, count) in &batch.rejected {
            let code = bounded(&counts.rejected, code).to_owned();
            *counts.rejected.entry(code).or_default() += count;
        }
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.counts.lock().clone()
    }
}

/// The code to count under, so that maps by code stay small.
pub fn bounded<'a, T>(known: &BTreeMap<String, T>, code: &'a str) -> &'a str {
    if known.len() < CODES || known.contains_key(code) {
        code
    } else {
        OTHER
    }
}

impl Counts {
    /// Counts one reject.
    pub fn reject(&mut self, code: &str) {
        match self.rejected.get_mut(code) {
            Some(count) => *count += 1,
            None => {
                self.rejected.insert(code.to_owned(), 1);
            }
        }
    }

    /// `17 rejected (bad-timestamp 5, bad-uuid 12)`
    pub fn rejected_text(&self) -> String {
        let total: u64 = self.rejected.values().sum();
        let by_code: Vec<_> = self
            .rejected
            .iter()
            .map(|(code, count)| format!("{code} {count}"))
            .collect();
        if by_code.is_empty() {
            return "0 rejected".to_owned();
        }
        format!("{total} rejected ({})", by_code.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_are_told_by_code() {
        let mut counts = Counts::default();
        assert_eq!(counts.rejected_text(), "0 rejected");
        for code in ["bad-uuid", "trap", "bad-uuid"] {
            counts.reject(code);
        }
        assert_eq!(counts.rejected_text(), "3 rejected (bad-uuid 2, trap 1)");
    }

    #[test]
    fn codes_beyond_the_bound_count_as_others() {
        let totals = Totals::default();
        for code in 0..CODES + 10 {
            let mut batch = Counts::default();
            batch.reject(&code.to_string());
            batch.reject("0");
            totals.add(&batch);
        }
        let counts = totals.counts();
        assert_eq!(counts.rejected.len(), CODES + 1);
        assert_eq!(counts.rejected[OTHER], 10);
        assert_eq!(counts.rejected["0"], CODES as u64 + 11);
    }
}
