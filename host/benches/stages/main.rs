//! Each stage of a record's way, timed alone: a module a stage.

mod decode;
#[path = "../support/mod.rs"]
mod support;
mod transform;

criterion::criterion_group!(stages, decode::orders, transform::orders);
criterion::criterion_main!(stages);
