//! The plugins of one run: the one that takes the records, those it can go back to, and a candidate beside it.

use std::sync::Arc;

use super::latest::Latest;
use super::shadow::{Sample, Shadow};
use super::slot::PluginSlot;
use crate::pipeline::batch::transformed::Transformed;
use crate::pipeline::batch::version::Version;
use crate::pipeline::trouble::budget::Budget;
use crate::pipeline::watch::swapping::SwapProgress;
use crate::pipeline::watch::trace::Traces;

/// The parts that workers and the swapper share.
pub struct Plugins {
    pub slot: PluginSlot,
    pub shadow: Shadow,
    /// The latest records of each partition, on which a candidate is tried.
    pub latest: Latest,
    /// How far a swap has come.
    pub swapping: Arc<SwapProgress>,
    /// The reject budget, which begins anew with each plugin.
    pub budget: Arc<Budget>,
}

impl Plugins {
    /// Begins with this version. `traces` get each swap.
    pub fn new(version: Version, budget: Arc<Budget>, traces: Traces) -> Self {
        Self {
            slot: PluginSlot::new(version, traces),
            shadow: Shadow::default(),
            latest: Latest::default(),
            swapping: Arc::default(),
            budget,
        }
    }

    /// What is needed to compare this batch with a shadowed candidate, if there is one and the batch is to be compared.
    pub fn sample(&self, batch: &Transformed) -> Option<Sample> {
        self.shadow.sample(batch, &self.slot.current())
    }
}
