//! Why a cell cannot become what its column's schema says.

/// One cell of a row that does not fit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    #[error("column {column}: {text:?} is no {expected}")]
    Type {
        column: String,
        text: String,
        expected: String,
    },
    #[error("column {column} is empty, and the schema does not allow null there")]
    Null { column: String },
}
