//! Which rows of two answers belong together: those of the same record, by their place among its rows.

use std::iter::Peekable;

use arrow_array::{Array, ArrayRef};

use super::Answer;
use crate::record::descriptor::Rows;

/// One row of an answer.
#[derive(Debug, Clone, Copy)]
pub struct RowAt<'a> {
    pub record: usize,
    pub made: &'a Rows,
    pub row: usize,
}

/// The rows of one output of both answers.
pub struct Aligned<'a> {
    pub pairs: Vec<(RowAt<'a>, RowAt<'a>)>,
    pub only_old: Vec<RowAt<'a>>,
    pub only_new: Vec<RowAt<'a>>,
    /// Set if both answers gave their rows at once and of the same records, so that columns can be compared whole.
    whole: Option<(&'a Rows, &'a Rows)>,
}

impl<'a> RowAt<'a> {
    /// The column at this place of the output, in which the row has a value.
    pub fn column(&self, place: usize) -> &'a ArrayRef {
        &self.made.batch.columns[place]
    }
}

impl<'a> Aligned<'a> {
    /// Aligns two outputs, each given by its answer and its index there; `None` if that side has no such output.
    pub fn new(old: Option<(&'a Answer, usize)>, new: Option<(&'a Answer, usize)>) -> Self {
        let whole = old.and_then(only).zip(new.and_then(only));
        let mut aligned = Self {
            pairs: Vec::new(),
            only_old: Vec::new(),
            only_new: Vec::new(),
            whole: whole.filter(|(old, new)| old.source == new.source),
        };
        let mut old = old.map_or_else(Vec::new, rows).into_iter().peekable();
        let mut new = new.map_or_else(Vec::new, rows).into_iter().peekable();
        while let Some(record) = next_record(&mut old, &mut new) {
            loop {
                let is_of = |row: &RowAt<'_>| row.record == record;
                match (old.next_if(is_of), new.next_if(is_of)) {
                    (Some(old), Some(new)) => aligned.pairs.push((old, new)),
                    (Some(old), None) => aligned.only_old.push(old),
                    (None, Some(new)) => aligned.only_new.push(new),
                    (None, None) => break,
                }
            }
        }
        aligned
    }

    /// Whether these columns hold the same, bit by bit. That is far cheaper than value by value, and the usual case.
    pub fn is_identical(&self, old: usize, new: usize) -> bool {
        let column = |made: &'a Rows, place: usize| -> &'a dyn Array { &*made.batch.columns[place] };
        self.whole
            .is_some_and(|(old_made, new_made)| column(old_made, old) == column(new_made, new))
    }
}

fn next_record<'a>(
    old: &mut Peekable<impl Iterator<Item = RowAt<'a>>>,
    new: &mut Peekable<impl Iterator<Item = RowAt<'a>>>,
) -> Option<usize> {
    let heads = [old.peek(), new.peek()];
    heads.into_iter().flatten().map(|row| row.record).min()
}

/// The rows of an output if they came at once and none of them is of a rejected record.
fn only((answer, output): (&Answer, usize)) -> Option<&Rows> {
    let mut of_output = answer.made.iter().filter(|made| made.output == output);
    let made = of_output.next()?;
    let is_kept = |&record: &u32| !answer.rejects.contains_key(&(record as usize));
    let is_only = of_output.next().is_none() && (answer.rejects.is_empty() || made.source.iter().all(is_kept));
    is_only.then_some(made)
}

/// The rows of an output by record, and within a record in the order in which they came. A rejected record has none,
/// since its rows are not written.
fn rows((answer, output): (&Answer, usize)) -> Vec<RowAt<'_>> {
    let of_output = answer.made.iter().filter(|made| made.output == output);
    let rows = of_output.flat_map(|made| {
        let numbered = made.source.iter().enumerate();
        numbered.map(move |(row, &record)| RowAt {
            record: record as usize,
            made,
            row,
        })
    });
    let mut rows: Vec<_> = rows.filter(|row| !answer.rejects.contains_key(&row.record)).collect();
    rows.sort_by_key(|row| row.record);
    rows
}
