//! The parts of a run, which `app` wires: those that work, and those that watch.

use std::sync::Arc;

use crate::dead_letter::DeadLetters;
use crate::pipeline::batch::version::Version;
use crate::pipeline::config::Config;
use crate::pipeline::swap::plugins::Plugins;
use crate::pipeline::trouble::budget::Budget;
use crate::pipeline::trouble::outage::Outages;
use crate::pipeline::watch::Watch;
use crate::pipeline::watch::trace::Traces;

/// The parts that every worker of a run shares.
pub struct Parts {
    pub plugins: Arc<Plugins>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub config: Config,
    pub budget: Arc<Budget>,
    pub outages: Outages,
    pub watch: Watch,
}

impl Parts {
    /// Creates the parts from the caller's choices. Metrics, status and history start empty; `traces` are
    /// told of batches and swaps.
    pub fn new(
        version: Version,
        dead_letters: Arc<dyn DeadLetters>,
        budget: Budget,
        config: Config,
        traces: Traces,
    ) -> Self {
        let budget = Arc::new(budget);
        Self {
            plugins: Arc::new(Plugins::new(version, Arc::clone(&budget), traces.clone())),
            dead_letters,
            config,
            budget,
            outages: Outages::default(),
            watch: Watch {
                traces,
                ..Watch::default()
            },
        }
    }
}
