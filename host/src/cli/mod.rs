//! The command line. Each verb has a file with its flags and one call into `app`.
//!
//! A flag that stands for a setting has no default of its own. It is handed to `config`, which knows where else the
//! setting may be given.

mod bench;
mod check;
mod console;
mod diff;
mod dlq;
mod explain;
mod flags;
mod generate;
mod plugin;
mod produce;
mod run;
mod setup;
mod r#try;
mod verify;

use std::process::ExitCode;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use crate::app::failure::Failure;
use crate::app::look::diff::Verdict;
use crate::app::wire::{ENDS, Loaded, Settings};
use crate::config::build;
use crate::config::given::{Flags, Surroundings};
use crate::config::table;
use crate::telemetry;
use flags::Common;

const AFTER_HELP: &str = "\
Settings: flags, then the environment, then .env, then host.toml (host/docs/configuration.md).
Exit codes: 0 done; 1 failed; 2 wrong usage, setting, plugin or input file; 3 service not reached.

Examples:
  host try orders.csv                                 what a plugin makes of a file
  host run --from orders.csv --to orders.db           the same into a SQLite file
  host setup && host produce orders.csv && host run   the same through Kafka into Cassandra";

/// clap's own template, except that the text about a verb stands before its flags, however long it is.
const TEMPLATE: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

/// Runs WebAssembly plugins over Kafka records and stores their rows in Cassandra, nothing lost.
#[derive(Debug, Parser)]
#[command(name = "host", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(Box<run::Run>),
    Try(r#try::Try),
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    Diff(diff::Diff),
    Explain(explain::Explain),
    Produce(produce::Produce),
    Generate(generate::Generate),
    Setup(setup::Setup),
    Check(check::Check),
    Verify(verify::Verify),
    #[command(subcommand)]
    Dlq(dlq::DlqCommand),
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
}

/// When the verb has ended, threads may still wait for a server. The program waits no longer than this for them.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// The whole program: runs the verb that was typed, and turns an error into an exit code.
pub fn main() -> ExitCode {
    console::report_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version come here too. They are printed to stdout and are not failures.
        Err(error) => {
            let error = with_tips(error);
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
        Ok(code) => code,
        // The reader of the output has seen enough: `host verify … | head`.
        Err(failure) if console::is_closed(failure.error()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::error(&failure.to_string());
            failure.exit_code()
        }
    }
}

/// Adds tips to clap's error. Not every setting has a flag, and some flags have another name, so a setting that
/// is typed as a flag gets a tip where it can be given. No flag takes a negative number, and clap's own tip for
/// one is useless.
fn with_tips(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let mut tips: Vec<_> = typed
        .strip_prefix("--")
        .into_iter()
        .flat_map(table::by_last_part)
        .map(setting_tip)
        .collect();
    if is_negative_number(typed) {
        tips.push("no number here may be below 0".into());
    }
    if error.kind() == ErrorKind::UnknownArgument && !tips.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

fn is_negative_number(typed: &str) -> bool {
    let number = typed.strip_prefix('-').unwrap_or_default();
    number.starts_with(|first: char| first.is_ascii_digit())
}

fn setting_tip(setting: &table::Setting) -> clap::builder::StyledStr {
    let table::Setting { key, env, flag, .. } = setting;
    match (*env, *flag) {
        ("", _) => format!("{key} is a setting of host.toml"),
        (env, "") => format!("it is not a flag here; set {env}, or {key} in host.toml"),
        (env, flag) => {
            format!("its flag is {flag}, in verbs that have it; or set {env}, or {key} in host.toml")
        }
    }
    .into()
}

impl Cli {
    /// Runs the verb. Returns the exit code if nothing went wrong.
    async fn run(self) -> Result<ExitCode, Failure> {
        let flags = self.common.flags();
        match self.verb {
            Verb::Diff(diff) => {
                return diff.run(flags).await.map(|verdict| match verdict {
                    Verdict::Same => ExitCode::SUCCESS,
                    Verdict::Different => ExitCode::FAILURE,
                });
            }
            Verb::Run(run) => run.run(flags).await,
            Verb::Try(r#try) => r#try.run(flags).await,
            Verb::Bench(command) => bench::run(command, flags).await,
            Verb::Explain(explain) => explain.run(flags).await,
            Verb::Produce(produce) => produce.run(flags).await,
            Verb::Generate(generate) => generate.run(&flags),
            Verb::Setup(setup) => setup.run(flags).await,
            Verb::Check(check) => check.run(flags).await,
            Verb::Verify(verify) => verify.run(flags).await,
            Verb::Dlq(command) => dlq::run(command, flags).await,
            Verb::Plugin(command) => plugin::run(command, flags).await,
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

/// Loads the settings of a verb and starts logging.
fn load(flags: &Flags) -> Result<Settings, Failure> {
    let loaded = build::load(flags, &Surroundings::of_process(), &ENDS);
    let Loaded { settings, strangers } = loaded.map_err(|problems| Failure::Usage(problems.into()))?;
    telemetry::start(&settings.log);
    for name in strangers {
        tracing::warn!("{name} begins like a setting of this program but is not one; ignored");
    }
    Ok(settings)
}

/// Starts logging, for verbs that need no settings.
fn start_log(flags: &Flags) {
    let (log, unread) = build::load_log(flags, &Surroundings::of_process());
    telemetry::start(&log);
    for problem in unread.0 {
        tracing::warn!("{problem}");
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::config::table::{SETTINGS, ValueForm};

    #[test]
    fn flags_that_stand_for_settings_say_the_default_and_are_all_there() {
        let command = Cli::command();
        command.clone().debug_assert();
        let arguments: Vec<&clap::Arg> = command
            .get_subcommands()
            .chain([&command])
            .flat_map(clap::Command::get_arguments)
            .collect();
        for setting in SETTINGS.iter().filter(|setting| !setting.flag.is_empty()) {
            let flag = setting.flag.trim_start_matches('-');
            let is_it = |argument: &&&clap::Arg| argument.get_long() == Some(flag);
            let found: Vec<_> = arguments.iter().filter(is_it).collect();
            assert!(!found.is_empty(), "no verb has {}", setting.flag);
            let help = |argument: &clap::Arg| argument.get_help().map(ToString::to_string).unwrap_or_default();
            if !setting.default.is_empty() {
                let default = format!("[default: {}]", setting.default);
                for argument in &found {
                    assert!(
                        help(argument).contains(&default),
                        "--{flag}: {} has no {default}",
                        help(argument)
                    );
                }
            }
            assert!(
                !matches!(setting.form, ValueForm::Secret(_)),
                "{} would show in the process list",
                setting.flag
            );
        }
    }
}
