//! The slot: how it judges a version, what a rollback leads to, and what it makes of a version that gives no outcome at
//! all.

use std::sync::Arc;
use std::time::Duration;

use host::pipeline::batch::version::Version;
use host::pipeline::swap::probation::Probation;
use host::pipeline::swap::slot::{Observed, PluginSlot};
use host::pipeline::watch::swaps::Swap;
use host::pipeline::watch::swaps::SwapOutcome;
use host::pipeline::watch::trace::Traces;
use host::plugin::isolate::{Guest, GuestError};
use host::plugin::limits::Limits;
use host::plugin::{PluginError, Stop};
use host::record::reject::Reject;
use host::record::stage::Stage;

use crate::built::batch;
use crate::versions::{numbered, variant_version, version};

const PROBATION: Probation = Probation {
    records: 10_000,
    time: Duration::from_mins(5),
    margin_percent: 5,
};

/// What a batch comes to of which every record breaks the guest.
fn broken() -> GuestError {
    let version = version(None, Limits::default());
    let mut guest = Guest::new(&version.plugin, None);
    guest.transform(&batch(&["trap"; 100])).expect_err("no outcome")
}

fn named(name: &str) -> Arc<Version> {
    variant_version(name, "", Limits::default())
}

/// A slot that began with the version `first`.
fn slot() -> (PluginSlot, Arc<Version>) {
    let first = Arc::into_inner(named("first")).expect("it is nowhere else");
    let slot = PluginSlot::new(first, Traces::default());
    let first = slot.current();
    (slot, first)
}

fn swapped(replaced: &Version, to: &Version) -> Swap {
    Swap::by_itself(replaced.identity(), to.identity(), SwapOutcome::Swapped)
}

fn put(slot: &PluginSlot, version: &Arc<Version>, probation: Option<Probation>) {
    slot.put(Arc::clone(version), probation, |replaced| swapped(replaced, version));
}

/// As `host plugin rollback`; `false` where there is nothing to go back to.
fn roll_back(slot: &PluginSlot) -> bool {
    let Some(to) = slot.way_back() else { return false };
    slot.put_back(&to, Some(PROBATION), |replaced| swapped(replaced, &to))
}

/// So many records go through the current version, and so many of them are rejected.
fn take(slot: &PluginSlot, records: i64, rejected: usize) -> bool {
    let records = numbered(0, 0..records);
    let reject = Reject::new(Stage::Transform, "too-fussy", "no");
    let rejects: Vec<_> = (0..rejected).map(|record| (record, &reject)).collect();
    let observed = Observed {
        records: &records,
        guest_time: Duration::from_micros(1),
    };
    slot.observe(&slot.current(), &observed, &rejects)
}

/// The version that runs now, and where a rollback leads.
fn stands(slot: &PluginSlot) -> (String, Option<String>) {
    let version = |version: Arc<Version>| version.identity().version.to_string();
    (version(slot.current()), slot.way_back().map(version))
}

fn at(current: &str, back: Option<&str>) -> (String, Option<String>) {
    (current.to_owned(), back.map(str::to_owned))
}

/// A slot whose second version, on probation, has taken the place of the first.
fn with_second(probation: Option<Probation>) -> (PluginSlot, Arc<Version>, Arc<Version>) {
    let (slot, first) = slot();
    let second = named("second");
    put(&slot, &second, probation);
    (slot, first, second)
}

#[test]
fn on_probation_one_that_breaks_on_every_record_is_gone_back_from_at_once() {
    let (slot, first, second) = with_second(Some(PROBATION));
    let error = broken();
    assert!(slot.observe_broken(&second, &error));
    assert!(Arc::ptr_eq(&slot.current(), &first));
    assert!(!slot.is_on_probation());
    // Another partition's batch, which was in the guest meanwhile: it goes through the earlier one as well.
    assert!(slot.observe_broken(&second, &error));
    let swaps = slot.history.swaps();
    assert_eq!((swaps.len(), &*swaps[1].asked_by), (2, "probation"));
    let SwapOutcome::RolledBack { reason, .. } = &swaps[1].outcome else {
        panic!("{}", swaps[1])
    };
    assert!(
        reason.starts_with("the plugin breaks on every record") && reason.contains("the plugin trapped"),
        "{reason}"
    );
}

#[test]
fn without_a_probation_it_stays_and_the_batch_waits() {
    let (slot, first, second) = with_second(None);
    assert!(!slot.observe_broken(&second, &broken()));
    assert!(Arc::ptr_eq(&slot.current(), &second));
    assert!(slot.observe_broken(&first, &broken()), "one of an earlier version");
    assert_eq!(slot.history.swaps().len(), 1, "the swap itself");
}

#[test]
fn a_machine_that_has_no_room_says_nothing_of_the_plugin() {
    let (slot, _, second) = with_second(Some(PROBATION));
    let error = GuestError::Start(PluginError::NoRoom { limit: 256 });
    assert!(!slot.observe_broken(&second, &error));
    assert!(slot.is_on_probation());
}

