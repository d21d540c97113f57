//! The command line of `host verify`.

use clap::Args;

use super::flags::{ConsistencyFlag, PluginFlags, ToFlag, say_file};
use super::{TEMPLATE, console};
use crate::app;
use crate::app::failure::Failure;
use crate::config::given::Flags;

const WHAT: &str = "\
Calls the plugin with the file's records, reads each row that comes out back by its primary key, and reports how \
many were expected, found, missing and different. Exit code 1 if any are missing or different.";

const EXAMPLES: &str = "\
Examples:
  host verify orders.csv
  host verify orders.csv --plugin plugins/order_enrich.wasm --to orders.db";

/// Read rows back and compare them with what a file should have given
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct Verify {
    /// Records that were put in: FILE.csv or FILE.ndjson, also .gz
    file: String,
    #[command(flatten)]
    plugin: PluginFlags,
    #[command(flatten)]
    to: ToFlag,
    #[command(flatten)]
    consistency: ConsistencyFlag,
}

impl Verify {
    /// Runs the verb.
    pub async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.plugin.say(&mut flags);
        self.to.say(&mut flags);
        self.consistency.say(&mut flags);
        say_file(self.file, &mut flags)?;
        let settings = super::load(&flags)?;
        app::look::verify::run(&settings, &mut console::output()).await
    }
}
