//! Counts the heap allocations of each stage, in one batch and in another of twice the records. A batch may allocate for its
//! columns; a record may not allocate. Exits with 1 where a record costs an allocation.
#![allow(clippy::print_stdout, reason = "it is what this program is for")]

mod decode;
mod rows;
#[path = "../support/mod.rs"]
mod support;

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Records of the smaller batch, as `batch_records` is by default.
const RECORDS: usize = 1_000;

/// Allocations that a thousand more records may add: a few columns have to grow once more.
const ALLOWED_MORE: usize = 20;

/// One stage with one kind of records. `run` works through a batch of the given number.
pub struct Case {
    pub name: &'static str,
    pub run: Box<dyn FnMut(usize)>,
}

fn main() -> ExitCode {
    println!(
        "{:24} {:>10} {:>10} {:>12}",
        "allocations",
        RECORDS,
        2 * RECORDS,
        "a record"
    );
    let mut exceeded = false;
    for mut case in decode::cases().into_iter().chain(rows::cases()) {
        let [once, twice] = [RECORDS, 2 * RECORDS].map(|records| allocations(&mut case, records));
        let more = twice.saturating_sub(once);
        exceeded |= more > ALLOWED_MORE;
        let verdict = if more > ALLOWED_MORE { "too many" } else { "" };
        println!(
            "{:24} {once:10} {twice:10} {:12.3} {verdict}",
            case.name,
            more as f64 / RECORDS as f64
        );
    }
    ExitCode::from(u8::from(exceeded))
}

/// Counts the second run, since the first one fetches, compiles and fills what is kept.
fn allocations(case: &mut Case, records: usize) -> usize {
    (case.run)(records);
    let region = Region::new(ALLOCATOR);
    (case.run)(records);
    let change = region.change();
    change.allocations + change.reallocations
}
