//! Each stage of a record's way, timed alone: a module a stage.
#![allow(clippy::print_stdout, reason = "it is what this program is for")]

mod bind;
#[path = "../native/columns.rs"]
mod columns;
mod decode;
#[path = "../native/outcome.rs"]
mod outcome;
#[path = "../support/mod.rs"]
mod support;
mod transform;

criterion::criterion_group!(stages, decode::orders, transform::orders, bind::rows);
criterion::criterion_main!(stages);
