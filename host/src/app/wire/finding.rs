//! What `host check` finds.

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Fits(String),
    /// It runs, but perhaps not as one thinks.
    Note(String),
    Mismatch(String),
}
