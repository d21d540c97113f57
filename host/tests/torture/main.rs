//! The proof of the delivery promises: processes and servers are killed while records flow, and every run ends with a
//! comparison of the whole table, cell by cell and write timestamp by write timestamp, and of all dead letters. See
//! `README.md` beside this file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]
#![allow(clippy::print_stderr, reason = "the report is what a run is for")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../sandbox/built.rs"]
#[allow(dead_code, reason = "only the building of a plugin is used here")]
mod built;

mod compare;
mod joiner;
mod kills;
mod ledger;
mod life;
mod mutants;
mod neighbours;
mod outages;
mod poison;
mod replay;
mod report;
mod shelf;
mod size;
mod stage;
mod three;
mod together;
mod victims;
