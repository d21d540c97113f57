//! The way back: the versions that ran well, in the order in which they ran, each with what it made of its records.
//!
//! A version ran well if it passed its probation, or if the process began with it. Without a probation, it ran well
//! once a batch has come through it. A version that was swapped away during its probation has not shown anything. A
//! version that was rolled back is taken out, and nothing ever goes back to it.

use std::sync::Arc;

use super::probation::Tally;
use crate::pipeline::batch::version::Version;
use crate::record::descriptor::Digest;

/// How many versions are kept. Each is compiled and holds some megabytes, and a rollback goes one or two steps.
const STEPS: usize = 5;

/// A version that ran well.
pub struct Ran {
    pub version: Arc<Version>,
    pub tally: Tally,
}

/// The versions, the latest one last, each digest once.
#[derive(Default)]
pub struct WayBack(Vec<Ran>);

impl WayBack {
    /// Another version takes this one's place.
    pub fn push(&mut self, ran: Ran) {
        self.forget(ran.version.digest());
        if self.0.len() == STEPS {
            self.0.remove(0);
        }
        self.0.push(ran);
    }

    /// Where a rollback from the version of this digest leads.
    pub fn next(&self, current: Digest) -> Option<&Ran> {
        self.0.iter().rev().find(|ran| ran.version.digest() != current)
    }

    /// Goes one step back from the version of this digest, which is rolled back by that.
    pub fn take(&mut self, current: Digest) -> Option<Ran> {
        self.forget(current);
        self.0.pop()
    }

    /// Takes out a version that no record has come through.
    pub fn forget_idle(&mut self, version: &Arc<Version>) {
        self.0
            .retain(|ran| !Arc::ptr_eq(&ran.version, version) || ran.tally.records > 0);
    }

    fn forget(&mut self, digest: Digest) {
        self.0.retain(|ran| ran.version.digest() != digest);
    }

    /// The tally that a new version is compared with: the latest one with enough records to say something, or else the
    /// latest.
    pub fn baseline(&self) -> Tally {
        let known = self.0.iter().rev().find(|ran| ran.tally.is_known());
        known.or(self.0.last()).map(|ran| ran.tally.clone()).unwrap_or_default()
    }

    /// All versions that ran well, the earliest first.
    pub fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        self.0.iter().map(|ran| &ran.version)
    }
}
