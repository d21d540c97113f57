//! `host generate`: writes made-up orders to a file or to standard output.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;

use super::failure::Failure;
use crate::generate::{Plan, orders};

/// The options of `host generate`.
#[derive(Debug, Clone)]
pub struct Options {
    pub plan: Plan,
    /// The file; `None` means standard output.
    pub out: Option<PathBuf>,
}

/// Writes the orders. A reader that closes standard output early is not an error.
///
/// # Errors
/// The file cannot be created (exit code 2), or not be written to its end (1).
pub fn run(options: &Options, stdout: &mut dyn Write) -> Result<(), Failure> {
    match &options.out {
        None => {
            let mut out = BufWriter::new(stdout);
            orders(options.plan, &mut out)
                .and_then(|()| out.flush())
                .or_else(closed_early)
                .map_err(Failure::Failed)
        }
        Some(path) => {
            let context = || format!("cannot write {}", path.display());
            let file = File::create(path).with_context(context).map_err(Failure::Usage)?;
            let mut out = BufWriter::new(file);
            let written = orders(options.plan, &mut out).and_then(|()| out.flush());
            written.with_context(context).map_err(Failure::Failed)
        }
    }
}

/// The reader has what it wants, as in `host generate … | head`.
fn closed_early(error: std::io::Error) -> anyhow::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        Ok(())
    } else {
        Err(error).context("cannot write")
    }
}
