//! `host` with the first plugin's function linked into it, with default settings, and called in place of the guest. Everything
//! else of a run is the same, so that `benches/rounds.py` can tell what the sandbox costs. The component is still loaded, for
//! its declarations.

mod columns;
mod outcome;

use std::process::ExitCode;

use host::plugin::native;
use order_enrich::enrich;
use transform_sdk::Plugin as _;

fn main() -> ExitCode {
    let settings = columns::settings();
    native::install(Box::new(move |batch| {
        outcome::taken(enrich::transform(&settings, &columns::columns(batch)))
    }));
    host::cli::main()
}
