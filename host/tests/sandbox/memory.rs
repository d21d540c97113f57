//! Guests that keep memory from call to call: they are replaced before they break, no row differs and no record is blamed.

use host::plugin::isolate::Guest;
use host::plugin::limits::Limits;
use host::plugin::{Instance, Plugin};
use host::record::columns::Batch;
use host::record::descriptor::Outcome;

use crate::built::{ENGINE, batch, misbehaving};

const LIMIT: usize = 16 << 20;
const RECORDS: usize = 100;
const BATCHES: usize = 60;

fn plugin(settings: &[(&str, &str)], limits: Limits) -> Plugin {
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Plugin::load(&ENGINE, misbehaving(), &settings, limits).expect("misbehaving loads")
}

fn limits(recycle_percent: u32) -> Limits {
    Limits {
        memory_bytes: LIMIT,
        recycle_percent,
        ..Limits::default()
    }
}

/// What a plugin made of the batches, one after the other, as the worker of a partition calls it.
#[derive(Default)]
struct Run {
    /// As text: everything in it counts.
    outcomes: Vec<String>,
    rejects: usize,
    recycled: u64,
    calls: u64,
    /// What the instance held after each batch.
    held: Vec<usize>,
}

fn run(plugin: &Plugin, batch: &Batch, batches: usize) -> Run {
    let mut run = Run::default();
    let mut instance: Option<Instance> = None;
    for _ in 0..batches {
        let mut guest = Guest::new(plugin, instance.take());
        let outcome: Outcome = guest.transform(batch).expect("an outcome");
        run.rejects += outcome.rejects.len();
        run.outcomes.push(format!("{outcome:?}"));
        run.recycled += guest.recycled();
        run.calls += guest.calls();
        instance = guest.into_instance();
        run.held.push(instance.as_ref().expect("it is kept").held_bytes());
    }
    run
}

#[test]
fn a_guest_whose_memory_only_grows_is_replaced_in_time_and_no_row_differs() {
    let records = batch(&["ok"; RECORDS]);
    let clean = run(&plugin(&[], limits(50)), &records, BATCHES);
    assert_eq!((clean.recycled, clean.rejects), (0, 0));
    // 1.6 MiB a batch: six times the limit in all.
    let leaky = run(&plugin(&[("leak-kib", "16")], limits(50)), &records, BATCHES);
    assert_eq!(leaky.outcomes, clean.outcomes);
    assert_eq!((leaky.rejects, leaky.calls), (0, BATCHES as u64), "no batch breaks");
    // Half of the limit is full after four or five batches.
    assert!((8..=20).contains(&leaky.recycled), "{}", leaky.recycled);
    let most = leaky.held.iter().max().expect("batches");
    assert!(*most > LIMIT / 2 && *most < LIMIT * 3 / 4, "{most}");
    // A share of one's own.
    let seldom = run(&plugin(&[("leak-kib", "16")], limits(80)), &records, BATCHES);
    assert!((1..leaky.recycled).contains(&seldom.recycled), "{}", seldom.recycled);
    assert_eq!((seldom.outcomes, seldom.rejects), (clean.outcomes, 0));
}

#[test]
fn a_batch_that_finds_no_room_is_tried_again_in_a_new_instance_before_a_record_is_blamed() {
    let records = batch(&["ok"; RECORDS]);
    let clean = run(&plugin(&[], limits(100)), &records, BATCHES);
    for leak in ["16", "100"] {
        // Never replaced between batches; with 100 KiB a record not even two batches fit.
        let leaky = run(&plugin(&[("leak-kib", leak)], limits(100)), &records, BATCHES);
        assert_eq!((&leaky.outcomes, leaky.rejects), (&clean.outcomes, 0), "{leak} KiB");
        assert!(leaky.recycled > 0, "{leak} KiB");
        // One call more for each, and none for halves.
        assert_eq!(leaky.calls, BATCHES as u64 + leaky.recycled, "{leak} KiB");
    }
}

#[test]
fn a_record_that_takes_all_memory_is_blamed_in_an_instance_that_has_grown_too() {
    let leaky = plugin(&[("leak-kib", "16")], limits(100));
    let mut guest = Guest::new(&leaky, None);
    guest.transform(&batch(&["ok"; 500])).expect("an outcome");
    let mut behaviours = vec!["ok"; RECORDS];
    behaviours[70] = "memory";
    let outcome = guest.transform(&batch(&behaviours)).expect("an outcome");
    let rejects: Vec<_> = outcome
        .rejects
        .iter()
        .map(|(row, reject)| (*row, &*reject.code))
        .collect();
    assert_eq!(rejects, [(70, "memory")]);
}

#[test]
fn a_guest_that_needs_much_from_the_start_or_for_a_batch_is_not_replaced_at_each_batch() {
    let plain = batch(&["ok"; RECORDS]);
    // Nine of sixteen MiB are full before the first batch.
    let table = run(&plugin(&[("table-mib", "9")], limits(50)), &plain, BATCHES);
    assert_eq!((table.recycled, table.rejects), (0, 0));
    assert!(table.held[0] > LIMIT / 2);
    // Each batch takes ten MiB and gives them back, also where the first batches do not.
    let mut behaviours = ["ok"; RECORDS];
    behaviours[7] = "scratch";
    let scratch = run(&plugin(&[], limits(50)), &batch(&behaviours), BATCHES);
    assert_eq!((scratch.recycled, scratch.rejects), (0, 0));
    assert!(scratch.held[0] > LIMIT / 2);
    let late = plugin(&[], limits(50));
    let mut guest = Guest::new(&late, None);
    for number in 0..BATCHES {
        let records = if number % 7 == 6 {
            batch(&behaviours)
        } else {
            batch(&["ok"; 3])
        };
        guest.transform(&records).expect("an outcome");
    }
    assert_eq!((guest.recycled(), guest.calls()), (0, BATCHES as u64));
    // It leaks as well: then it is replaced, and seldom.
    let both = run(
        &plugin(&[("table-mib", "9"), ("leak-kib", "1")], limits(50)),
        &plain,
        BATCHES,
    );
    assert_eq!(both.rejects, 0);
    assert!((1..=6).contains(&both.recycled), "{}", both.recycled);
}
