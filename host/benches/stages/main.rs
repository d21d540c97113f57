//! Each stage of a record's way, timed alone: a module a stage.
#![allow(clippy::print_stdout, reason = "it is what this program is for")]

mod bind;
mod decode;
#[path = "../native/columns.rs"]
mod native;
#[path = "../support/mod.rs"]
mod support;
mod transform;

criterion::criterion_group!(stages, decode::orders, transform::orders, bind::rows);
criterion::criterion_main!(stages);
