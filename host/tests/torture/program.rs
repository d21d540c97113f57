//! `host` with its failpoints armed by the variable `FAILPOINTS`, as the crate `fail` reads it
//! (`FAILPOINTS='written=3%return'`). `src/failpoint.rs` says which points there are.
//!
//! With `OWN_PROGRESS=FILE.db PLUGIN=FILE.wasm` it is the run of [`own_progress`] instead.

mod own_progress;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let _armed = fail::FailScenario::setup();
    match (std::env::var_os("OWN_PROGRESS"), std::env::var_os("PLUGIN")) {
        (Some(database), Some(plugin)) => own_progress::main(Path::new(&database), Path::new(&plugin)),
        _ => host::cli::main(),
    }
}
