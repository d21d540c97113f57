//! The letters that a replay reads, and the line about them at the end.

use std::io::Write;

use crate::record::letter::replay::Selection;
use crate::source::letters::read::Ranges;
use crate::source::letters::{Counts, LettersLocation};

/// Where letters are read, and which of them.
pub(super) struct Reading {
    pub place: LettersLocation,
    /// `None` means all letters.
    pub ranges: Option<Ranges>,
    pub selection: Selection,
}

/// Writes the line: `letters taken: 12, generation 2 and above; 8 left out by --where`.
pub(super) fn say_letters(out: &mut dyn Write, counts: Counts, floor: u8) -> std::io::Result<()> {
    write!(out, "letters taken: {}, generation {floor} and above", counts.taken)?;
    for (count, what) in [
        (counts.filtered, "left out by --where"),
        (counts.too_often, "left, since they were replayed --max-replays times"),
        (counts.no_generation, "left, since every generation is used"),
        (
            counts.gone,
            "left, since their value was only in its topic and is not there any more",
        ),
        (counts.strangers, "passed over, since they are not dead letters of host"),
    ] {
        if count > 0 {
            write!(out, "; {count} {what}")?;
        }
    }
    writeln!(out)
}
