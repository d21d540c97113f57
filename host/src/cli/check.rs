//! The command line of `host check`.

use clap::Args;

use super::flags::{FromFlag, PluginFlags, RegistryFlag, ToFlag, TtlFlag};
use super::{TEMPLATE, console};
use crate::app;
use crate::app::failure::Failure;
use crate::config::given::Flags;

const WHAT: &str = "\
Connects to everything and reports each mismatch between the registry's schema, the plugin's inputs and outputs \
and the tables' columns. Exit code 2 if there is any.";

const EXAMPLES: &str = "\
Examples:
  host check --plugin plugins/order_enrich.wasm";

/// Compare plugin, schema and tables without changing anything
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct Check {
    #[command(flatten)]
    plugin: PluginFlags,
    #[command(flatten)]
    from: FromFlag,
    #[command(flatten)]
    to: ToFlag,
    #[command(flatten)]
    registry: RegistryFlag,
    #[command(flatten)]
    ttl: TtlFlag,
}

impl Check {
    /// Runs the verb.
    pub async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.plugin.say(&mut flags);
        self.from.say(&mut flags);
        self.to.say(&mut flags);
        self.registry.say(&mut flags);
        self.ttl.say(&mut flags);
        let settings = super::load(&flags)?;
        app::look::check::run(&settings, &mut console::output()).await
    }
}
