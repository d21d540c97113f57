//! What can be wrong with a plugin, and with one call of it.

use std::time::Duration;

use crate::record::causes::chain;
use crate::record::columns::DataType;
use crate::record::reject::{Reject, Stage};

/// A file that is no plugin of ours, or a plugin that cannot be readied. Each begins with "it": the file is named by
/// whoever opened it.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    #[error("wasmtime cannot be set up on this machine")]
    Engine(#[source] wasmtime::Error),
    #[error("it does not get a thread that it needs")]
    Thread(#[source] std::io::Error),
    #[error("it is {found}; expected a WebAssembly component of world host:transform/plugin@0.1.0{hint}")]
    NotAComponent { found: &'static str, hint: &'static str },
    #[error("it is a component that is cut off after {bytes} bytes: copy or build it again")]
    CutOff { bytes: usize },
    #[error("it is a component that is damaged or needs what this host does not give")]
    Compile(#[source] wasmtime::Error),
    #[error(
        "it imports {}; a plugin may import nothing but host:transform/* (no clock, files, network or random)",
        .imports.join(", ")
    )]
    ForbiddenImports { imports: Vec<String> },
    #[error("it is made for {}; this host runs {expected}: build it again with this host's SDK", .found.join(", "))]
    OtherVersion { found: Vec<String>, expected: &'static str },
    #[error("it does not export {expected}, but {}", one_of(.exports))]
    NoTransformer {
        expected: &'static str,
        exports: Vec<String>,
    },
    #[error("it does not fit the world host:transform/plugin@0.1.0")]
    World(#[source] wasmtime::Error),
    #[error(
        "{limit} instances run already, one for each partition that has records, which is the most that one host holds: \
         start another member of the group, so that this one has fewer partitions"
    )]
    NoRoom { limit: u32 },
    #[error("it fails before its first call")]
    Start(#[source] TransformError),
    #[error("it refuses its settings: {message}")]
    Settings { message: String },
    #[error("it fails in `configure`")]
    Configure(#[source] TransformError),
    #[error("what it says of itself does not hold: {why}")]
    Descriptor { why: String },
    #[error("it declares lookups ({}), which this version of the host does not read", .tables.join(", "))]
    Lookups { tables: Vec<String> },
    #[error("it describes itself differently from one instance to the next")]
    Unsteady,
}

/// Why a call of a guest gave nothing. The instance is gone.
#[derive(Debug, thiserror::Error)]
pub enum TransformError {
    #[error("the plugin trapped")]
    Trap(#[source] wasmtime::Trap),
    /// A trap before which the guest has said why, as the SDK's guests do: `panicked at src/lib.rs:91:14: …`. The text is
    /// one line, bounded, without control characters.
    #[error("the plugin trapped: {message}")]
    Panicked { message: String },
    #[error("the plugin did not return within {} ms of processor time (plugin.limits.deadline_ms)", .limit.as_millis())]
    Deadline { limit: Duration },
    /// `limit` is in bytes; it is said in the setting's unit, which it is a multiple of.
    #[error("the plugin wanted more than {} MiB of memory (plugin.limits.memory_mib)", .limit >> 20)]
    Memory { limit: usize },
    #[error("the plugin broke its contract")]
    Contract(#[source] Breach),
    /// Nobody wants the outcome any more: see [`super::Stop`].
    #[error("the call was stopped")]
    Stopped,
}

impl TransformError {
    /// The code of the dead letter of a record that does this alone.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trap(_) | Self::Panicked { .. } => "trap",
            Self::Deadline { .. } => "deadline",
            Self::Memory { .. } => "memory",
            Self::Contract(_) => "contract",
            // It is the code of no dead letter, since the record is played again.
            Self::Stopped => "stopped",
        }
    }

    /// The reject of a record that does this alone: the record is poison, since every other one comes through.
    pub fn reject(&self) -> Reject {
        Reject::new(Stage::Transform, self.code(), chain(self))
    }
}

/// What was wrong with what a guest returned.
#[derive(Debug, thiserror::Error)]
pub enum Breach {
    #[error("what it returned is not laid out as the WIT says, or is too much")]
    Layout(#[source] wasmtime::Error),
    #[error("rows for output {output}, though the plugin declares {outputs} (counted from 0)")]
    Output { output: u32, outputs: usize },
    #[error("output {output}: {found} columns for {expected} fields")]
    Columns {
        output: String,
        found: usize,
        expected: usize,
    },
    #[error("output {output}, column {column}")]
    Column {
        output: String,
        column: String,
        #[source]
        problem: ColumnProblem,
    },
    #[error("row {row} of a batch of {rows} does not exist")]
    NoSuchRow { row: u32, rows: usize },
    #[error("row {row} is in more than one of rows, filtered and rejects, or twice in one of the last two")]
    AccountedTwice { row: u32 },
    #[error("more than {limit} rows came of the record in row {row} (plugin.limits.rows_per_record)")]
    TooManyRows { row: u32, limit: u32 },
    #[error("reject code \"{code}\": a code is 1 to 64 of a-z, 0-9 and -")]
    Code { code: String },
}

/// What was wrong with one column.
#[derive(Debug, thiserror::Error)]
pub enum ColumnProblem {
    #[error("{found} values where {expected} was declared")]
    Type { found: &'static str, expected: DataType },
    #[error("{found} values for {rows} rows")]
    Length { found: usize, rows: usize },
    #[error("a bitmap of {found} bytes for {rows} rows")]
    Bitmap { found: usize, rows: usize },
    #[error("offsets that go backwards or do not stay within the {bytes} bytes of data")]
    Offsets { bytes: usize },
    #[error("null in row {row}, though the field is not nullable")]
    Null { row: usize },
    #[error("invalid JSON in row {row}")]
    Json { row: usize },
    #[error("values that are none of their type")]
    Arrow(#[from] arrow_schema::ArrowError),
}

fn one_of(exports: &[String]) -> String {
    match exports {
        [] => "nothing".to_owned(),
        exports => exports.join(", "),
    }
}
