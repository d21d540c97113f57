//! The errors of a plugin, and of one call of it.

use std::time::Duration;

use crate::record::causes::chain;
use crate::record::columns::DataType;
use crate::record::reject::Reject;
use crate::record::stage::Stage;

/// Why a file is not a plugin, or why a plugin cannot be made ready. Each text begins with "it": the caller, who opened
/// the file, names it.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    #[error("wasmtime cannot be set up on this machine")]
    Engine(#[source] wasmtime::Error),
    #[error("the system does not give the thread that it needs")]
    Thread(#[source] std::io::Error),
    #[error("it is {found}; expected a WebAssembly component of world host:transform/plugin@0.1.0{hint}")]
    NotAComponent { found: &'static str, hint: &'static str },
    #[error("it is a component that is cut off after {bytes} bytes: copy or build it again")]
    CutOff { bytes: usize },
    #[error("it is a component that is damaged, or needs something that this host does not have")]
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
    #[error("its description of itself is wrong: {why}")]
    Descriptor { why: String },
    #[error("it declares lookups ({}), which this version of the host does not read", .tables.join(", "))]
    Lookups { tables: Vec<String> },
    #[error("it describes itself differently from one instance to the next")]
    Unsteady,
}

/// Why a call of a guest failed. The instance cannot be used again.
#[derive(Debug, thiserror::Error)]
pub enum TransformError {
    #[error("the plugin trapped")]
    Trap(#[source] wasmtime::Trap),
    /// A trap right after the guest logged why, as the SDK's guests do: `panicked at src/lib.rs:91:14: …`. The text is
    /// one line of bounded length, without control characters.
    #[error("the plugin trapped: {message}")]
    Panicked { message: String },
    #[error("the plugin did not return within {} ms of processor time (plugin.limits.deadline_ms)", .limit.as_millis())]
    Deadline { limit: Duration },
    /// `limit` is in bytes and a whole number of MiB, the setting's unit.
    #[error("the plugin wanted more than {} MiB of memory (plugin.limits.memory_mib)", .limit >> 20)]
    Memory { limit: usize },
    #[error("the plugin broke its contract")]
    Contract(#[source] Breach),
    /// The outcome is not wanted any more: see [`super::Stop`].
    #[error("the call was stopped")]
    Stopped,
}

impl TransformError {
    /// The code for the dead letter of a record that causes this even when it is alone in its batch.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trap(_) | Self::Panicked { .. } => "trap",
            Self::Deadline { .. } => "deadline",
            Self::Memory { .. } => "memory",
            Self::Contract(_) => "contract",
            // This never reaches a dead letter, since the record is played again.
            Self::Stopped => "stopped",
        }
    }

    /// The reject of a record that causes this when it is alone. The record is at fault, since all others come through.
    pub fn reject(&self) -> Reject {
        Reject::new(Stage::Transform, self.code(), chain(self))
    }
}

/// How the outcome that a guest returned breaks the contract.
#[derive(Debug, thiserror::Error)]
pub enum Breach {
    #[error("its outcome is not laid out as the WIT says, or is too large")]
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
    #[error("the record in row {row} gave more than {limit} rows (plugin.limits.rows_per_record)")]
    TooManyRows { row: u32, limit: u32 },
    #[error("reject code \"{code}\": a code is 1 to 64 of a-z, 0-9 and -")]
    Code { code: String },
}

/// What is wrong with one column.
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
    #[error("values that are not valid for their type")]
    Arrow(#[from] arrow_schema::ArrowError),
}

fn one_of(exports: &[String]) -> String {
    match exports {
        [] => "nothing: is `#[transform]` on a function?".to_owned(),
        exports => exports.join(", "),
    }
}
