//! How a run goes. Workers note it here; status, metrics and traces show it. Nothing in this folder decides anything.

pub mod examples;
pub mod histogram;
pub mod history;
pub mod lap;
pub mod metrics;
pub mod shadowing;
pub mod share;
pub mod status;
pub mod swapping;
pub mod swaps;
pub mod totals;
pub mod trace;

use examples::Examples;
use metrics::Metrics;
use status::Board;
use totals::Totals;
use trace::Traces;

/// Everything that is noted while a run goes on. It starts empty.
#[derive(Default)]
pub struct Watch {
    pub totals: Totals,
    pub metrics: Metrics,
    pub examples: Examples,
    pub board: Board,
    pub traces: Traces,
}
