//! Poison records in a batch: exactly those are rejected, every other record comes out as if they had not been there.

use std::collections::BTreeSet;
use std::time::Duration;

use host::plugin::isolate::Guest;
use host::plugin::limits::Limits;

use crate::built::{batch, plugin};

const RECORDS: usize = 1000;

/// What became of a batch in which the records at `poison` behave so.
struct Isolated {
    /// By row and code.
    rejects: Vec<(usize, String)>,
    /// The rows that rows came of.
    sources: Vec<usize>,
    calls: u64,
}

fn isolate(poison: &BTreeSet<usize>, behaviour: &str, limits: Limits) -> Isolated {
    let plugin = plugin(limits);
    let behaviours: Vec<_> = (0..RECORDS)
        .map(|row| if poison.contains(&row) { behaviour } else { "ok" })
        .collect();
    let mut guest = Guest::new(&plugin, None);
    let outcome = guest.transform(&batch(&behaviours)).expect("a plugin that works");
    let rejects = outcome
        .rejects
        .iter()
        .map(|(row, reject)| (*row as usize, reject.code.to_string()))
        .collect();
    let mut sources: Vec<_> = outcome
        .rows
        .iter()
        .flat_map(|rows| &rows.source)
        .map(|&row| row as usize)
        .collect();
    sources.sort_unstable();
    Isolated {
        rejects,
        sources,
        calls: guest.calls(),
    }
}

/// Calls beyond the first that k culprits in a batch may cost.
fn allowed(count: usize) -> f64 {
    2.0 * count as f64 * ((RECORDS as f64 / count as f64).log2() + 2.0)
}

/// `count` rows all over the batch, the first and the last among them.
fn spread(count: usize) -> BTreeSet<usize> {
    let rows: BTreeSet<_> = (0..count)
        .map(|n| {
            if n == 0 {
                0
            } else {
                RECORDS - 1 - (n - 1) * (RECORDS / count)
            }
        })
        .collect();
    assert_eq!(rows.len(), count);
    rows
}

/// Little time and memory, so that wasting them is soon done.
fn tight() -> Limits {
    Limits {
        memory_bytes: 4 << 20,
        deadline: Duration::from_millis(20),
        ..Limits::default()
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are shown with --nocapture")]
fn k_poison_records_give_exactly_k_rejects_and_all_other_rows_within_the_calls_allowed() {
    for (behaviour, code) in [
        ("trap", "trap"),
        ("stack", "trap"),
        ("memory", "memory"),
        ("loop", "deadline"),
        ("no-such-row", "contract"),
        ("bad-code", "contract"),
        ("too-many-rows", "contract"),
        ("unaccounted", "unaccounted"),
    ] {
        for count in [1, 10, 100] {
            let poison = spread(count);
            let isolated = isolate(&poison, behaviour, tight());
            let expected: Vec<_> = poison.iter().map(|&row| (row, code.to_owned())).collect();
            assert_eq!(isolated.rejects, expected, "{count} x {behaviour}");
            let others: Vec<_> = (0..RECORDS).filter(|row| !poison.contains(row)).collect();
            assert_eq!(isolated.sources, others, "{count} x {behaviour}");
            let extra = isolated.calls - 1;
            println!(
                "{count} x {behaviour}: {extra} calls more, {:.0} allowed",
                allowed(count)
            );
            assert!((extra as f64) <= allowed(count), "{count} x {behaviour}: {extra} calls");
        }
    }
}

#[test]
fn a_batch_that_begins_with_many_culprits_is_isolated_all_the_same() {
    let poison = (0..100).collect();
    let isolated = isolate(&poison, "trap", tight());
    assert_eq!((isolated.rejects.len(), isolated.sources.len()), (100, 900));
    assert!((isolated.calls as f64) <= 1.0 + allowed(100), "{}", isolated.calls);
}

#[test]
fn a_guest_that_breaks_on_everything_is_no_fault_of_the_records() {
    for behaviour in ["trap", "loop"] {
        let plugin = plugin(tight());
        let mut guest = Guest::new(&plugin, None);
        let error = guest
            .transform(&batch(&[behaviour; RECORDS]))
            .expect_err("a bad deploy");
        assert!(
            error.to_string().starts_with("the plugin breaks on every record"),
            "{error}"
        );
        assert!(guest.calls() < 100, "found out early: {}", guest.calls());
    }
}
