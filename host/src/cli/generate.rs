//! The command line of `host generate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{TEMPLATE, console};
use crate::app;
use crate::app::failure::Failure;
use crate::config::given::Flags;
use crate::generate::Plan;

const WHAT: &str = "\
The same seed gives the same bytes.";

const EXAMPLES: &str = "\
Examples:
  host generate orders --rows 1000 --out orders.csv
  host generate orders --rows 200000 --seed 7 --dirty 2% | gzip > dirty.csv.gz";

/// Make up orders to try things with
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct Generate {
    /// What to make up
    #[arg(value_enum)]
    what: What,
    /// Rows
    #[arg(long, value_name = "N", default_value = "1000")]
    rows: u64,
    /// Seed of the made-up values
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// Share of rows with a bad id, a bad date or blanks
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    dirty: f64,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Orders,
}

impl Generate {
    /// Runs the verb.
    pub fn run(self, flags: &Flags) -> Result<(), Failure> {
        super::start_log(flags);
        let What::Orders = self.what;
        let options = app::generate::Options {
            plan: Plan {
                rows: self.rows,
                seed: self.seed,
                dirty: self.dirty,
            },
            out: self.out,
        };
        app::generate::run(&options, &mut console::output())
    }
}

/// Reads `2%` as 0.02.
fn share(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("write it as 2%, from 0% to 100%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_given_in_percent() {
        assert_eq!(share("2%"), Ok(0.02));
        assert_eq!(share("50"), Ok(0.5));
        for bad in ["", "%", "101%", "-1%", "NaN%"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }
}
