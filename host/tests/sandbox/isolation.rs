//! Poison records in a batch: exactly those are rejected, every other record comes out as if they had not been there.

use std::collections::BTreeSet;
use std::time::Duration;

use host::pipeline::isolate::Guest;
use host::plugin::limits::Limits;

use crate::built::{batch, plugin};

const RECORDS: usize = 1000;

/// A batch in which the records at `poison` behave so; the rejects by row and code, and the rows' sources.
fn isolate(poison: &BTreeSet<usize>, behaviour: &str, limits: Limits) -> (Vec<(usize, String)>, Vec<usize>) {
    let plugin = plugin(limits);
    let behaviours: Vec<_> = (0..RECORDS)
        .map(|row| if poison.contains(&row) { behaviour } else { "ok" })
        .collect();
    let outcome = Guest::new(&plugin, None)
        .transform(&batch(&behaviours))
        .expect("instances can be made");
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
    (rejects, sources)
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

#[test]
fn k_poison_records_give_exactly_k_rejects_and_all_other_rows() {
    for (behaviour, code) in [("trap", "trap"), ("stack", "trap"), ("memory", "memory")] {
        for count in [1, 10, 100] {
            let poison = spread(count);
            // Little memory, so that eating it is soon done.
            let limits = Limits {
                memory_bytes: 4 << 20,
                ..Limits::default()
            };
            let (rejects, sources) = isolate(&poison, behaviour, limits);
            let expected: Vec<_> = poison.iter().map(|&row| (row, code.to_owned())).collect();
            assert_eq!(rejects, expected, "{count} x {behaviour}");
            let others: Vec<_> = (0..RECORDS).filter(|row| !poison.contains(row)).collect();
            assert_eq!(sources, others, "{count} x {behaviour}");
        }
    }
}

#[test]
fn a_record_that_never_ends_costs_its_deadlines_and_nothing_else() {
    let limits = Limits {
        deadline: Duration::from_millis(100),
        ..Limits::default()
    };
    let poison = spread(2);
    let (rejects, sources) = isolate(&poison, "loop", limits);
    let expected: Vec<_> = poison.iter().map(|&row| (row, "deadline".to_owned())).collect();
    assert_eq!(rejects, expected);
    assert_eq!(sources.len(), RECORDS - 2);
}
