//! Calls the guest with a batch; when a row breaks it, splits the batch in halves until the culprits stand alone.
//!
//! After any fault the instance is dropped and a new one takes over, so that what one record did to the guest's
//! memory reaches no other. An instance whose memory has grown too far is replaced between two calls (decision 0026).
//! k culprits in n rows cost at most 2k * (log2(n / k) + 2) calls beyond the first. They cost a few more if the batch
//! begins with many of them: a plugin that breaks on everything is noticed early.

use crate::failpoint::{self, Promise};
use crate::plugin::{CallTimes, Instance, Plugin, PluginError, Stop, TransformError};
use crate::record::columns::Batch;
use crate::record::descriptor::{Outcome, Rows};

/// After this many culprits in a row at the beginning of a batch, the rest of it is probed.
const SUSPICIOUS: usize = 16;

/// This many rows of the rest are probed, each alone.
const PROBES: usize = 8;

/// The plugin gives no outcome whatever the records hold: a halt, not a reject.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    #[error("the plugin cannot be started")]
    Start(#[from] PluginError),
    #[error("the plugin breaks on every record that it was given alone, out of a batch of {rows}; run one that works")]
    Broken {
        rows: usize,
        #[source]
        error: TransformError,
    },
    /// The outcome is not wanted any more: another plugin makes the batch anew.
    #[error("another plugin has been swapped in")]
    Stopped,
}

impl GuestError {
    /// Whether another plugin might do better. It would not if the machine has no room, no thread or no memory.
    pub fn is_of_the_plugin(&self) -> bool {
        // The component fitted the world when it was loaded.
        let is_machines = |error: &PluginError| {
            matches!(
                error,
                PluginError::NoRoom { .. } | PluginError::Thread(_) | PluginError::World(_)
            )
        };
        match self {
            Self::Start(error) => !is_machines(error),
            Self::Broken { .. } => true,
            Self::Stopped => false,
        }
    }
}

/// A plugin with its instance, replaced after every fault.
pub struct Guest<'a> {
    plugin: &'a Plugin,
    instance: Option<Instance>,
    stop: Stop,
    calls: u64,
    recycled: u64,
    times: CallTimes,
}

impl<'a> Guest<'a> {
    /// Continues with an instance from an earlier batch, if there is one.
    pub fn new(plugin: &'a Plugin, instance: Option<Instance>) -> Self {
        Self {
            plugin,
            instance,
            stop: Stop::default(),
            calls: 0,
            recycled: 0,
            times: CallTimes::default(),
        }
    }

    /// Gives a batch up once it is told to stop: a long call is cut off, and a batch that breaks the guest is split
    /// no further.
    #[must_use]
    pub fn stopping(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Calls of the guest so far: one for each batch if nothing is wrong.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Instances that were replaced because their memory had grown.
    pub fn recycled(&self) -> u64 {
        self.recycled
    }

    /// Where the time of all calls that gave an outcome went.
    pub fn times(&self) -> CallTimes {
        self.times
    }

    /// The instance, for the next batch.
    pub fn into_instance(self) -> Option<Instance> {
        self.instance
    }

    /// The outcome of every row. Rows that break the guest are rejected; the others come out as if those had not been
    /// there.
    ///
    /// # Errors
    /// The guest is at fault and not the records: no instance can be made any more, or every record breaks it. Or it
    /// was told to stop.
    pub fn transform(&mut self, batch: &Batch) -> Result<Outcome, GuestError> {
        let mut outcome = Outcome::default();
        // Halves still to do, each with its first row; the earliest is on top.
        let mut parts = vec![(0, batch.rows)];
        // Culprits found before any part gave an outcome.
        let mut broken_first = 0;
        let mut has_come_through = false;
        // The last row that did not return in time when it was called alone.
        let mut doubted = None;
        let mut has_run_out = false;
        while let Some((start, rows)) = parts.pop() {
            if rows < batch.rows && self.stop.is_asked() {
                return Err(GuestError::Stopped);
            }
            let (mut instance, is_fresh) = self.take_instance()?;
            self.calls += 1;
            instance.stop_when(self.stop.clone());
            let called = instance.transform_timed(&slice(batch, start, rows));
            if called.is_ok() || failpoint::is_broken(Promise::FreshInstanceAfterTrap) {
                self.instance = Some(instance);
            }
            match called {
                Ok((part, times)) => {
                    self.times += times;
                    has_come_through = true;
                    append(&mut outcome, part, row_number(start));
                }
                Err(TransformError::Stopped) => return Err(GuestError::Stopped),
                // Earlier batches may have left too little of the guest's memory for this one. A fresh instance has
                // all of it.
                Err(TransformError::Memory { .. }) if !is_fresh && !has_run_out && self.instance.is_none() => {
                    has_run_out = true;
                    self.recycled += 1;
                    parts.push((start, rows));
                }
                // Earlier records may have left the guest's memory in a bad state, so only the verdict of a fresh
                // instance counts.
                Err(_) if rows <= 1 && !is_fresh && self.instance.is_none() => parts.push((start, rows)),
                // A virtual machine that stood still may count that as processor time of the thread that it stopped.
                // No good record must be rejected for that, so a second instance is asked.
                Err(TransformError::Deadline { .. }) if rows <= 1 && doubted != Some(start) => {
                    doubted = Some(start);
                    parts.push((start, rows));
                }
                Err(error) if rows <= 1 => {
                    broken_first += usize::from(!has_come_through);
                    if broken_first == SUSPICIOUS && self.breaks_everywhere(batch, start + 1)? {
                        return Err(GuestError::Broken {
                            rows: batch.rows,
                            error,
                        });
                    }
                    outcome.rejects.push((row_number(start), error.reject()));
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

    /// The instance at hand, or a new one if there is none or it has grown too far; and whether it is new.
    fn take_instance(&mut self) -> Result<(Instance, bool), PluginError> {
        match self.instance.take() {
            Some(instance) if !instance.is_outgrown() => return Ok((instance, false)),
            // It is dropped before the next one takes its place.
            Some(_) => self.recycled += 1,
            None => {}
        }
        Ok((self.plugin.instantiate()?, true))
    }

    /// Whether rows all over the rest of the batch break the guest too, each alone in a fresh instance. Then a bad
    /// plugin was deployed, and finding that out row by row would take a deadline for each.
    fn breaks_everywhere(&mut self, batch: &Batch, from: usize) -> Result<bool, GuestError> {
        let rest = batch.rows - from;
        if rest < PROBES {
            return Ok(false);
        }
        for probe in 0..PROBES {
            self.calls += 1;
            let row = from + probe * (rest - 1) / (PROBES - 1);
            let mut instance = self.plugin.instantiate()?;
            instance.stop_when(self.stop.clone());
            match instance.transform(&slice(batch, row, 1)) {
                Ok(_) => return Ok(false),
                Err(TransformError::Stopped) => return Err(GuestError::Stopped),
                Err(_) => {}
            }
        }
        Ok(true)
    }
}

/// Some rows of a batch.
pub fn slice(batch: &Batch, start: usize, rows: usize) -> Batch {
    Batch {
        rows,
        columns: batch.columns.iter().map(|column| column.slice(start, rows)).collect(),
    }
}

/// Row numbers are passed to the guest as u32. A batch is far smaller than that.
fn row_number(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}

/// Appends a part's outcome, with its rows counted from the first row of the whole batch.
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
