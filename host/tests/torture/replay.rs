//! Everything read again from offset 0 into the same table, by another group: nothing changes, write timestamps included.

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

    stage.read_to_end(&stage.again(&reading, "again"));
    let second = find(&stage, &reading);
    let found = differences(&expected, &second);
    assert!(found.is_none(), "TORTURE_SEED={}\n{found}", size::seed());
    assert!(second.table == first.table, "each cell and write timestamp is the same");
    assert_eq!(
        second.doubled.len(),
        expected.letters.len(),
        "every letter is published again"
    );
    eprintln!(
        "{} records twice: {} rows, {} dead letters, nothing changed\n",
        records.len(),
        second.table.len(),
        second.letters.len()
    );
}
