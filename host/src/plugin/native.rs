//! Calls a function that is linked into the program instead of the guest, for the benchmark of the sandbox's cost
//! (`benches/native`). It is compiled in only with the feature `native-guest`, which `host` is never built with.

use std::sync::OnceLock;

use crate::record::columns::Batch;
use crate::record::descriptor::Outcome;

/// Makes the outcome of every row from the columns of the plugin's inputs.
pub type Function = Box<dyn Fn(&Batch) -> Outcome + Send + Sync>;

static FUNCTION: OnceLock<Function> = OnceLock::new();

/// Makes every instance call this function instead of its guest from now on.
///
/// # Panics
/// If a function is installed already.
pub fn install(function: Function) {
    assert!(FUNCTION.set(function).is_ok(), "there is a function already");
}

/// Calls the function, or returns `None` if none is installed.
pub(super) fn transform(batch: &Batch) -> Option<Outcome> {
    FUNCTION.get().map(|function| function(batch))
}
