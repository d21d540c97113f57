//! Batches as Arrow arrays, with one Arrow type for each data type of the WIT interface `columns`.

use std::fmt;

use arrow_array::ArrayRef;
use arrow_schema::TimeUnit;

/// Columns of one length. Column i belongs to field i of the declaration, which is a plugin's inputs or
/// an output's fields.
#[derive(Debug, Clone)]
pub struct Batch {
    pub rows: usize,
    pub columns: Vec<ArrayRef>,
}

/// The data types that pass between host and plugin, as `columns.data-type` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    Boolean,
    Int32,
    Int64,
    Float64,
    Text,
    Blob,
    Json,
    Uuid,
    Timestamp,
    Date,
}

impl DataType {
    /// All data types, in the order of the WIT.
    pub const ALL: [Self; 10] = [
        Self::Boolean,
        Self::Int32,
        Self::Int64,
        Self::Float64,
        Self::Text,
        Self::Blob,
        Self::Json,
        Self::Uuid,
        Self::Timestamp,
        Self::Date,
    ];

    /// The Arrow type that holds such a column inside the host.
    ///
    /// `text` and `json` are `Utf8`, `blob` is `Binary`, `uuid` is `FixedSizeBinary(16)` in network order, `timestamp`
    /// is milliseconds since 1970-01-01T00:00 without a zone in the type (always UTC), `date` is `Date32`.
    pub fn to_arrow(self) -> arrow_schema::DataType {
        use arrow_schema::DataType as Arrow;
        match self {
            Self::Boolean => Arrow::Boolean,
            Self::Int32 => Arrow::Int32,
            Self::Int64 => Arrow::Int64,
            Self::Float64 => Arrow::Float64,
            Self::Text | Self::Json => Arrow::Utf8,
            Self::Blob => Arrow::Binary,
            Self::Uuid => Arrow::FixedSizeBinary(16),
            Self::Timestamp => Arrow::Timestamp(TimeUnit::Millisecond, None),
            Self::Date => Arrow::Date32,
        }
    }

    /// The name in the WIT.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float64 => "float64",
            Self::Text => "text",
            Self::Blob => "blob",
            Self::Json => "json",
            Self::Uuid => "uuid",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
