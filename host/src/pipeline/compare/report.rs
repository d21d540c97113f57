//! The result of a comparison, counted over any number of batches, with a few examples of each kind of difference.
//!
//! It is kept while a pipeline runs, so everything in it has a bound: examples, reject codes, and the length of a value
//! that is shown. `host diff --json` and the status of a shadow show it as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::record::descriptor::{Field, PluginIdentity};

/// Examples of one kind of difference: enough to see what it is, and few enough to read.
pub const MAX_EXAMPLES: usize = 5;

/// Reject codes that are counted one by one. A plugin makes its codes itself, so there could be any number.
const MAX_CODES: usize = 50;

/// Counts the rejects of all further codes.
const OTHER_CODES: &str = "(other codes)";

/// How the outcomes of two plugins for the same records differ, with examples. Its JSON form is that of `host diff` and
/// of a shadow's report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparisonReport {
    pub old: Side,
    pub new: Side,
    /// Records that went through both.
    pub records: u64,
    pub outputs: Vec<OutputReport>,
    /// Records whose rows for one table or topic come in another order over several outputs.
    #[serde(default)]
    pub reordered: Tally<String>,
    pub rejects: RejectReport,
    pub filtered: FilterReport,
}

/// One of the two plugins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    pub name: String,
    pub version: String,
    pub digest: String,
    /// Time in the guest for all records, nanoseconds.
    pub guest_ns: u64,
}

/// One output: a table or a topic, and what is done there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputReport {
    /// `table orders`
    pub target: String,
    /// Rows are deleted there, not written.
    pub is_delete: bool,
    /// The output's name in the old plugin; absent if only the new one has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// Rows that both make and that are the same in every column that both have.
    pub equal: u64,
    pub different: u64,
    pub only_old: Tally<RowExample>,
    pub only_new: Tally<RowExample>,
    pub columns: Vec<ColumnReport>,
}

/// How one column of an output differs, in its declaration and in its values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnReport {
    pub name: String,
    /// How the old plugin declares it; absent where only the new one has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Declared>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Declared>,
    /// Rows of both in which the values differ. For a column of one side: rows in which it is not null.
    pub values: Tally<Example>,
}

/// A column as a descriptor declares it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    pub data_type: String,
    pub nullable: bool,
}

/// Rejects, by record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectReport {
    /// Records that both reject, at the same stage with the same code.
    pub same: u64,
    /// Records that only the new plugin rejects, by code.
    pub gained: Codes,
    /// Records that only the old plugin rejects, by code.
    pub lost: Codes,
    /// Records that both reject, by `old code -> new code`.
    pub changed: Codes,
}

/// Rejects by their code, each code with examples.
pub type Codes = BTreeMap<String, Tally<RejectExample>>;

/// Records left out on purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterReport {
    pub same: u64,
    /// Records that only the new plugin leaves out.
    pub gained: Tally<String>,
    /// Records that only the old plugin leaves out.
    pub lost: Tally<String>,
}

/// A count, and the first examples of what it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally<E> {
    pub count: u64,
    pub examples: Vec<E>,
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Where the record stands: `orders/0@17`, `orders.csv:18`.
    pub record: String,
    /// The columns that say which of its rows it is.
    pub row: Vec<Cell>,
    /// Absent (not null) where the old plugin has no such column.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub old: Option<Shown>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub new: Option<Shown>,
}

/// A row that only one side makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowExample {
    pub record: String,
    pub row: Vec<Cell>,
}

/// A record that is rejected, with the messages of those that reject it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectExample {
    pub record: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// One value of a row, by the name of its column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    pub column: String,
    pub value: Shown,
}

/// A value as it is shown; in JSON text or null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Shown {
    Null,
    Text(String),
}

/// A null that is there is a value; a member that is absent is not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Shown>, D::Error> {
    Shown::deserialize(deserializer).map(Some)
}

impl ComparisonReport {
    /// Whether both did the same with every record, and declare the same outputs.
    pub fn is_same(&self) -> bool {
        self.outputs.iter().all(OutputReport::is_same)
            && self.reordered.count == 0
            && self.rejects.is_same()
            && self.filtered.is_same()
    }

