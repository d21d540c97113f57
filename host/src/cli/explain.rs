//! The command line of `host explain`.

use std::path::PathBuf;

use clap::Args;

use super::flags::{FromFlag, PluginFlags, RegistryFlag, ToFlag, TtlFlag};
use super::{TEMPLATE, console};
use crate::app::failure::Failure;
use crate::app::look::explain::{self, Address};
use crate::config::given::Flags;

const WHAT: &str = "\
Fetches one record and runs it alone. Shows its content, what the plugin reads of it, every row with the CQL that would \
write it and how it compares with the row in the table, or why it is rejected; and its write timestamp. Writes \
nothing, joins no group.";

const EXAMPLES: &str = "\
Examples:
  host explain ecommerce-orders/0@17
  host explain ecommerce-orders/0@17 --plugin fixed.wasm
  host explain ecommerce-orders/0@17 --save case.ndjson && host try case.ndjson";

/// Show what becomes of one record of a topic, and why
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct Explain {
    /// The record: TOPIC/PARTITION@OFFSET, as logs, rejects and dead letters name it
    #[arg(value_name = "RECORD")]
    address: Address,
    #[command(flatten)]
    plugin: PluginFlags,
    #[command(flatten)]
    from: FromFlag,
    #[command(flatten)]
    to: ToFlag,
    /// Write the record, decoded, as a line that `host try` and a unit test can read
    #[arg(long, value_name = "FILE.ndjson")]
    save: Option<PathBuf>,
    /// Records before it to read at most, to work out its write timestamp
    #[arg(long, value_name = "N", default_value = "1000")]
    behind: u32,
    /// Consumer group whose commit may tell the write timestamps before it [default:
    /// ecommerce-group]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    #[command(flatten)]
    registry: RegistryFlag,
    #[command(flatten)]
    ttl: TtlFlag,
}

impl Explain {
    /// Runs the verb.
    pub async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.plugin.say(&mut flags);
        self.from.say(&mut flags);
        self.to.say(&mut flags);
        self.registry.say(&mut flags);
        self.ttl.say(&mut flags);
        flags.set("source.group", "--group", self.group);
        let settings = super::load(&flags)?;
        let options = explain::Options {
            address: self.address,
            behind: self.behind,
            save: self.save,
        };
        explain::run(&settings, &options, &mut console::output()).await
    }
}
