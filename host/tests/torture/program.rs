//! `host` with its failpoints armed by the variable `FAILPOINTS`, as the crate `fail` reads it
//! (`FAILPOINTS='written=3%return'`). `src/failpoint.rs` says which points there are.

use std::process::ExitCode;

fn main() -> ExitCode {
    let _armed = fail::FailScenario::setup();
    host::cli::main()
}
