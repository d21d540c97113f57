//! Two plugins over the same records: which rows, rejects and filtered records they have in common, and where they
//! differ.
//!
//! [`pairing`] says once which outputs and columns belong together. [`align`] says which rows do, [`order`] whether
//! they come in one order, [`value`] when two values are the same, and [`excerpt`] what is shown of them. A
//! [`report::ComparisonReport`] holds what was found, in one batch or in many. There is no I/O here: the caller calls the
//! plugins.

mod align;
mod excerpt;
mod order;
mod pairing;
pub mod report;
mod value;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::record::Record;
use crate::record::descriptor::{Descriptor, PluginIdentity, Rows};
use crate::record::reject::Reject;
use align::{Aligned, RowAt};
use pairing::{PairedColumn, PairedOutput};
use report::{ComparisonReport, Example, OutputReport, RejectExample, RowExample, Side};

/// What one plugin made of a batch of records. Everything is by record, its index in the batch.
#[derive(Debug, Default)]
pub struct Answer {
    /// The source of each row is its record.
    pub made: Vec<Rows>,
    pub rejects: BTreeMap<usize, Reject>,
    /// Time in the guest for the whole batch.
    pub took: Duration,
}

impl Answer {
    /// The records that have a row in any output.
    fn records_with_rows(&self) -> HashSet<usize> {
        self.made
            .iter()
            .flat_map(|made| made.source.iter().map(|&record| record as usize))
            .collect()
    }
}

/// One of the two plugins.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub identity: &'a PluginIdentity,
    pub descriptor: &'a Descriptor,
}

/// Compares answers of an old plugin with those of a new one.
#[derive(Debug)]
pub struct Comparer {
    outputs: Vec<PairedOutput>,
    /// The report before the first record.
    blank: ComparisonReport,
}

impl Comparer {
    /// Pairs the outputs of both plugins by table or topic; the report begins with no records.
    pub fn new(old: Subject<'_>, new: Subject<'_>) -> Self {
        let outputs = pairing::pair(&old.descriptor.outputs, &new.descriptor.outputs);
        let blank = ComparisonReport {
            old: Side::new(old.identity),
            new: Side::new(new.identity),
            records: 0,
            outputs: outputs.iter().map(PairedOutput::blank).collect(),
            ..ComparisonReport::default()
        };
        Self { outputs, blank }
    }

    /// The report before the first record: how the descriptors alone differ.
    pub fn blank(&self) -> &ComparisonReport {
        &self.blank
    }

    /// Compares what the two made of these records. Reports of several batches are merged by [`ComparisonReport::merge`].
    pub fn compare(&self, records: &[Record], old: &Answer, new: &Answer) -> ComparisonReport {
        let mut report = self.blank.clone();
        report.records = records.len() as u64;
        report.old.note_time(old.took);
        report.new.note_time(new.took);
        for (output, found) in self.outputs.iter().zip(&mut report.outputs) {
            Comparing { output, records, found }.run(old, new);
        }
        order::note(&self.outputs, records, old, new, &mut report.reordered);
        rejects(records, old, new, &mut report);
        filtered(records, old, new, &mut report);
        report
    }
}

/// One output of one batch.
struct Comparing<'a> {
    output: &'a PairedOutput,
    records: &'a [Record],
    found: &'a mut OutputReport,
}

impl Comparing<'_> {
    fn run(mut self, old: &Answer, new: &Answer) {
        let aligned = Aligned::new(
            self.output.old.as_ref().map(|output| (old, output.index)),
            self.output.new.as_ref().map(|output| (new, output.index)),
        );
        let mut differs = vec![false; aligned.pairs.len()];
        for (index, column) in self.output.columns.iter().enumerate() {
            self.column(index, column, &aligned, &mut differs);
        }
        let different = differs.iter().filter(|differs| **differs).count() as u64;
        self.found.different += different;
        self.found.equal += aligned.pairs.len() as u64 - different;
        let example = |row: &RowAt<'_>, fields| RowExample {
            record: self.records[row.record].position.to_string(),
            row: excerpt::row(fields, row),
        };
        for row in &aligned.only_old {
            let fields = self.output.old_fields();
            self.found.only_old.note(|| example(row, fields));
        }
        for row in &aligned.only_new {
            let fields = self.output.new_fields();
            self.found.only_new.note(|| example(row, fields));
        }
    }

    /// Compares one column of all rows that have a counterpart.
    fn column(&mut self, index: usize, column: &PairedColumn, aligned: &Aligned<'_>, differs: &mut [bool]) {
        let values = &mut self.found.columns[index].values;
        let (both, name) = (column.both(), &self.output.name_columns);
        if let Some((old, new)) = both
            && aligned.is_identical(old.place, new.place)
            && old.field.data_type == new.field.data_type
        {
            return;
        }
        for ((old_row, new_row), differs) in aligned.pairs.iter().zip(differs) {
            let is_same = match both {
                Some((old, new)) => value::is_same(
                    (&old.field, old_row.column(old.place), old_row.row),
                    (&new.field, new_row.column(new.place), new_row.row),
                ),
                // A column of one side only: a null there is the same as no column at all.
                None => column.is_null(old_row, new_row),
            };
            if is_same {
                continue;
            }
            // A column that was added or removed is reported once, and does not make a row a different one.
            *differs |= both.is_some();
            values.note(|| {
                let shown = excerpt::values(column, old_row, new_row);
                Example {
                    record: self.records[old_row.record].position.to_string(),
                    row: excerpt::name(name, old_row),
                    old: shown.0,
                    new: shown.1,
                }
            });
        }
    }
}

fn rejects(records: &[Record], old: &Answer, new: &Answer, report: &mut ComparisonReport) {
    let found = &mut report.rejects;
    let example = |record: usize, old: Option<&Reject>, new: Option<&Reject>| RejectExample {
        record: records[record].position.to_string(),
        old: old.map(|reject| excerpt::message(&reject.message)),
        new: new.map(|reject| excerpt::message(&reject.message)),
    };
    for (&record, was) in &old.rejects {
        match new.rejects.get(&record) {
            Some(is) if is.code == was.code && is.stage == was.stage => found.same += 1,
            Some(is) => {
                let codes = format!("{} -> {}", was.code, is.code);
                report::note_code(&mut found.changed, &codes, || example(record, Some(was), Some(is)));
            }
            None => report::note_code(&mut found.lost, &was.code, || example(record, Some(was), None)),
        }
    }
    for (&record, is) in &new.rejects {
        if !old.rejects.contains_key(&record) {
            report::note_code(&mut found.gained, &is.code, || example(record, None, Some(is)));
        }
    }
}

/// Every record that is not the source of a row and not rejected was filtered; the plugin's outcome was checked for
/// that.
fn filtered(records: &[Record], old: &Answer, new: &Answer, report: &mut ComparisonReport) {
    let (old_rows, new_rows) = (old.records_with_rows(), new.records_with_rows());
    let found = &mut report.filtered;
    for (index, record) in records.iter().enumerate() {
        let was = !old_rows.contains(&index) && !old.rejects.contains_key(&index);
        let is = !new_rows.contains(&index) && !new.rejects.contains_key(&index);
        match (was, is) {
            (true, true) => found.same += 1,
            (false, true) => found.gained.note(|| record.position.to_string()),
            (true, false) => found.lost.note(|| record.position.to_string()),
            (false, false) => {}
        }
    }
}

#[cfg(test)]
mod tests;
