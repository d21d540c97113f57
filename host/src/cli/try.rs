//! The command line of `host try`.

use std::num::NonZeroU64;

use clap::Args;

use super::flags::{PluginFlags, at_least_one, say_file};
use super::{TEMPLATE, console};
use crate::app;
use crate::app::failure::Failure;
use crate::config::given::Flags;

const WHAT: &str = "\
Shows the first rows as a table, every record that the plugin rejects with its line, code and message, and \
counts.";

const EXAMPLES: &str = "\
Examples:
  host try --plugin plugins/order_enrich.wasm orders.csv
  host try --plugin plugins/order_enrich.wasm --set date-order=mdy --limit 50 orders.csv.gz";

/// Run a plugin over a file and show what comes out, without any server
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct Try {
    /// Records: FILE.csv or FILE.ndjson, also .gz
    file: String,
    #[command(flatten)]
    plugin: PluginFlags,
    /// Rows shown
    #[arg(long, value_name = "N", default_value = "10", value_parser = at_least_one::<NonZeroU64>)]
    limit: NonZeroU64,
}

impl Try {
    /// Runs the verb.
    pub async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.plugin.say(&mut flags);
        say_file(self.file, &mut flags)?;
        let settings = super::load(&flags)?;
        app::look::r#try::run(settings, self.limit, &mut console::output()).await
    }
}
