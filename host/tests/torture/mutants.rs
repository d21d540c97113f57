//! The check can fail: the same program with one promise broken on purpose does not pass it.

use crate::compare::Differences;
use crate::kills::{Plan, carry_out};
use crate::ledger::Mix;
use crate::size;
use crate::stage::{Pace, Stage, Tuning};

/// Runs a small plan with a promise broken; what the comparison says.
fn broken(promise: &'static str) -> Differences {
    size::begins(promise);
    let plan = Plan {
        mix: Mix {
            records: 2000,
            partitions: 12,
            keys: 500,
            poison_per_mille: 30,
            shelf_per_mille: 0,
            has_endless: true,
        },
        kills: 16,
        rebalances: 0,
        more: promise,
    };
    let tuning = Tuning {
        // Often, so that a commit that should not be done yet is done before the next kill.
        commit_interval_ms: 20,
        // Slowly, so that a kill finds something unfinished.
        pace: Pace::Slow,
        deadline_ms: 300,
        ..Tuning::default()
    };
    let stage = Stage::new("mutant", tuning);
    let outcome = carry_out(&stage, &stage.reading("killed"), &plan);
    eprintln!("{promise}: differences\n{}", outcome.differences);
    outcome.differences
}

#[test]
fn offsets_committed_before_their_rows_are_written_are_noticed() {
    let found = broken("mutant-commit-before-write=return;written=sleep(30)");
    assert!(
        found.lost_rows.len() + found.wrong_cells.len() + found.lost_letters.len() > 0,
        "records are lost"
    );
}

#[test]
fn write_timestamps_by_the_clock_are_noticed() {
    let found = broken("mutant-wall-clock=return");
    assert!(
        !found.wrong_write_times.is_empty(),
        "write timestamps are not the records'"
    );
}

#[test]
fn an_instance_used_again_after_a_trap_is_noticed() {
    let found = broken("mutant-keep-trapped-instance=return");
    assert!(!found.strange_letters.is_empty(), "good records are rejected");
}
