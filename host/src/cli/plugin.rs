//! `host plugin`: the author's verbs.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::flags::key_value;
use crate::app::failure::Failure;
use crate::app::{plugin_build, plugin_inspect, plugin_new};

/// Start, build and inspect plugins
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    New(New),
    Build(Build),
    Inspect(Inspect),
}

/// Write a crate to begin with, which builds and passes its own test
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  host plugin new clean_orders && host plugin build clean_orders")]
pub struct New {
    /// Name of the plugin, its crate and its folder
    name: String,
    /// Folder to make it in
    #[arg(long = "in", value_name = "DIR", default_value = ".")]
    parent: PathBuf,
}

/// Build a crate to a component, and print what it is
///
/// Takes Rust's cargo and nothing else. The same sources and compiler give the same bytes in every folder.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  host plugin build plugins/order_enrich      writes plugins/order_enrich.wasm")]
pub struct Build {
    /// Folder of the crate
    dir: PathBuf,
    /// File to write [default: beside the folder, with .wasm]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A setting of the plugin, for printing what it is (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    settings: Vec<(String, String)>,
}

/// Print name, version, digest, size, imports, inputs and outputs of a component
#[derive(Debug, Args)]
pub struct Inspect {
    /// The component
    file: PathBuf,
    /// A setting of the plugin (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    settings: Vec<(String, String)>,
}

/// Does what was typed; what is printed goes to `out`, what cargo says to stderr.
pub fn run(command: PluginCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        PluginCommand::New(New { name, parent }) => plugin_new::run(&plugin_new::Options { name, parent }, out),
        PluginCommand::Build(Build {
            dir,
            out: file,
            settings,
        }) => plugin_build::run(
            &plugin_build::Options {
                dir,
                out: file,
                settings,
            },
            out,
        ),
        PluginCommand::Inspect(Inspect { file, settings }) => {
            plugin_inspect::run(&plugin_inspect::Options { file, settings }, out)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(subcommand)]
        command: PluginCommand,
    }

    #[test]
    fn flags_are_consistent() {
        Typed::command().debug_assert();
    }

    #[test]
    fn settings_are_split_at_the_first_equals_sign() {
        let typed = ["plugin", "inspect", "a.wasm", "--set", "a=b=c", "--set", "empty="];
        let PluginCommand::Inspect(inspect) = Typed::parse_from(typed).command else {
            panic!()
        };
        let expected = [("a", "b=c"), ("empty", "")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(inspect.settings, expected);
        for bad in ["a", "=b"] {
            assert!(
                Typed::try_parse_from(["plugin", "inspect", "a.wasm", "--set", bad]).is_err(),
                "{bad}"
            );
        }
    }
}
