//! The command line of `host bench plugin`.

use std::num::{NonZeroU32, NonZeroU64};

use clap::{Args, Subcommand};

use super::flags::{at_least_one, key_value, say_file};
use super::{TEMPLATE, console};
use crate::app::failure::Failure;
use crate::app::look::bench;
use crate::app::say::OutputFormat;
use crate::config::given::Flags;

const WHAT: &str = "\
Reads the records once into memory and sends them through the plugin again and again, on one thread, without any \
server: records a second, time a record of each stage, memory, rejects; and how long the component takes to compile \
and to instantiate. Each figure is the median of ten rounds, with the least and the most of them.";

const EXAMPLES: &str = "\
Examples:
  host bench plugin plugins/order_enrich.wasm orders.csv
  host bench plugin new.wasm orders.ndjson --batch 100 --json | jq .records_per_second.median";

/// Time a plugin on one core, without any server
#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    Plugin(BenchPlugin),
}

/// Time a plugin on one core over the records of a file, without any server
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct BenchPlugin {
    /// The plugin
    #[arg(value_name = "PLUGIN.wasm")]
    plugin: String,
    /// Records: FILE.csv or FILE.ndjson, also .gz; repeated to fill the batches
    file: String,
    /// A setting for the plugin; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    settings: Vec<(String, String)>,
    /// Records in a batch
    #[arg(long, value_name = "N", default_value = "1000", value_parser = at_least_one::<NonZeroU32>)]
    batch: NonZeroU32,
    /// How long to measure, after a tenth of it to warm up
    #[arg(long, value_name = "N", default_value = "5", value_parser = at_least_one::<NonZeroU32>)]
    seconds: NonZeroU32,
    /// Records of the file, from its beginning: they are held in memory
    #[arg(long, value_name = "N", default_value = "100000", value_parser = at_least_one::<NonZeroU64>)]
    limit: NonZeroU64,
    /// Print the whole report as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub async fn run(command: BenchCommand, mut flags: Flags) -> Result<(), Failure> {
    let BenchCommand::Plugin(asked) = command;
    flags
        .set("plugin.file", "PLUGIN.wasm", Some(asked.plugin))
        .set_plugin(&asked.settings);
    say_file(asked.file, &mut flags)?;
    let settings = super::load(&flags)?;
    let options = bench::Options {
        batch_records: asked.batch,
        seconds: asked.seconds,
        limit: asked.limit,
        form: if asked.json {
            OutputFormat::Json
        } else {
            OutputFormat::Text
        },
    };
    bench::run(&settings, &options, &mut console::output()).await
}
