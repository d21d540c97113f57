//! The one that calls the stages: records from the source to rows in the sink, nothing lost, offsets committed only
//! behind what is settled.
//!
//! [`supervisor`] follows the source's events and keeps a [`worker`] for each assigned partition. A worker decodes,
//! calls the plugin ([`isolate`] splits a batch until a row that breaks the guest stands alone) and hands the batch to
//! [`settle`], which writes rows and publishes dead letters until every record is settled. [`fault`] says what an error
//! means, [`offsets`] what may be committed, [`write_time`] what the rows are written with.

pub mod backoff;
pub mod config;
pub mod fault;
pub mod isolate;
pub mod offsets;
pub mod outage;
pub mod patience;
pub mod settle;
pub mod supervisor;
pub mod totals;
pub mod worker;
pub mod write_time;

use std::sync::Arc;

use crate::codec::Decoder;
use crate::dead_letter::DeadLetters;
use crate::plugin::Plugin;
use crate::sink::Sink;
use config::Config;
use outage::Outages;
use totals::Totals;

/// The real parts, wired by `app`.
pub struct Parts {
    pub decoder: Arc<Decoder>,
    pub plugin: Arc<Plugin>,
    pub sink: Arc<dyn Sink>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub config: Config,
    pub outages: Outages,
    pub totals: Totals,
}
