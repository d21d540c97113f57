//! What a report shows of rows and values: little enough to keep and to read, and always with the difference in it.

use super::align::RowAt;
use super::pairing::{PairedColumn, PlacedField};
use super::report::{Cell, Shown};
use crate::record::descriptor::Field;
use crate::record::display;

/// Characters of one value.
const MAX_CHARS: usize = 120;

/// Characters that are shown before the first difference, if a value is cut.
const BEFORE: usize = 20;

/// Characters of the message of a reject.
const MAX_MESSAGE_CHARS: usize = 300;

/// Columns of a whole row.
const MAX_CELLS: usize = 16;

/// The columns that say which row it is.
pub fn name(columns: &[PlacedField], row: &RowAt<'_>) -> Vec<Cell> {
    let cells = columns.iter().map(|placed| cell(&placed.field, placed.place, row));
    cells.collect()
}

/// A whole row.
pub fn row(fields: &[Field], row: &RowAt<'_>) -> Vec<Cell> {
    let cells = fields.iter().enumerate().map(|(place, field)| cell(field, place, row));
    cells.take(MAX_CELLS).collect()
}

fn cell(field: &Field, place: usize, row: &RowAt<'_>) -> Cell {
    Cell {
        column: field.name.clone(),
        value: text(field, place, row).map_or(Shown::Null, |text| Shown::Text(cut(&text))),
    }
}

/// The two values of a column; `None` on the side that has no such column.
pub fn values(column: &PairedColumn, old: &RowAt<'_>, new: &RowAt<'_>) -> (Option<Shown>, Option<Shown>) {
    let side = |field: &Option<PlacedField>, row: &RowAt<'_>| {
        let field = field.as_ref()?;
        Some(text(&field.field, field.place, row))
    };
    let (old, new) = (side(&column.old, old), side(&column.new, new));
    let from = match (&old, &new) {
        (Some(Some(old)), Some(Some(new))) => first_difference(old, new),
        _ => 0,
    };
    let shown = |value: Option<Option<String>>| {
        value.map(|value| value.map_or(Shown::Null, |text| Shown::Text(window(&text, from))))
    };
    (shown(old), shown(new))
}

/// The value as text; `None` for null.
fn text(field: &Field, place: usize, row: &RowAt<'_>) -> Option<String> {
    display::text(field, row.column(place), row.row)
}

/// A value, cut where it is long.
fn cut(text: &str) -> String {
    window(text, 0)
}

/// A message, cut if it is longer than a sentence should be.
pub fn message(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Characters that two texts have in common at their beginning.
fn first_difference(old: &str, new: &str) -> usize {
    old.chars().zip(new.chars()).take_while(|(old, new)| old == new).count()
}

/// The text around this character.
fn window(text: &str, around: usize) -> String {
    let mut start = 0;
    let is_longer = |chars: usize| text.chars().nth(chars).is_some();
    if is_longer(MAX_CHARS) && around > MAX_CHARS - BEFORE {
        start = around - BEFORE;
    }
    let shown: String = text.chars().skip(start).take(MAX_CHARS).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if is_longer(start + MAX_CHARS) { "…" } else { "" };
    format!("{before}{shown}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_shown_around_what_differs() {
        let old = format!("{}old{}", "a".repeat(500), "b".repeat(500));
        let new = old.replace("old", "new");
        let from = first_difference(&old, &new);
        assert_eq!(from, 500);
        let (old, new) = (window(&old, from), window(&new, from));
        assert!(
            old.starts_with("…aaaa") && old.contains("aold") && old.ends_with("b…"),
            "{old}"
        );
        assert!(new.contains("anew"), "{new}");
        assert_eq!(old.chars().count(), MAX_CHARS + 2);
    }

    #[test]
    fn a_short_value_is_shown_whole() {
        assert_eq!(window("grün", 3), "grün");
        assert_eq!(cut(&"ü".repeat(MAX_CHARS)), "ü".repeat(MAX_CHARS));
        assert_eq!(cut(&"ü".repeat(MAX_CHARS + 1)), format!("{}…", "ü".repeat(MAX_CHARS)));
    }
}
