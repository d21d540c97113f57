//! A function linked into the program, called where the guest would be, for the benchmark that says what the sandbox costs
//! (`benches/native`). Nothing of it is compiled in without the feature `native-guest`, which `host` is never built with.

use std::sync::OnceLock;

use crate::record::columns::Batch;
use crate::record::descriptor::Outcome;

/// From the columns of the plugin's inputs to the outcome of every row.
pub type Function = Box<dyn Fn(&Batch) -> Outcome + Send + Sync>;

static FUNCTION: OnceLock<Function> = OnceLock::new();

/// From now on every instance calls this function and no guest.
///
/// # Panics
/// At the second one.
pub fn install(function: Function) {
    assert!(FUNCTION.set(function).is_ok(), "there is a function already");
}

/// None: no function is installed.
pub(super) fn transform(batch: &Batch) -> Option<Outcome> {
    FUNCTION.get().map(|function| function(batch))
}
