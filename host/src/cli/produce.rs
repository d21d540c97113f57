//! The command line of `host produce`.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they are written")]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::flags::RegistryFlag;
use super::{TEMPLATE, console};
use crate::app;
use crate::app::failure::Failure;
use crate::config::given::Flags;
use crate::produce::rate::Rate;

const WHAT: &str = "\
Avro is written by the registry's newest schema of TOPIC-value; where there is none, the project's own is registered. Columns go to the schema's fields by the names in the header; empty cells are nulls. Blank lines are skipped and \
counted. A row with too few or too many cells is reported and skipped, and the exit code is 1.";

const EXAMPLES: &str = "\
Examples:
  host produce orders.csv                             as Avro, by the newest schema in the registry
  host produce orders.csv.gz --format json --rate 10/s --limit 100
  host produce orders.csv --to kafka://broker1:9092/orders --key '{customer_id}'";

/// Put the rows of a CSV file into a Kafka topic
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct Produce {
    /// Rows: FILE.csv, also .gz
    file: PathBuf,
    /// Where records go: kafka://BROKERS/TOPIC [default: kafka://127.0.0.1:9092/ecommerce-orders]
    #[arg(long, value_name = "TOPIC")]
    to: Option<String>,
    /// How records are written
    #[arg(long, value_enum, default_value_t = ValueFormat::Avro)]
    format: ValueFormat,
    /// Key of each record, with columns in braces
    #[arg(long, value_name = "TEMPLATE", default_value = "{order_id}-{customer_id}")]
    key: String,
    /// Records a second, as in 10/s; without it, as fast as the brokers take them
    #[arg(long, value_name = "N/s")]
    rate: Option<Rate>,
    /// Records at most
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    registry: RegistryFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ValueFormat {
    Avro,
    Json,
}

impl Produce {
    /// Runs the verb.
    pub async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.registry.say(&mut flags);
        if self.to.as_ref().is_some_and(|to| !to.starts_with("kafka://")) {
            let message = "--to: records are produced to Kafka only; give kafka://BROKERS/TOPIC";
            return Err(Failure::Usage(anyhow::Error::msg(message)));
        }
        flags.set("source.from", "--to", self.to);
        let settings = super::load(&flags)?;
        let options = app::produce::Options {
            file: self.file,
            format: match self.format {
                ValueFormat::Avro => app::produce::Format::Avro,
                ValueFormat::Json => app::produce::Format::Json,
            },
            key: self.key,
            rate: self.rate,
            limit: self.limit,
        };
        app::produce::run(&settings, options, &mut console::output()).await
    }
}
