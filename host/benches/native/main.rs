//! `host` with the first plugin's function linked into it, with its default settings, and called where its guest would be:
//! everything else of a run is the same, so that `benches/rounds.py` can say what the sandbox costs. The component is
//! loaded all the same, for what it declares.

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
