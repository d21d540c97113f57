//! Calls the stages: records from the source become rows in the sink. Nothing is lost, and offsets are committed only
//! behind what is settled.
//!
//! The folders stand in the order of their imports. [`flow`] is the run itself. [`swap`] exchanges the plugin while
//! records flow. [`batch`] is what a version makes of a batch. [`watch`] notes how a run goes. [`commit`] keeps how
//! far each partition has come, and [`trouble`] says what an error means. [`compare`] finds how two outcomes differ.

pub mod batch;
pub mod commit;
pub mod compare;
pub mod config;
pub mod flow;
pub mod swap;
pub mod trouble;
pub mod watch;
