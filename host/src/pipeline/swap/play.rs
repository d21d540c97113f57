//! Plays one version on the records of a sample, for a trial: all together if they come through, and otherwise each
//! alone. It ends at a given time, since the caller of the swap waits for it.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::time::timeout_at;

use crate::pipeline::batch::make::{Taken, take};
use crate::pipeline::batch::version::Version;
use crate::plugin::isolate::slice;
use crate::plugin::{Instance, Stop, TransformError};
use crate::record::Record;
use crate::record::causes::chain;
use crate::record::columns::Batch;
use crate::record::reject::Reject;

/// Many records together have this much wall time before each is played alone. They take milliseconds.
const TOGETHER: Duration = Duration::from_millis(500);

/// A record whose call was cut off after this long is one that does not end. If the call was cut off earlier, nothing
/// is known of the record.
const LONG: Duration = Duration::from_secs(1);

/// Calls one version. It blocks, so it must not be used on threads of the runtime.
pub struct Player<'a> {
    version: &'a Version,
    runtime: &'a Handle,
    end: Instant,
    instance: Option<Instance>,
}

/// How a call ended.
pub enum Played {
    /// It came through, with these rejects by row.
    Through(Vec<(usize, Reject)>),
    Broke(TransformError),
    /// The time was over when the call had already taken this long, far longer than a record takes.
    CutOff(Duration),
    /// The time was over before anything was known.
    OutOfTime,
}

/// What a version makes of one record.
pub enum Verdict {
    Takes,
    Rejects,
    Breaks,
    OutOfTime,
}

impl<'a> Player<'a> {
    /// Prepares to call the version until `end`; it gets an instance with the first call.
    pub fn new(version: &'a Version, runtime: &'a Handle, end: Instant) -> Self {
        Self {
            version,
            runtime,
            end,
            instance: None,
        }
    }

    /// Decodes the records. `None`: there was no time for it, since the registry did not answer.
    ///
    /// # Errors
    /// The records cannot be decoded at the moment.
    pub fn take(&self, records: &[Record]) -> Result<Option<Taken>, String> {
        if Instant::now() >= self.end {
            return Ok(None);
        }
        let taking = take(&self.version.decoder, records);
        match self
            .runtime
            .block_on(async { timeout_at(self.end.into(), taking).await })
        {
            Ok(taken) => taken
                .map(Some)
                .map_err(|error| format!("the latest records cannot be decoded at the moment: {}", chain(&error))),
            Err(_) => Ok(None),
        }
    }

    /// Plays the whole batch at once. `None`: it does not come through that way, and each row is to be played alone.
    ///
    /// # Errors
    /// No instance can be made.
    pub fn together(&mut self, batch: &Batch) -> Result<Option<Vec<(usize, Reject)>>, String> {
        let end = self.end.min(Instant::now() + TOGETHER);
        Ok(match self.call(batch, end)? {
            Played::Through(rejects) => Some(rejects),
            Played::Broke(_) | Played::CutOff(_) | Played::OutOfTime => None,
        })
    }

    fn call(&mut self, batch: &Batch, end: Instant) -> Result<Played, String> {
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => self.version.plugin.instantiate().map_err(|error| chain(&error))?,
        };
        let begun = Instant::now();
        if begun >= end {
            return Ok(Played::OutOfTime);
        }
        instance.stop_when(Stop::when(move || Instant::now() >= end));
        Ok(match instance.transform(batch) {
            Ok(outcome) => {
                self.instance = Some(instance);
                let rejects = outcome.rejects.into_iter();
                Played::Through(rejects.map(|(row, reject)| (row as usize, reject)).collect())
            }
            Err(TransformError::Stopped) if begun.elapsed() >= LONG => Played::CutOff(begun.elapsed()),
            Err(TransformError::Stopped) => Played::OutOfTime,
            Err(error) => Played::Broke(error),
        })
    }

    /// Plays one row. A fault may come from what earlier records left in the guest's memory, and a passed deadline from
    /// a machine that stood still. So only the verdict of a fresh instance counts, and for a deadline that of a second
    /// one too.
    ///
    /// # Errors
    /// No instance can be made.
    pub fn alone(&mut self, batch: &Batch, row: usize) -> Result<Played, String> {
        let row = slice(batch, row, 1);
        let was_used = self.instance.is_some();
        let first = self.call(&row, self.end)?;
        let needs_another = matches!(&first, Played::Broke(error)
            if was_used || matches!(error, TransformError::Deadline { .. }));
        if !needs_another {
            return Ok(first);
        }
        Ok(match self.call(&row, self.end)? {
            // One fresh instance has already broken.
            Played::OutOfTime | Played::CutOff(_) => first,
            second => second,
        })
    }

    /// Plays one record, from its bytes on.
    ///
    /// # Errors
    /// No instance can be made, or the record cannot be decoded at the moment.
    pub fn judge(&mut self, record: &Record) -> Result<Verdict, String> {
        let Some(taken) = self.take(std::slice::from_ref(record))? else {
            return Ok(Verdict::OutOfTime);
        };
        if taken.input.rows == 0 {
            return Ok(Verdict::Rejects);
        }
        // One fresh instance is enough here: a fault of this version speaks for the other one, not against it.
        self.instance = None;
        Ok(match self.call(&taken.input, self.end)? {
            Played::Through(rejects) => match rejects.first() {
                None => Verdict::Takes,
                Some((_, reject)) if reject.is_guest_fault() => Verdict::Breaks,
                Some(_) => Verdict::Rejects,
            },
            Played::Broke(_) => Verdict::Breaks,
            Played::OutOfTime | Played::CutOff(_) => Verdict::OutOfTime,
        })
    }
}
