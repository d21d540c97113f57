//! Strings used again from record to record, for the few values that have to be written anew: a JSON string with escapes,
//! a number as text.

use std::borrow::Cow;
use std::fmt::{Display, Write};

use super::value::Cell;

/// Longer ones are let go, so that one long value does not stay.
const KEPT_BYTES: usize = 64 * 1024;

/// Strings of the cells that are in their columns now, emptied.
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

    /// Empties the row.
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
