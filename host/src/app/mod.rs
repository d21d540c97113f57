//! One file a verb: wires the real parts with the settings and runs them.

mod assemble;
pub mod check;
mod component;
pub mod diff;
pub mod dlq;
pub mod explain;
pub mod failure;
mod fleet;
pub mod generate;
mod live;
pub mod plugin_build;
pub mod plugin_fleet;
pub mod plugin_inspect;
pub mod plugin_live;
pub mod plugin_new;
pub mod plugin_sign;
pub mod produce;
mod records;
mod rehearsal;
pub mod run;
mod services;
pub mod setup;
mod signals;
mod trust;
pub mod try_plugin;
pub mod verify;
mod watch;
