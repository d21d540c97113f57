//! How far a swap has come, for those that wait for it.

use std::fmt;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};

use super::swaps::Named;

/// The swap that is under way, if there is one.
#[derive(Debug, Default)]
pub struct SwapProgress(Mutex<Option<Step>>);

#[derive(Debug)]
struct Step {
    begun: Instant,
    asked_by: String,
    to: Option<Named>,
    phase: Phase,
    tried: usize,
    sample: usize,
}

/// The phase of a swap. A finished swap is in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It is compiled and checked against schema and tables.
    Checking,
    Trying,
    /// The commits of all partitions do not name it yet.
    Announcing,
}

/// A swap under way, as the status shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Swapping {
    pub asked_by: String,
    /// `None` until it is compiled.
    pub to: Option<Named>,
    pub phase: Phase,
    pub seconds: u64,
    /// Records of the sample that it was tried on so far.
    pub tried_records: usize,
    pub sample_records: usize,
}

impl SwapProgress {
    /// Notes that a swap begins with checking the candidate, and in which words it was asked for.
    pub fn begin(&self, asked_by: &str) {
        *self.lock() = Some(Step {
            begun: Instant::now(),
            asked_by: asked_by.to_owned(),
            to: None,
            phase: Phase::Checking,
            tried: 0,
            sample: 0,
        });
    }

    /// Notes that no swap is under way any more, whatever its outcome.
    pub fn end(&self) {
        *self.lock() = None;
    }

    /// Notes that the trial of this candidate begins, and with how many records.
    pub fn begin_trial(&self, to: Named, sample: usize) {
        self.update(|step| (step.phase, step.to, step.sample) = (Phase::Trying, Some(to), sample));
    }

    /// Adds to the records that the trial has called the candidate with.
    pub fn note_tried(&self, records: usize) {
        self.update(|step| step.tried += records);
    }

    /// Notes that commits are being asked to name the candidate as a writer.
    pub fn begin_announcing(&self) {
        self.update(|step| step.phase = Phase::Announcing);
    }

    /// The swap that is under way, for the status; `None` if there is none.
    pub fn now(&self) -> Option<Swapping> {
        let step = self.lock();
        step.as_ref().map(|step| Swapping {
            asked_by: step.asked_by.clone(),
            to: step.to.clone(),
            phase: step.phase,
            seconds: step.begun.elapsed().as_secs(),
            tried_records: step.tried,
            sample_records: step.sample,
        })
    }

    fn update(&self, change: impl FnOnce(&mut Step)) {
        if let Some(step) = self.lock().as_mut() {
            change(step);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Step>> {
        self.0.lock()
    }
}

/// `trying variants two (sha256:1f2e3d4c…) on the latest records: 212 of 300 so far, 3 s`
impl fmt::Display for Swapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = self.to.as_ref().map_or("the component".to_owned(), Named::to_string);
        match self.phase {
            Phase::Checking => write!(f, "compiling and checking {to}")?,
            Phase::Trying => write!(
                f,
                "trying {to} on the latest records: {} of {} so far",
                self.tried_records, self.sample_records
            )?,
            Phase::Announcing => write!(f, "announcing {to} to the brokers")?,
        }
        write!(f, ", {} s", self.seconds)
    }
}