    /// Adds the report of another batch. Both reports must come from one comparer, so that their outputs and columns
    /// agree.
    pub fn merge(&mut self, batch: Self) {
        self.records += batch.records;
        self.old.guest_ns += batch.old.guest_ns;
        self.new.guest_ns += batch.new.guest_ns;
        for (output, more) in self.outputs.iter_mut().zip(batch.outputs) {
            output.merge(more);
        }
        self.reordered.merge(batch.reordered);
        self.rejects.same += batch.rejects.same;
        merge_codes(&mut self.rejects.gained, batch.rejects.gained);
        merge_codes(&mut self.rejects.lost, batch.rejects.lost);
        merge_codes(&mut self.rejects.changed, batch.rejects.changed);
        self.filtered.same += batch.filtered.same;
        self.filtered.gained.merge(batch.filtered.gained);
        self.filtered.lost.merge(batch.filtered.lost);
    }
}

impl Side {
    /// The plugin's name, version and digest, with no time in the guest yet.
    pub fn new(identity: &PluginIdentity) -> Self {
        Self {
            name: identity.name.to_string(),
            version: identity.version.to_string(),
            digest: identity.digest.to_string(),
            guest_ns: 0,
        }
    }

    pub(super) fn note_time(&mut self, took: Duration) {
        self.guest_ns += u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    }

    /// Time in the guest for one record, nanoseconds.
    pub fn ns_per_record(&self, records: u64) -> u64 {
        self.guest_ns.checked_div(records).unwrap_or_default()
    }
}

impl OutputReport {
    /// Whether both plugins have the output, declare it alike and made the same rows for it.
    pub fn is_same(&self) -> bool {
        let is_in_both = self.old.is_some() && self.new.is_some();
        let rows = self.different + self.only_old.count + self.only_new.count;
        is_in_both && rows == 0 && self.columns.iter().all(|column| column.old == column.new)
    }

    fn merge(&mut self, batch: Self) {
        self.equal += batch.equal;
        self.different += batch.different;
        self.only_old.merge(batch.only_old);
        self.only_new.merge(batch.only_new);
        for (column, more) in self.columns.iter_mut().zip(batch.columns) {
            column.values.merge(more.values);
        }
    }
}

impl RejectReport {
    /// Whether both plugins rejected the same records with the same codes.
    pub fn is_same(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty() && self.changed.is_empty()
    }
}

impl FilterReport {
    /// Whether both plugins filtered the same records.
    pub fn is_same(&self) -> bool {
        self.gained.count + self.lost.count == 0
    }
}

impl Declared {
    /// The type and nullability that a plugin declares for the field.
    pub fn new(field: &Field) -> Self {
        Self {
            data_type: field.data_type.to_string(),
            nullable: field.nullable,
        }
    }
}

impl<E> Tally<E> {
    /// Counts one more. The example is only made while fewer than [`MAX_EXAMPLES`] are kept.
    pub fn note(&mut self, example: impl FnOnce() -> E) {
        self.count += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(example());
        }
    }

    fn merge(&mut self, more: Self) {
        self.count += more.count;
        let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(more.examples.into_iter().take(room));
    }
}

impl<E> Default for Tally<E> {
    fn default() -> Self {
        Self {
            count: 0,
            examples: Vec::new(),
        }
    }
}

/// Counts a reject under its code.
pub(super) fn note_code(codes: &mut Codes, code: &str, example: impl FnOnce() -> RejectExample) {
    tally(codes, code).note(example);
}

fn merge_codes(codes: &mut Codes, more: Codes) {
    for (code, more) in more {
        tally(codes, &code).merge(more);
    }
}

fn tally<'c>(codes: &'c mut Codes, code: &str) -> &'c mut Tally<RejectExample> {
    let is_full = codes.len() >= MAX_CODES && !codes.contains_key(code);
    let code = if is_full { OTHER_CODES } else { code };
    codes.entry(code.to_owned()).or_default()
}
