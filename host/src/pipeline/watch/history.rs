//! The latest swaps, and how many had each outcome.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;

use super::swaps::{Swap, SwapOutcome};
use super::trace::Traces;
use crate::record::descriptor::Digest;

/// How many swaps are remembered.
const KEPT: usize = 50;

/// The latest swaps, the oldest first.
#[derive(Debug, Default)]
pub struct History {
    swaps: Mutex<VecDeque<Swap>>,
    by_outcome: Mutex<BTreeMap<&'static str, u64>>,
    traces: Traces,
}

impl History {
    /// An empty history. `traces` are told of each swap.
    pub fn new(traces: Traces) -> Self {
        Self {
            traces,
            ..Self::default()
        }
    }

    /// Adds a swap.
    pub fn add(&self, swap: Swap) {
        self.traces.swap(&swap);
        let mut by_outcome = self.by_outcome.lock();
        *by_outcome.entry(swap.outcome.label()).or_default() += 1;
        drop(by_outcome);
        let mut swaps = self.swaps.lock();
        if swaps.len() == KEPT {
            swaps.pop_front();
        }
        swaps.push_back(swap);
    }

    /// The swaps that are remembered.
    pub fn swaps(&self) -> Vec<Swap> {
        let swaps = self.swaps.lock();
        swaps.iter().cloned().collect()
    }

    /// Whether it was rolled back and not swapped in again since.
    pub fn was_rolled_back(&self, digest: Digest) -> bool {
        let digest = digest.to_string();
        let mut swaps = self.swaps().into_iter().rev().filter(Swap::has_changed_the_plugin);
        let last =
            swaps.find(|swap| swap.from.digest == digest || swap.to.as_ref().is_some_and(|to| to.digest == digest));
        last.is_some_and(|swap| swap.from.digest == digest && matches!(swap.outcome, SwapOutcome::RolledBack { .. }))
    }

    /// How many swaps had each outcome, including those that are no longer remembered.
    pub fn by_outcome(&self) -> BTreeMap<&'static str, u64> {
        self.by_outcome.lock().clone()
    }
}
