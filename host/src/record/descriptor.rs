//! A plugin's description of itself: its identity, inputs and outputs. It mirrors the WIT interface `transformer`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::columns::{Batch, DataType};
use super::reject::Reject;

/// A column of an input or an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub data_type: DataType,
    pub nullable: bool,
}

/// Where an input field's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A field of the record's value, by name.
    Value(String),
    WholeValue,
    Key,
    Header(String),
    RecordTimestamp,
    Partition,
    Offset,
    Topic,
}

/// A column that the plugin takes, and where its values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    pub field: Field,
    pub origin: Origin,
}

/// Rows that the host reads by primary key before it calls the plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    pub table: String,
    pub key: Vec<String>,
    pub fields: Vec<Field>,
}

/// Where the rows of an output go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Table(String),
    Topic(String),
}

/// What a row of an output does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Upsert,
    Delete,
}

/// Rows that the plugin gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    pub target: Target,
    pub effect: Effect,
    pub fields: Vec<Field>,
}

/// The whole description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    pub name: String,
    pub version: String,
    pub inputs: Vec<Input>,
    pub lookups: Vec<Lookup>,
    pub outputs: Vec<Output>,
}

/// The identity of a plugin, as dead letters, logs and metrics name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginIdentity {
    pub name: Arc<str>,
    pub version: Arc<str>,
    pub digest: Digest,
}

/// SHA-256 of the component's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// The validated outcome of one call of a plugin. Every row number is inside the batch. Every column has the declared
/// type, length and nullability. Every input row is accounted for: rows that the plugin left out are in `rejects` with
/// the code `unaccounted`.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The rows, in the order of this list and then of the rows within each entry. That is also the order of the rows
    /// of one input row. An output may come several times.
    pub rows: Vec<Rows>,
    /// Input rows that the plugin left out on purpose.
    pub filtered: Vec<u32>,
    /// Input rows that were rejected, each with its reason.
    pub rejects: Vec<(u32, Reject)>,
}

/// Rows for one output.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Index into [`Descriptor::outputs`]; the columns of `batch` belong to that output's fields, in order.
    pub output: usize,
    /// `source[i]` is the input row that row i came from.
    pub source: Vec<u32>,
    pub batch: Batch,
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads `sha256:` and 64 hex digits.
impl FromStr for Digest {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let hex = text.strip_prefix("sha256:").ok_or(())?;
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(());
        }
        let mut digest = Self([0; 32]);
        for (index, byte) in digest.0.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).map_err(drop)?;
        }
        Ok(digest)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(name) => write!(f, "value field {name}"),
            Self::WholeValue => f.write_str("whole value"),
            Self::Key => f.write_str("key"),
            Self::Header(name) => write!(f, "header {name}"),
            Self::RecordTimestamp => f.write_str("record timestamp"),
            Self::Partition => f.write_str("partition"),
            Self::Offset => f.write_str("offset"),
            Self::Topic => f.write_str("topic"),
        }
    }
}

impl Target {
    /// The table's name, or `None` for a topic.
    pub fn table(&self) -> Option<&str> {
        match self {
            Self::Table(name) => Some(name),
            Self::Topic(_) => None,
        }
    }

    /// The topic's name, or `None` for a table.
    pub fn topic(&self) -> Option<&str> {
        match self {
            Self::Table(_) => None,
            Self::Topic(name) => Some(name),
        }
    }
}

impl Descriptor {
    /// The outputs that go to tables, each with its index.
    pub fn table_outputs(&self) -> impl Iterator<Item = (usize, &Output, &str)> {
        let outputs = self.outputs.iter().enumerate();
        outputs.filter_map(|(index, output)| Some((index, output, output.target.table()?)))
    }

    /// The outputs that go to topics, each with its index.
    pub fn topic_outputs(&self) -> impl Iterator<Item = (usize, &Output, &str)> {
        let outputs = self.outputs.iter().enumerate();
        outputs.filter_map(|(index, output)| Some((index, output, output.target.topic()?)))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(name) => write!(f, "table {name}"),
            Self::Topic(name) => write!(f, "topic {name}"),
        }
    }
}
