//! How verbs write what they have to say: lines as they go on and at their end, as text or as JSON.

use std::io::Write;
use std::time::Duration;

use super::failure::Failure;
use crate::pipeline::watch::totals::Counts;

/// How a verb prints what it has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// Words and tables.
    Text,
    /// One JSON value; of a list of letters, one object a line.
    Json,
}

/// Writes a line of output. If it cannot be written, the verb ends.
pub fn say(out: &mut (dyn Write + Send), line: &str) -> Result<(), Failure> {
    writeln!(out, "{line}").map_err(|error| Failure::Failed(error.into()))
}

/// Writes the last line of a run: `read 1000 records: 980 rows written, 3 filtered, 17 rejected (bad-uuid 12, bad-timestamp
/// 5) in 1.23 s, 813 records/s`.
pub fn counts(out: &mut (dyn Write + Send), counts: &Counts, took: Duration) -> Result<(), Failure> {
    let seconds = took.as_secs_f64();
    let line = format!(
        "read {} records: {} rows written, {} filtered, {} in {seconds:.2} s, {:.0} records/s",
        counts.records,
        counts.rows_written,
        counts.filtered,
        counts.rejected_text(),
        counts.records as f64 / seconds.max(1e-3),
    );
    say(out, &line)
}

/// Groups the digits by three: 1234567 becomes `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        let numbers = [0, 999, 1_000, 32_768, 1_234_567];
        assert_eq!(numbers.map(grouped), ["0", "999", "1,000", "32,768", "1,234,567"]);
    }
}
