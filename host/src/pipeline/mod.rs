//! The one that calls the stages: records from the source to rows in the sink, nothing lost, offsets committed only
//! behind what is settled.
//!
//! [`supervisor`] follows the source's events and keeps a [`worker`] for each assigned partition. A worker decodes,
//! calls the plugin ([`isolate`] splits a batch until a row that breaks the guest stands alone), sorts what it returned by
//! record ([`gather`]) and hands the batch to [`settle`], which writes rows ([`turns`] has the order) and publishes dead
//! letters until every record is settled. [`fault`] says what an error means, [`budget`] when there are too many rejects to be the records' fault, [`offsets`] what may be committed,
//! [`write_time`] what the rows are written with. [`status`], [`metrics`] and [`trace`] tell others how all that goes.

pub mod backoff;
pub mod book;
pub mod budget;
pub mod compare;
pub mod config;
pub mod examples;
mod failpoint;
pub mod fault;
pub mod gather;
pub mod histogram;
pub mod isolate;
pub mod lane;
pub mod latest;
pub mod metrics;
pub mod offsets;
pub mod outage;
pub mod patience;
mod play;
pub mod probation;
pub mod progress;
pub mod settle;
pub mod shadow;
pub mod slot;
pub mod status;
mod status_file;
pub mod supervisor;
pub mod swap;
pub mod totals;
pub mod trace;
pub mod trial;
mod turns;
pub mod version;
mod way_back;
pub mod worker;
pub mod write_time;

use std::sync::Arc;

use crate::dead_letter::DeadLetters;
use budget::Budget;
use config::Config;
use examples::Examples;
use latest::Latest;
use metrics::Metrics;
use outage::Outages;
use progress::Progress;
use shadow::Shadow;
use slot::PluginSlot;
use status::Board;
use totals::Totals;
use trace::Traces;
use version::Version;

/// The real parts, wired by `app`.
pub struct Parts {
    pub slot: PluginSlot,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub config: Config,
    pub budget: Budget,
    pub outages: Outages,
    pub totals: Totals,
    pub latest: Latest,
    pub shadow: Shadow,
    pub progress: Arc<Progress>,
    pub metrics: Metrics,
    pub examples: Examples,
    pub board: Board,
    pub traces: Traces,
}

impl Parts {
    /// Those that one chooses; what they tell of themselves begins empty.
    pub fn new(version: Version, dead_letters: Arc<dyn DeadLetters>, budget: Budget, config: Config) -> Self {
        Self {
            slot: PluginSlot::new(version),
            dead_letters,
            config,
            budget,
            outages: Outages::default(),
            totals: Totals::default(),
            latest: Latest::default(),
            shadow: Shadow::default(),
            progress: Arc::default(),
            metrics: Metrics::default(),
            examples: Examples::default(),
            board: Board::default(),
            traces: Traces::default(),
        }
    }

    /// The same, with somebody who is told of batches and swaps.
    #[must_use]
    pub fn traced(mut self, traces: Traces) -> Self {
        self.slot.history.tell(traces.clone());
        self.traces = traces;
        self
    }
}
