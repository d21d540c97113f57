//! Calls the guest with a batch; when a row breaks it, splits the batch in halves until the culprits stand alone.
//!
//! After any fault the instance is gone and a new one takes over, so what one record did to the guest's memory reaches
//! no other. k culprits in n rows cost at most 2k * (log2(n / k) + 2) calls beyond the first.

use crate::plugin::{Instance, Plugin, PluginError};
use crate::record::columns::Batch;
use crate::record::descriptor::{Outcome, Rows};

use super::fault::{Disposition, Fault, disposition};

/// A plugin with its instance, replaced after every fault.
pub struct Guest<'a> {
    plugin: &'a Plugin,
    instance: Option<Instance>,
}

impl<'a> Guest<'a> {
    /// Goes on with an instance from an earlier batch, if there is one.
    pub fn new(plugin: &'a Plugin, instance: Option<Instance>) -> Self {
        Self { plugin, instance }
    }

    /// The instance, for the next batch.
    pub fn into_instance(self) -> Option<Instance> {
        self.instance
    }

    /// The outcome of every row: rows that break the guest are rejected, the others are as if those had not been there.
    ///
    /// # Errors
    /// No instance can be made any more, which says nothing about the records.
    pub fn transform(&mut self, batch: &Batch) -> Result<Outcome, PluginError> {
        let mut outcome = Outcome::default();
        // Halves still to do, the first row of each, earliest on top.
        let mut parts = vec![(0, batch.rows)];
        while let Some((start, rows)) = parts.pop() {
            let (instance, is_fresh) = match self.instance.take() {
                Some(instance) => (instance, false),
                None => (self.plugin.instantiate()?, true),
            };
            match instance.transform(&slice(batch, start, rows)) {
                Ok((instance, part)) => {
                    self.instance = Some(instance);
                    append(&mut outcome, part, row_number(start));
                }
                // What earlier records left in the guest's memory may be at fault: only a fresh instance is a witness.
                Err(_) if rows <= 1 && !is_fresh => parts.push((start, rows)),
                Err(error) if rows <= 1 => {
                    if let Disposition::Reject(reject) = disposition(Fault::Transform(&error)) {
                        outcome.rejects.push((row_number(start), reject));
                    }
                }
                Err(_) => {
                    let half = rows / 2;
                    parts.push((start + half, rows - half));
                    parts.push((start, half));
                }
            }
        }
        Ok(outcome)
    }
}

fn slice(batch: &Batch, start: usize, rows: usize) -> Batch {
    Batch {
        rows,
        columns: batch.columns.iter().map(|column| column.slice(start, rows)).collect(),
    }
}

/// Row numbers cross the border as u32; a batch is far smaller.
fn row_number(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}

/// Adds a part's outcome, its rows counted from the whole batch's first.
fn append(outcome: &mut Outcome, part: Outcome, start: u32) {
    outcome
        .filtered
        .extend(part.filtered.into_iter().map(|row| row + start));
    outcome
        .rejects
        .extend(part.rejects.into_iter().map(|(row, reject)| (row + start, reject)));
    outcome.rows.extend(part.rows.into_iter().map(|rows| Rows {
        source: rows.source.into_iter().map(|row| row + start).collect(),
        ..rows
    }));
}
