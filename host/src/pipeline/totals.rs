//! What became of the records, counted when they are settled.

use std::collections::BTreeMap;
use std::sync::Mutex;

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
    /// Rows of a file that are no rows, so that no record came of them.
    pub skipped: u64,
    /// Dead letters by their code.
    pub rejected: BTreeMap<String, u64>,
}

impl Totals {
    /// Adds what one batch came to.
    pub fn add(&self, batch: &Counts) {
        let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        counts.records += batch.records;
        counts.rows_written += batch.rows_written;
        counts.filtered += batch.filtered;
        counts.skipped += batch.skipped;
        for (code, count) in &batch.rejected {
            *counts.rejected.entry(code.clone()).or_default() += count;
        }
    }

    pub fn counts(&self) -> Counts {
        self.counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
}

impl Counts {
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
        ["bad-uuid", "trap", "bad-uuid"]
            .into_iter()
            .for_each(|code| counts.reject(code));
        assert_eq!(counts.rejected_text(), "3 rejected (bad-uuid 2, trap 1)");
    }
}
