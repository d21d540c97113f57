//! The measurements, as JSON and as text with a table of the stages.

use std::collections::BTreeMap;
use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::app::say::grouped;
use crate::pipeline::watch::totals::Counts;
use crate::record::display::printable;

/// The figures of one plugin and one file.
#[derive(Serialize)]
pub struct BenchReport {
    pub plugin: String,
    pub version: String,
    pub digest: String,
    /// The length of the component's file.
    pub size_bytes: usize,
    /// The time of the compiler on all cores and of a first instance.
    pub compile_ms: f64,
    pub instantiate_us: Spread,
    pub memory: Memory,
    pub file: String,
    pub counts: RecordCounts,
    pub batch_records: usize,
    pub rounds: usize,
    pub records_per_second: Spread,
    pub ns_per_record: Stages<Spread>,
}

/// The guest's linear memory.
#[derive(Serialize)]
pub struct Memory {
    /// The memory of an instance that has handled no record yet.
    pub fresh_bytes: usize,
    pub most_bytes: usize,
    /// `plugin.limits.memory_mib`, in bytes.
    pub limit_bytes: usize,
}

/// The counts of the file's records, by what became of them.
#[derive(Serialize)]
pub struct RecordCounts {
    records: u64,
    rows: u64,
    filtered: u64,
    /// Rejects by code.
    rejected: BTreeMap<String, u64>,
    #[serde(skip)]
    rejected_text: String,
}

/// The median of several measurements, with the lowest and the highest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

/// The stages of a batch, in their order, each in nanoseconds a record.
#[derive(Serialize)]
pub struct Stages<T> {
    pub decode: T,
    pub lower: T,
    pub guest: T,
    pub lift: T,
    /// The sum of `lower`, `guest` and `lift`: from columns to columns.
    pub transform: T,
    /// All stages, and the time to free the memory that they used.
    pub whole: T,
}

/// One round: nanoseconds a record of each stage.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    pub decode: f64,
    pub lower: f64,
    pub guest: f64,
    pub lift: f64,
    /// The whole round.
    pub whole: f64,
}

impl Round {
    fn transform(&self) -> f64 {
        self.lower + self.guest + self.lift
    }
}

impl Spread {
    /// The spread of at least one value. The median of an even number is the mean of the two in the middle.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Self {
            median,
            least: values[0],
            most: values[values.len() - 1],
        }
    }
}

impl Stages<Spread> {
    /// Gives the spread of each stage over the rounds, of which there must be at least one.
    pub fn of(rounds: &[Round]) -> Self {
        let spread = |stage: fn(&Round) -> f64| Spread::of(rounds.iter().map(stage));
        Self {
            decode: spread(|round| round.decode),
            lower: spread(|round| round.lower),
            guest: spread(|round| round.guest),
            lift: spread(|round| round.lift),
            transform: spread(Round::transform),
            whole: spread(|round| round.whole),
        }
    }
}

impl From<Counts> for RecordCounts {
    fn from(counts: Counts) -> Self {
        Self {
            rejected_text: counts.rejected_text(),
            records: counts.records,
            rows: counts.rows_written,
            filtered: counts.filtered,
            rejected: counts.rejected,
        }
    }
}

impl BenchReport {
    /// Writes it for people.
    pub fn show(&self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let (memory, counts) = (&self.memory, &self.counts);
        let (name, version) = (printable(&self.plugin), printable(&self.version));
        let Spread { median, least, most } = self.instantiate_us;
        writeln!(
            out,
            "plugin       {name} {version}, {} bytes",
            grouped(self.size_bytes as u64)
        )?;
        writeln!(out, "compile      {:.0} ms", self.compile_ms)?;
        writeln!(out, "instantiate  {median:.0} us ({least:.0}-{most:.0})")?;
        writeln!(
            out,
            "memory       {} KiB of an instance at first, {} KiB at most, {} KiB allowed",
            grouped(memory.fresh_bytes as u64 >> 10),
            grouped(memory.most_bytes as u64 >> 10),
            grouped(memory.limit_bytes as u64 >> 10)
        )?;
        writeln!(
            out,
            "records      {} of {}: {} rows, {} filtered, {}\n",
            grouped(counts.records),
            self.file,
            grouped(counts.rows),
            grouped(counts.filtered),
            counts.rejected_text
        )?;
        writeln!(out, "{}", self.table().trim_fmt())?;
        let rate = self.records_per_second;
        writeln!(
            out,
            "\n{} records/s on one core ({}-{}) in batches of {}, {} rounds",
            whole(rate.median),
            whole(rate.least),
            whole(rate.most),
            grouped(self.batch_records as u64),
            self.rounds
        )
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["ns a record", "median", "least", "most", ""]);
        let stages = &self.ns_per_record;
        for (name, spread, what) in [
            ("decode", stages.decode, "values to columns"),
            ("transform", stages.transform, "columns to columns:"),
            ("  lower", stages.lower, "columns made ready to be lent"),
            ("  guest", stages.guest, "copied in, worked on, copied out"),
            ("  lift", stages.lift, "checked, made columns again"),
            ("whole", stages.whole, "and all of it given back"),
        ] {
            let [median, least, most] = [spread.median, spread.least, spread.most].map(|time| format!("{time:.1}"));
            table.add_row([name, &median, &least, &most, what]);
        }
        for column in 1..=3 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

/// A rate is never negative and far below 2^52.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded before")]
fn whole(rate: f64) -> String {
    grouped(rate.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_one_or_the_mean_of_two() {
        let spread = |median, least, most| Spread { median, least, most };
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), spread(2.0, 1.0, 3.0));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 10.0]), spread(3.0, 1.0, 10.0));
        assert_eq!(Spread::of([7.0]), spread(7.0, 7.0, 7.0));
    }

    #[test]
    fn the_transform_is_added_up_within_a_round() {
        let round = |times: f64| Round {
            decode: 10.0 * times,
            lower: times,
            guest: 5.0 * times,
            lift: 2.0 * times,
            whole: 20.0 * times,
        };
        let stages = Stages::of(&[round(1.0), round(3.0), round(2.0)]);
        assert_eq!(stages.transform, Spread::of([8.0, 16.0, 24.0]));
        assert_eq!(stages.whole, Spread::of([20.0, 40.0, 60.0]));
    }
}
