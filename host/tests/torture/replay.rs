//! Everything read again from offset 0 into the same tables, three times over: nothing changes, write timestamps and the
//! ends of rows included.

use crate::compare::{differences, find};
use crate::ledger::{self, Mix};
use crate::size::{self, Scale};
use crate::stage::{Stage, Tuning};

/// One record in twenty is bad, of every kind; rows are written twice, and written, deleted and written, within one
/// millisecond.
#[test]
fn a_full_replay_into_the_same_table_changes_nothing() {
    size::begins("replay");
    let scale = Scale {
        reduced: 4000,
        full: 50_000,
    };
    let mix = Mix {
        records: scale.of("TORTURE_REPLAY_RECORDS"),
        partitions: 3,
        keys: 900,
        poison_per_mille: 50,
        shelf_per_mille: 100,
        has_endless: true,
    };
    let records = ledger::draw(&mix, &mut size::choices("replay"));
    let expected = ledger::expected(&records);
    let tuning = Tuning {
        partitions: 3,
        ..Tuning::default()
    };
    let stage = Stage::new("replay", tuning);
    stage.produce(&records);
    let reading = stage.reading("first");
    stage.read_to_end(&reading);
    let first = find(&stage, &reading);
    let found = differences(&expected, &first);
    assert!(found.is_none(), "TORTURE_SEED={}\n{found}", size::seed());
    assert!(first.doubled.is_empty(), "every letter is published once");

    // Three groups at one time: each row is written again by all of them, in whatever order.
    std::thread::scope(|scope| {
        for what in ["again", "a_third_time", "a_fourth_time"] {
            let (stage, again) = (&stage, stage.again(&reading, what));
            scope.spawn(move || stage.read_to_end(&again));
        }
    });
    let last = find(&stage, &reading);
    let found = differences(&expected, &last);
    assert!(found.is_none(), "TORTURE_SEED={}\n{found}", size::seed());
    assert!(last.table == first.table, "each cell and write timestamp is the same");
    assert!(
        last.shelf == first.shelf && !last.shelf.is_empty(),
        "of collections, too"
    );
    let copies: Vec<usize> = last.doubled.values().map(Vec::len).collect();
    assert_eq!(
        copies,
        vec![4; expected.letters.len()],
        "every letter is published again, each time"
    );
    eprintln!(
        "{} records four times: {} rows, {} dead letters, nothing changed\n",
        records.len(),
        last.table.len() + last.shelf.len(),
        last.letters.len()
    );
}
