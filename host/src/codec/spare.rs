//! Reuses strings from record to record, for the few values that cannot be borrowed: a JSON string with escapes, or a
//! number as text.

use std::borrow::Cow;
use std::fmt::{Display, Write};

use super::value::Cell;

/// Longer strings are freed, so that one long value does not keep its memory.
const KEPT_BYTES: usize = 64 * 1024;

/// Empty strings for reuse. They come from cells that are in their columns now.
#[derive(Default)]
pub struct Spare(Vec<String>);

impl Spare {
    /// An empty string.
    pub fn take(&mut self) -> String {
        self.0.pop().unwrap_or_default()
    }

    /// The value as text.
    pub fn write<'a>(&mut self, value: impl Display) -> Cow<'a, str> {
        let mut text = self.take();
        // Writing to a String cannot fail.
        let _ = write!(text, "{value}");
        text.into()
    }

    /// Empties the row and keeps its strings for reuse.
    pub fn clear(&mut self, row: &mut Vec<Cell<'_>>) {
        for cell in row.drain(..) {
            if let Cell::Text(Cow::Owned(mut text)) = cell
                && text.capacity() <= KEPT_BYTES
            {
                text.clear();
                self.0.push(text);
            }
        }
    }
}
