//! What each verb of the command line does: it wires the real parts with the settings and runs them.
//!
//! A verb has a file here or in one of two groups: [`plugin`] has `host plugin …`, and [`look`] the verbs that only look
//! and write nothing. [`wire`] has what they are composed of.

pub mod dlq;
pub mod failure;
pub mod generate;
mod live;
pub mod look;
pub mod plugin;
pub mod produce;
pub mod run;
pub mod say;
pub mod setup;
mod signals;
mod watch;
pub mod wire;
