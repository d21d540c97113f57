//! Which field of a batch goes to which column of a table, and the values that are bound for it.

use super::convert::{Value, convert};
use super::quoted::quoted;
use super::types::{ColumnType, CqlValue, NativeType};
use crate::record::columns::{Batch, DataType};

/// A field and the column it goes to.
#[derive(Debug, Clone)]
pub struct Binding {
    /// Index into the fields of the batch.
    pub field: usize,
    pub data_type: DataType,
    pub column: String,
    pub column_type: ColumnType<'static>,
    pub role: Role,
}

/// The part that a column has in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Part of the primary key.
    Key,
    Value,
}

/// How a value stands in a frame where its column of the batch and its column of the table hold the same, so that nothing
/// has to be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Boolean,
    Int,
    BigInt,
    /// CQL's count from where Arrow's do.
    Timestamp,
    Double,
    Date,
    Uuid,
    Text,
    Blob,
}

/// Why there is no value to bind for a column of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    #[error("column {column}: {reason}")]
    Misfit { column: String, reason: String },
    #[error("column {column} is part of the primary key and the row has no value for it")]
    NullKey { column: String },
}

impl Binding {
    /// `None` where the types differ, so that values are converted.
    pub fn layout(&self) -> Option<Layout> {
        let ColumnType::Native(native) = &self.column_type else {
            return None;
        };
        match (self.data_type, native) {
            (DataType::Boolean, NativeType::Boolean) => Some(Layout::Boolean),
            (DataType::Int32, NativeType::Int) => Some(Layout::Int),
            (DataType::Int64, NativeType::BigInt) => Some(Layout::BigInt),
            (DataType::Timestamp, NativeType::Timestamp) => Some(Layout::Timestamp),
            (DataType::Float64, NativeType::Double) => Some(Layout::Double),
            (DataType::Date, NativeType::Date) => Some(Layout::Date),
            (DataType::Uuid, NativeType::Uuid) => Some(Layout::Uuid),
            (DataType::Text | DataType::Json, NativeType::Text) => Some(Layout::Text),
            (DataType::Blob, NativeType::Blob) => Some(Layout::Blob),
            _ => None,
        }
    }

    /// Whether the server keeps the column's values as several cells, each with its own write timestamp.
    pub fn is_many_cells(&self) -> bool {
        matches!(self.column_type, ColumnType::Collection { frozen: false, .. })
    }

    /// The value of a row, converted by the column's type; a null only where it is not of the primary key.
    pub fn value(&self, batch: &Batch, row: usize) -> Result<Option<CqlValue>, NoValue> {
        match Value::at(&batch.columns[self.field], self.data_type, row) {
            Some(value) => convert(value, &self.column_type)
                .map(Some)
                .map_err(|misfit| NoValue::Misfit {
                    column: self.column.clone(),
                    reason: misfit.to_string(),
                }),
            None if self.role == Role::Key => Err(NoValue::NullKey {
                column: self.column.clone(),
            }),
            None => Ok(None),
        }
    }
}

/// The condition that finds one row: `"id" = ? AND "at" = ?`. Bind markers: the key's bindings in order.
pub fn key_conditions(bindings: &[Binding]) -> String {
    let keys = bindings.iter().filter(|binding| binding.role == Role::Key);
    let keys = keys.map(|binding| format!("{} = ?", quoted(&binding.column)));
    keys.collect::<Vec<_>>().join(" AND ")
}

#[cfg(test)]
pub mod fixture {
    //! Bindings whose names need quotes, for the tests of statements.

    use super::*;

    /// Two columns of the key around two values, all of them texts.
    pub fn bindings() -> Vec<Binding> {
        let binding = |column: &str, role| Binding {
            field: 0,
            data_type: DataType::Text,
            column: column.to_owned(),
            column_type: ColumnType::Native(NativeType::Text),
            role,
        };
        vec![
            binding("id", Role::Key),
            binding("select", Role::Value),
            binding("odd \" name", Role::Value),
            binding("At", Role::Key),
        ]
    }
}
