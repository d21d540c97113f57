//! A version that gives no outcome at all: what the slot makes of it.

use std::sync::Arc;
use std::time::Duration;

use host::pipeline::isolate::{Guest, GuestError};
use host::pipeline::probation::Probation;
use host::pipeline::slot::PluginSlot;
use host::pipeline::swap::Outcome;
use host::pipeline::version::Version;
use host::plugin::PluginError;
use host::plugin::limits::Limits;

use crate::built::batch;
use crate::versions::version;

const PROBATION: Probation = Probation {
    records: 10_000,
    time: Duration::from_mins(5),
    margin_percent: 5,
};

/// What a batch comes to of which every record breaks the guest.
fn broken(version: &Version) -> GuestError {
    let mut guest = Guest::new(&version.plugin, None);
    guest.transform(&batch(&["trap"; 100])).expect_err("no outcome")
}

/// A slot, the version that it began with, and the one that has taken its place.
fn swapped(probation: Option<Probation>) -> (PluginSlot, Arc<Version>, Arc<Version>) {
    let slot = PluginSlot::new(version(None, Limits::default()));
    let (first, second) = (slot.current(), Arc::new(version(None, Limits::default())));
    slot.put(Arc::clone(&second), probation);
    (slot, first, second)
}

#[test]
fn on_probation_one_that_breaks_on_every_record_is_gone_back_from_at_once() {
    let (slot, first, second) = swapped(Some(PROBATION));
    let error = broken(&second);
    assert!(slot.observe_broken(&second, &error));
    assert!(Arc::ptr_eq(&slot.current(), &first));
    assert!(!slot.is_on_probation());
    // Another partition's batch, which was in the guest meanwhile: it goes through the earlier one as well.
    assert!(slot.observe_broken(&second, &error));
    let swaps = slot.history.swaps();
    assert_eq!((swaps.len(), &*swaps[0].asked_by), (1, "probation"));
    let Outcome::RolledBack { reason, .. } = &swaps[0].outcome else {
        panic!("{}", swaps[0])
    };
    assert!(
        reason.starts_with("the plugin breaks on every record") && reason.contains("the plugin trapped"),
        "{reason}"
    );
}

#[test]
fn without_a_probation_it_stays_and_the_batch_waits() {
    let (slot, first, second) = swapped(None);
    assert!(!slot.observe_broken(&second, &broken(&second)));
    assert!(Arc::ptr_eq(&slot.current(), &second));
    assert!(
        slot.observe_broken(&first, &broken(&first)),
        "one of an earlier version"
    );
    assert!(slot.history.swaps().is_empty());
}

#[test]
fn a_machine_that_has_no_room_says_nothing_of_the_plugin() {
    let (slot, _, second) = swapped(Some(PROBATION));
    let error = GuestError::Start(PluginError::NoRoom { limit: 256 });
    assert!(!slot.observe_broken(&second, &error));
    assert!(slot.is_on_probation());
}
