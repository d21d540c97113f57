//! The findings of `host check`.

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Fits(String),
    /// It works, but perhaps not as expected.
    Note(String),
    Mismatch(String),
}