#[test]
fn back_is_one_step_after_another_along_what_ran_well_and_then_nothing() {
    let (slot, _) = slot();
    assert_eq!(stands(&slot), at("first", None));
    for name in ["second", "third"] {
        put(&slot, &named(name), Some(PROBATION));
        assert!(!take(&slot, 10_000, 0));
        assert!(!slot.is_on_probation(), "{name} has passed");
    }
    assert_eq!(stands(&slot), at("third", Some("second")));
    assert!(roll_back(&slot));
    assert_eq!(stands(&slot), at("second", Some("first")));
    assert!(slot.is_on_probation(), "it is watched again");
    assert!(roll_back(&slot));
    assert_eq!(stands(&slot), at("first", None));
    assert!(!roll_back(&slot), "neither of the two is gone back to");
    // It may come again as any other.
    put(&slot, &named("third"), Some(PROBATION));
    assert_eq!(stands(&slot), at("third", Some("first")));
}

#[test]
fn what_probation_took_out_is_never_what_one_goes_back_to() {
    let (slot, _, second) = with_second(Some(PROBATION));
    assert!(!take(&slot, 10_000, 0));
    put(&slot, &named("third"), Some(PROBATION));
    assert!(take(&slot, 100, 100), "worse");
    assert_eq!(stands(&slot), at("second", Some("first")));
    // Under the digest of a version that ran well before: that one is not gone back to any more either.
    put(&slot, &named("fourth"), Some(PROBATION));
    assert!(!take(&slot, 10_000, 0));
    put(&slot, &named("second"), Some(PROBATION));
    assert!(slot.observe_broken(&slot.current(), &broken()));
    assert_eq!(stands(&slot), at("fourth", Some("first")));
    assert!(!slot.is_current(&second));
}

#[test]
fn of_two_swaps_within_a_moment_both_are_judged_by_the_last_version_that_ran_well() {
    let (slot, first) = slot();
    assert!(!take(&slot, 1000, 0));
    for name in ["broken", "broken-too"] {
        put(&slot, &named(name), Some(PROBATION));
    }
    assert_eq!(stands(&slot), at("broken-too", Some("first")));
    assert!(!take(&slot, 100, 24), "few enough to be chance");
    assert!(take(&slot, 100, 24), "too many beside none of a thousand");
    assert!(slot.is_current(&first));
    // What the first one made of its records is still known: the next one is judged by it, too.
    put(&slot, &named("third"), Some(PROBATION));
    assert!(take(&slot, 200, 48), "the baseline is still there");
    assert_eq!(stands(&slot), at("first", None));
}

/// Few records of a version that passed by its time are no baseline while there is a better one.
#[test]
fn a_baseline_of_a_few_records_does_not_replace_one_of_many() {
    let (slot, _) = slot();
    assert!(!take(&slot, 1000, 0));
    let short = Probation {
        records: 5,
        ..PROBATION
    };
    put(&slot, &named("second"), Some(short));
    assert!(!take(&slot, 5, 0));
    put(&slot, &named("third"), Some(PROBATION));
    assert!(take(&slot, 200, 48), "none of a thousand before");
    assert_eq!(stands(&slot), at("second", Some("first")));
}

#[test]
fn without_a_probation_what_took_records_ran_well_and_what_took_none_did_not() {
    let (slot, ..) = with_second(None);
    assert!(!take(&slot, 1, 1));
    put(&slot, &named("third"), None);
    put(&slot, &named("fourth"), None);
    assert_eq!(stands(&slot), at("fourth", Some("second")));
}

/// Like a plugin that never ends and is swapped for that reason.
#[test]
fn a_first_plugin_that_gave_no_outcome_is_not_gone_back_to() {
    let (slot, first) = slot();
    assert!(!slot.observe_broken(&first, &broken()));
    put(&slot, &named("second"), Some(PROBATION));
    assert_eq!(stands(&slot), at("second", None));
    // Where that is known only once it was left.
    let (slot, first, _) = with_second(Some(PROBATION));
    assert_eq!(stands(&slot), at("second", Some("first")));
    assert!(
        slot.observe_broken(&first, &GuestError::Stopped),
        "the batch is made anew"
    );
    assert_eq!(stands(&slot), at("second", None));
    assert!(!take(&slot, 100, 100), "there is nothing to go back to");
    assert!(!take(&slot, 100, 100), "nor is it tried again");
    assert_eq!(slot.history.swaps().len(), 1);
}

/// Its deadline is far off, and so is the end of the search for what breaks it.
#[test]
fn a_batch_of_a_version_that_was_replaced_is_given_up_at_once() {
    let limits = Limits {
        deadline: Duration::from_mins(5),
        ..Limits::default()
    };
    let version = version(None, limits);
    let begun = std::time::Instant::now();
    let stop = Stop::when(move || begun.elapsed() > Duration::from_millis(200));
    let mut guest = Guest::new(&version.plugin, None).stopping(stop);
    let stopped = guest.transform(&batch(&["loop"; 100]));
    assert!(matches!(stopped, Err(GuestError::Stopped)), "{stopped:?}");
    // Nor is a batch that breaks it split any further.
    let calls = guest.calls();
    let stopped = guest.transform(&batch(&["trap"; 100]));
    assert!(matches!(stopped, Err(GuestError::Stopped)), "{stopped:?}");
    assert_eq!(guest.calls(), calls + 1);
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
}
