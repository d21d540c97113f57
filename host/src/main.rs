//! The program `host`: what was typed to its verb, what went wrong to an exit code.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use host::cli::{Cli, console};

/// Threads that still wait for a server when the verb has ended are not waited for longer than this.
const LAST_WAIT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    console::report_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version too: those are printed to stdout, and are no failure.
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console::error(&format!("cannot start the program's threads: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(cli.run());
    runtime.shutdown_timeout(LAST_WAIT);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough: `host verify … | head`.
        Err(failure) if console::is_closed(failure.error()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::error(&failure.to_string());
            failure.exit_code()
        }
    }
}
