//! `host produce`.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they are written")]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::flags::RegistryFlag;
use super::{TEMPLATE, console};
use crate::app;
use crate::app::failure::Failure;
use crate::config::given::Flags;

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
    #[arg(long, value_enum, default_value_t = Format::Avro)]
    format: Format,
    /// Key of each record, with columns in braces
    #[arg(long, value_name = "TEMPLATE", default_value = "{order_id}-{customer_id}")]
    key: String,
    /// Records a second, as 10/s; without it as fast as the brokers take them
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<f64>,
    /// Records at most
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    registry: RegistryFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Avro,
    Json,
}

impl Produce {
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
                Format::Avro => app::produce::Format::Avro,
                Format::Json => app::produce::Format::Json,
            },
            key: self.key,
            rate: self.rate,
            limit: self.limit,
        };
        app::produce::run(&settings, options, &mut console::output()).await
    }
}

/// `10/s`, `0.5/s`, `600/min`, or a bare number a second; to records a second.
fn rate(text: &str) -> Result<f64, String> {
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let seconds = match unit.trim() {
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("write it as 10/s, 600/min or 100/h".to_owned()),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number / seconds),
        _ => Err("write it as 10/s, with a number above zero".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_records_a_second() {
        assert_eq!(rate("10/s"), Ok(10.0));
        assert_eq!(rate("90/min"), Ok(1.5));
        assert_eq!(rate("0.5"), Ok(0.5));
        for bad in ["", "/s", "0/s", "-1/s", "inf/s", "10/day", "ten/s"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
