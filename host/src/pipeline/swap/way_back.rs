//! The way back: the versions that ran well, in the order in which they ran, each with what it made of its records.
//!
//! A version ran well if it passed its probation, if it is the one that the process began with, or, where there is no
//! probation, once a batch has come through it. One that was swapped away while it was still on probation has not shown
//! anything, and one that was rolled back, by whomever, is taken out: nothing ever goes back to it.

use std::sync::Arc;

use super::probation::Tally;
use crate::pipeline::batch::version::Version;
use crate::record::descriptor::Digest;

/// Versions that are kept. Each is compiled and holds some megabytes; who goes back goes one or two steps.
const STEPS: usize = 5;

/// A version that ran well.
pub struct Ran {
    pub version: Arc<Version>,
    pub tally: Tally,
}

/// The latest one last, each digest once.
#[derive(Default)]
pub struct WayBack(Vec<Ran>);

impl WayBack {
    /// Another version takes its place.
    pub fn push(&mut self, ran: Ran) {
        self.forget(ran.version.digest());
        if self.0.len() == STEPS {
            self.0.remove(0);
        }
        self.0.push(ran);
    }

    /// Where one goes back to from the version of this digest.
    pub fn next(&self, current: Digest) -> Option<&Ran> {
        self.0.iter().rev().find(|ran| ran.version.digest() != current)
    }

    /// Goes one step back from the version of this digest, which is rolled back by that.
    pub fn take(&mut self, current: Digest) -> Option<Ran> {
        self.forget(current);
        self.0.pop()
    }

    /// Takes out a version no record of which ever came through.
    pub fn forget_idle(&mut self, version: &Arc<Version>) {
        self.0
            .retain(|ran| !Arc::ptr_eq(&ran.version, version) || ran.tally.records > 0);
    }

    fn forget(&mut self, digest: Digest) {
        self.0.retain(|ran| ran.version.digest() != digest);
    }

    /// What a new version is compared with: the latest tally that has enough records to say something, else the latest.
    pub fn baseline(&self) -> Tally {
        let known = self.0.iter().rev().find(|ran| ran.tally.is_known());
        known.or(self.0.last()).map(|ran| ran.tally.clone()).unwrap_or_default()
    }

    pub fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        self.0.iter().map(|ran| &ran.version)
    }
}
