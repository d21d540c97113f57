//! The command line of `host setup`.

use clap::Args;

use super::flags::{FromFlag, PluginFlags, RegistryFlag, ToFlag};
use super::{TEMPLATE, console};
use crate::app;
use crate::app::failure::Failure;
use crate::config::given::Flags;

const WHAT: &str = "\
Creates the keyspace and tables of cql/, the topic of --from and its dead-letter topic, registers the schemas, \
and creates the topics that the plugin's outputs go to. Whatever exists already stays as it is.";

const EXAMPLES: &str = "\
Examples:
  host setup
  host setup --plugin plugins/order_enrich.wasm
  host setup --from kafka://broker1:9092/orders --to cassandra://node1/shop --replication-factor 3";

/// Create keyspace, tables, topics and schemas
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct Setup {
    #[command(flatten)]
    from: FromFlag,
    #[command(flatten)]
    to: ToFlag,
    /// Copies of each row and record [default: 3, or what the cluster can carry]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    replication_factor: Option<u8>,
    #[command(flatten)]
    registry: RegistryFlag,
    #[command(flatten)]
    plugin: PluginFlags,
}

impl Setup {
    /// Runs the verb.
    pub async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.from.say(&mut flags);
        self.to.say(&mut flags);
        self.registry.say(&mut flags);
        let plugin = if self.plugin.is_said() {
            app::setup::Plugin::Named
        } else {
            app::setup::Plugin::IfThere
        };
        self.plugin.say(&mut flags);
        let settings = super::load(&flags)?;
        let options = app::setup::Options {
            replication_factor: self.replication_factor,
            plugin,
        };
        app::setup::run(&settings, options, &mut console::output()).await
    }
}
