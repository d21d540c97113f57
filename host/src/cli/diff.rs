//! The command line of `host diff`.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they are written")]

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::Args;

use super::flags::{RegistryFlag, at_least_one, key_value};
use super::{TEMPLATE, console};
use crate::app::failure::Failure;
use crate::app::look::diff::{self, Contender, Verdict};
use crate::app::say::OutputFormat;
use crate::config::given::Flags;

const WHAT: &str = "\
Runs both over the same records and compares what comes out: rows by record and position, column by column, rejects by \
code, filtered records, time. Writes nothing, joins no group. Exit code 0: no difference; 1: they differ; 2: a wrong \
plugin or file; 3: a service not reached.";

const EXAMPLES: &str = "\
Examples:
  host diff old.wasm new.wasm orders.csv
  host diff old.wasm new.wasm kafka://broker1:9092/orders --limit 10000
  host diff a.wasm a.wasm orders.csv --set-new date-order=mdy      one plugin, another setting
  host diff old.wasm new.wasm orders.ndjson --json | jq .rejects";

/// Compare what two plugins make of the same records
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct Diff {
    /// The plugin that is in use
    #[arg(value_name = "OLD.wasm")]
    old: PathBuf,
    /// The plugin that is to replace it
    #[arg(value_name = "NEW.wasm")]
    new: PathBuf,
    /// Records: FILE.csv or FILE.ndjson, also .gz, or kafka://BROKERS/TOPIC
    #[arg(value_name = "FILE|kafka://BROKERS/TOPIC")]
    from: String,
    /// Records of the file, from its beginning [default: all]; of a topic the latest offsets of each
    /// partition [default: 1000]
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroU64>)]
    limit: Option<NonZeroU64>,
    /// A setting for both plugins; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    settings: Vec<(String, String)>,
    /// A setting for the old plugin alone
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set_old: Vec<(String, String)>,
    /// A setting for the new plugin alone
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set_new: Vec<(String, String)>,
    #[command(flatten)]
    registry: RegistryFlag,
    /// Print the whole report as JSON
    #[arg(long)]
    json: bool,
}

impl Diff {
    /// Runs the verb.
    pub async fn run(self, mut flags: Flags) -> Result<Verdict, Failure> {
        self.registry.say(&mut flags);
        flags
            .set_plugin(&self.settings)
            .set("source.from", "FILE", Some(self.from));
        let settings = super::load(&flags)?;
        let options = diff::Options {
            old: Contender {
                file: self.old,
                settings: self.set_old,
            },
            new: Contender {
                file: self.new,
                settings: self.set_new,
            },
            limit: self.limit,
            form: if self.json {
                OutputFormat::Json
            } else {
                OutputFormat::Text
            },
        };
        diff::run(&settings, &options, &mut console::output()).await
    }
}
