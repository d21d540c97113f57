//! Plugins swapped while records flow, on real servers: what is taken and what is refused, where one ends and the next
//! begins, when a swap is taken back, and what is left of one when the process is killed in the middle of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]
#![allow(clippy::print_stderr, reason = "figures are what some of these are for")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../sandbox/built.rs"]
#[allow(dead_code, reason = "only the building of a plugin is used here")]
mod built;

mod fences;
mod files;
mod fleet;
mod kills;
mod live;
mod loops;
mod probation;
mod refusals;
mod scene;
mod verbs;
