//! The plugin on the bench: batches through decoder and guest, counted once and timed often; a record that breaks the
//! guest is found and named, since a guest that is replaced all the time says nothing about how fast it is.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Error, anyhow};

use crate::app::failure::Failure;
use crate::codec::{Decoded, Decoder};
use crate::pipeline::watch::totals::Counts;
use crate::plugin::isolate::slice;
use crate::plugin::{CallTimes, Instance, Plugin, TransformError};
use crate::record::Record;
use crate::record::descriptor::Outcome;

/// A plugin with one instance, which is called with every batch.
pub struct Subject<'a> {
    plugin: &'a Plugin,
    /// For messages: `plugin FILE`.
    name: String,
    decoder: Decoder,
    instance: Instance,
    /// Whether the instance was called before.
    is_used: bool,
    /// The most that an instance before this one held.
    held_before: usize,
}

/// Where the time went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    pub decode: Duration,
    pub lower: Duration,
    pub guest: Duration,
    pub lift: Duration,
}

impl Times {
    pub fn add(&mut self, other: Self) {
        self.decode += other.decode;
        self.lower += other.lower;
        self.guest += other.guest;
        self.lift += other.lift;
    }
}

impl<'a> Subject<'a> {
    /// # Errors
    /// No instance can be made.
    pub fn new(plugin: &'a Plugin, name: String) -> Result<Self, Failure> {
        let made = plugin.instantiate();
        let instance = made.with_context(|| name.clone()).map_err(Failure::Usage)?;
        Ok(Self {
            decoder: Decoder::new(&plugin.descriptor().inputs, None),
            plugin,
            name,
            instance,
            is_used: false,
            held_before: 0,
        })
    }

    /// The most linear memory that the guest has held so far.
    pub fn held_bytes(&self) -> usize {
        self.instance.held_bytes().max(self.held_before)
    }

    /// What becomes of the records, each counted once.
    ///
    /// # Errors
    /// The guest breaks on a record, or no record gets as far as the guest.
    pub async fn count(&mut self, records: &[Record], batch_records: usize) -> Result<Counts, Failure> {
        let mut counts = Counts::default();
        let mut first_reject = None;
        let mut taken = 0;
        for batch in records.chunks(batch_records) {
            let decoded = self.decode(batch).await?;
            let (outcome, _) = self.call(&decoded, batch)?;
            taken += decoded.batch.rows;
            counts.records += batch.len() as u64;
            counts.rows_written += outcome.rows.iter().map(|rows| rows.batch.rows as u64).sum::<u64>();
            counts.filtered += outcome.filtered.len() as u64;
            let rejects = decoded.rejects.iter().map(|(_, reject)| reject);
            let rejects = rejects.chain(outcome.rejects.iter().map(|(_, reject)| reject));
            rejects.for_each(|reject| counts.reject(&reject.code));
            if first_reject.is_none() {
                let first = decoded.rejects.first();
                first_reject = first.map(|(at, reject)| format!("{}: {}", batch[*at].position, reject.message));
            }
        }
        match first_reject {
            Some(reject) if taken == 0 => Err(Failure::Usage(anyhow!(
                "no record has what the plugin takes, the first one: {reject}"
            ))),
            _ => Ok(counts),
        }
    }

    /// Works through a batch as a run does, up to its rows.
    pub async fn time(&mut self, records: &[Record]) -> Result<Times, Failure> {
        let begun = Instant::now();
        let decoded = self.decode(records).await?;
        let decode = begun.elapsed();
        let (_, CallTimes { lower, guest, lift }) = self.call(&decoded, records)?;
        Ok(Times {
            decode,
            lower,
            guest,
            lift,
        })
    }

    async fn decode(&self, records: &[Record]) -> Result<Decoded, Failure> {
        let decoded = self.decoder.decode(records).await;
        decoded.context("cannot decode").map_err(Failure::Failed)
    }

    fn call(&mut self, decoded: &Decoded, records: &[Record]) -> Result<(Outcome, CallTimes), Failure> {
        if self.instance.is_outgrown() {
            self.renew()?;
        }
        let mut called = self.instance.transform_timed(&decoded.batch);
        // What earlier batches left in its memory may be at fault, as in a run.
        if matches!(called, Err(TransformError::Memory { .. })) && self.is_used {
            self.renew()?;
            called = self.instance.transform_timed(&decoded.batch);
        }
        self.is_used = true;
        called.map_err(|error| self.broken(decoded, records, error))
    }

    fn renew(&mut self) -> Result<(), Failure> {
        self.held_before = self.held_bytes();
        let made = self.plugin.instantiate();
        self.instance = made.with_context(|| self.name.clone()).map_err(Failure::Usage)?;
        self.is_used = false;
        Ok(())
    }

    /// Names the record that does this alone, in an instance of its own; else those of the batch that did it together.
    fn broken(&self, decoded: &Decoded, records: &[Record], error: TransformError) -> Failure {
        let alone = |row: usize| {
            let mut instance = self.plugin.instantiate().ok()?;
            instance.transform(&slice(&decoded.batch, row, 1)).err()
        };
        let place = |row: usize| &records[decoded.rows[row]].position;
        let last = decoded.batch.rows.saturating_sub(1);
        let culprit = (0..=last).find_map(|row| Some((row, alone(row)?)));
        let (place, error) = match culprit {
            Some((row, error)) => (format!("{}", place(row)), error),
            None => (format!("the batch {} to {}", place(0), place(last)), error),
        };
        Failure::Usage(Error::new(error).context(format!("{} breaks on {place}", self.name)))
    }
}
