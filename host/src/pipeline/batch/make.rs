//! What a plugin makes of a batch of records. Every caller goes this way: decode, skip duplicates, look up, call, sort
//! by record. A run does, and so do a shadow, `host try`, `verify`, `explain`, `diff`, `bench` and a dry run of dead
//! letters. The trial before a swap takes the first half, since it calls the plugin under a clock of its own.
//!
//! Duplicates and lookups have their places in [`take`], and nothing fills them yet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::codec::{CodecError, Decoded, Decoder};
use crate::pipeline::compare::Answer;
use crate::pipeline::watch::lap::Lap;
use crate::plugin::isolate::{Guest, GuestError};
use crate::plugin::{CallTimes, GuestThread, Instance, Plugin, PluginError, Stop};
use crate::record::Record;
use crate::record::columns::Batch;
use crate::record::descriptor::{Outcome, Rows};
use crate::record::reject::Reject;

/// What a plugin is given for some records.
#[derive(Debug)]
pub struct Taken {
    /// Column i belongs to input i.
    pub input: Batch,
    /// For each row of `input`, the index of its record.
    pub rows: Vec<usize>,
    /// The records that did not become a row, by index.
    pub rejects: Vec<(usize, Reject)>,
}

/// What became of some records. Everything is sorted by record, which is an index into them.
#[derive(Debug)]
pub struct Made {
    /// What the plugin was given.
    pub input: Batch,
    /// The rows of each output, in the plugin's order. `source` counts records.
    pub rows: Vec<Rows>,
    /// How many records the plugin left out on purpose.
    pub filtered: usize,
    pub rejects: BTreeMap<usize, Reject>,
    pub called: Called,
}

/// How the plugin was called for a batch.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// From the first call to the end of the last one, on the plugin's thread. Waiting for the thread does not count.
    pub lap: Lap,
    /// Where that time went.
    pub times: CallTimes,
    /// Calls of the guest: one where nothing is wrong.
    pub calls: u64,
}

/// Why a batch could not be made. No record is to blame for it.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Guest(#[from] GuestError),
}

/// Where a plugin is called: a thread of its own, and the instance that the last call left.
#[derive(Default)]
pub struct Warm {
    thread: GuestThread,
    kept: Option<(Arc<Plugin>, Instance)>,
    /// Instances replaced because their memory had grown, not yet counted.
    recycled: u64,
}

impl Warm {
    /// Makes the instance now, so that no call begins with it.
    ///
    /// # Errors
    /// The plugin cannot be started.
    pub fn start(plugin: &Arc<Plugin>) -> Result<Self, PluginError> {
        let instance = plugin.instantiate()?;
        Ok(Self {
            thread: GuestThread::default(),
            kept: Some((Arc::clone(plugin), instance)),
            recycled: 0,
        })
    }

    /// Drops the instance. The next call makes one.
    pub fn cool(&mut self) {
        self.kept = None;
    }

    /// How many instances were replaced since the last call of this function, because their memory had grown.
    pub fn take_recycled(&mut self) -> u64 {
        std::mem::take(&mut self.recycled)
    }

    /// Linear memory of the instance in bytes; `None` where there is no instance.
    pub fn held_bytes(&self) -> Option<usize> {
        self.kept.as_ref().map(|(_, instance)| instance.held_bytes())
    }
}

/// Decodes the records, and brings together what the plugin is to see of them.
///
/// # Errors
/// The records cannot be decoded at the moment, whatever they hold.
pub async fn take(decoder: &Decoder, records: &[Record]) -> Result<Taken, CodecError> {
    let Decoded { batch, rows, rejects } = decoder.decode(records).await?;
    // Later, copies of settled records will be taken out here, and then rows will be looked up by the keys of the
    // remaining records.
    Ok(Taken {
        input: batch,
        rows,
        rejects,
    })
}

/// Calls the plugin with what was taken of the records, and sorts what it returns by record. A row that breaks the
/// guest is a reject. Nothing is called where there are no rows.
///
/// # Errors
/// The plugin gives no outcome, whatever the records hold, or `stop` was asked for.
pub async fn call(plugin: &Arc<Plugin>, taken: Taken, warm: &mut Warm, stop: Stop) -> Result<Made, GuestError> {
    let Taken { input, rows, rejects } = taken;
    let (input, outcome, called) = if input.rows == 0 {
        (input, Outcome::default(), Called::nothing())
    } else {
        warm.call(plugin, input, stop).await?
    };
    Ok(sorted(input, &rows, rejects, outcome, called))
}

/// Takes the records and calls the plugin with them.
///
/// # Errors
/// See [`take`] and [`call`].
pub async fn make(
    plugin: &Arc<Plugin>,
    decoder: &Decoder,
    records: &[Record],
    warm: &mut Warm,
) -> Result<Made, MakeError> {
    let taken = take(decoder, records).await?;
    Ok(call(plugin, taken, warm, Stop::default()).await?)
}

impl Warm {
    async fn call(
        &mut self,
        plugin: &Arc<Plugin>,
        input: Batch,
        stop: Stop,
    ) -> Result<(Batch, Outcome, Called), GuestError> {
        let kept = self.kept.take().filter(|(of, _)| Arc::ptr_eq(of, plugin));
        let plugin = Arc::clone(plugin);
        let work = move || {
            let mut guest = Guest::new(&plugin, kept.map(|(_, instance)| instance)).stopping(stop);
            let begun = Instant::now();
            let outcome = guest.transform(&input);
            let called = Called {
                lap: Lap::since(begun),
                times: guest.times(),
                calls: guest.calls(),
            };
            let recycled = guest.recycled();
            let instance = guest.into_instance();
            let kept = instance.map(|instance| (plugin, instance));
            (outcome.map(|outcome| (input, outcome, called)), kept, recycled)
        };
        // A panic is a bug in this program, so it goes on to the caller.
        let (outcome, kept, recycled) = self.thread.run(work).await.map_err(PluginError::Thread)?;
        self.kept = kept;
        self.recycled += recycled;
        outcome
    }
}

impl Called {
    fn nothing() -> Self {
        Self {
            lap: Lap::since(Instant::now()),
            times: CallTimes::default(),
            calls: 0,
        }
    }
}

impl From<Made> for Answer {
    fn from(made: Made) -> Self {
        Self {
            made: made.rows,
            rejects: made.rejects,
            took: made.called.lap.took,
        }
    }
}

fn sorted(input: Batch, rows: &[usize], rejects: Vec<(usize, Reject)>, outcome: Outcome, called: Called) -> Made {
    let record_of = |row: u32| rows[row as usize];
    #[expect(clippy::cast_possible_truncation, reason = "a batch has 100,000 records at most")]
    let source = |rows: Rows| Rows {
        source: rows.source.iter().map(|&row| record_of(row) as u32).collect(),
        ..rows
    };
    let mut rejects: BTreeMap<_, _> = rejects.into_iter().collect();
    for (row, reject) in outcome.rejects {
        rejects.entry(record_of(row)).or_insert(reject);
    }
    Made {
        input,
        rows: outcome.rows.into_iter().map(source).collect(),
        filtered: outcome.filtered.len(),
        rejects,
        called,
    }
}
