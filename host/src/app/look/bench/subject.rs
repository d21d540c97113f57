//! Runs batches through the decoder and the plugin that is measured, counts records once and times batches. A record
//! that breaks the guest ends the measurement, since a guest that is replaced all the time shows nothing about its
//! speed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Error, anyhow};

use crate::app::failure::Failure;
use crate::codec::Decoder;
use crate::pipeline::batch::make::{Made, Warm, call, take};
use crate::pipeline::watch::totals::Counts;
use crate::plugin::{CallTimes, Plugin, Stop};
use crate::record::Record;

/// A plugin with one instance, which is called with every batch.
pub struct Subject {
    plugin: Arc<Plugin>,
    /// For messages: `plugin FILE`.
    name: String,
    decoder: Decoder,
    warm: Warm,
    /// The most memory that an instance has held, in bytes.
    held_bytes: usize,
}

/// The times of the stages of a batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    pub decode: Duration,
    pub lower: Duration,
    pub guest: Duration,
    pub lift: Duration,
}

impl Times {
    /// Adds the times of another batch.
    pub fn add(&mut self, other: Self) {
        self.decode += other.decode;
        self.lower += other.lower;
        self.guest += other.guest;
        self.lift += other.lift;
    }
}

impl Subject {
    /// Makes an instance of the plugin. `name` is for messages.
    ///
    /// # Errors
    /// No instance can be made.
    pub fn new(plugin: Arc<Plugin>, name: String) -> Result<Self, Failure> {
        let made = Warm::start(&plugin);
        let warm = made.with_context(|| name.clone()).map_err(Failure::Usage)?;
        Ok(Self {
            decoder: Decoder::new(&plugin.descriptor().inputs, None),
            plugin,
            name,
            held_bytes: warm.held_bytes().unwrap_or_default(),
            warm,
        })
    }

    /// The most linear memory that the guest has held so far.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Runs each record once, and counts them by what became of them.
    ///
    /// # Errors
    /// The guest breaks on a record, or no record gets as far as the guest.
    pub async fn count(&mut self, records: &[Record], batch_records: usize) -> Result<Counts, Failure> {
        let mut counts = Counts::default();
        let mut first_reject = None;
        let mut taken = 0;
        for batch in records.chunks(batch_records) {
            let (_, made) = self.make(batch).await?;
            taken += made.input.rows;
            counts.records += batch.len() as u64;
            counts.rows_written += made.rows.iter().map(|rows| rows.batch.rows as u64).sum::<u64>();
            counts.filtered += made.filtered as u64;
            made.rejects.values().for_each(|reject| counts.reject(&reject.code));
            if first_reject.is_none() {
                let first = made.rejects.first_key_value();
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

    /// Handles a batch as a run does, up to its rows, and returns the times.
    pub async fn time(&mut self, records: &[Record]) -> Result<Times, Failure> {
        let (decode, made) = self.make(records).await?;
        let CallTimes { lower, guest, lift } = made.called.times;
        Ok(Times {
            decode,
            lower,
            guest,
            lift,
        })
    }

    /// Gives the plugin's outcome for the batch, and how long the decoder took.
    async fn make(&mut self, records: &[Record]) -> Result<(Duration, Made), Failure> {
        let begun = Instant::now();
        let taken = take(&self.decoder, records).await;
        let taken = taken.context("cannot decode").map_err(Failure::Failed)?;
        let decode = begun.elapsed();
        let made = call(&self.plugin, taken, &mut self.warm, Stop::default()).await;
        let made = made.with_context(|| self.name.clone()).map_err(Failure::Usage)?;
        self.held_bytes = self.held_bytes.max(self.warm.held_bytes().unwrap_or_default());
        let is_new = self.warm.take_recycled() > 0;
        self.check(records, &made, is_new)?;
        Ok((decode, made))
    }

    /// Fails if the guest has broken on a record or on the batch.
    fn check(&self, records: &[Record], made: &Made, is_new: bool) -> Result<(), Failure> {
        let mut broken = made.rejects.iter().filter(|(_, reject)| reject.is_guest_fault());
        let position = |record: usize| &records[record].position;
        let message = match broken.next() {
            Some((&record, reject)) => format!("{} breaks on {}: {}", self.name, position(record), reject.message),
            // A full instance may have needed a second call.
            None if made.called.calls > 1 + u64::from(is_new) => format!(
                "{} breaks on the batch {} to {}, but on none of its records alone",
                self.name,
                position(0),
                position(records.len() - 1)
            ),
            None => return Ok(()),
        };
        Err(Failure::Usage(Error::msg(message)))
    }
}
