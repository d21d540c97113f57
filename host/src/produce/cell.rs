//! The error about a cell that does not fit its field's type.

/// Why a cell does not fit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    #[error("column {column}: {text:?} is not a valid {expected}")]
    Type {
        column: String,
        text: String,
        expected: String,
    },
    #[error("column {column} is empty, and the schema does not allow null there")]
    Null { column: String },
}
