//! The command line of `host plugin`: the author's verbs, and those that change the plugin of a running host.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they are written")]

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::console;
use super::flags::key_value;
use crate::app::failure::Failure;
use crate::app::plugin::live::{self, Asked};
use crate::app::plugin::{build, fleet, inspect, new, sign};
use crate::app::say::OutputFormat;
use crate::app::wire::Settings;
use crate::config::given::Flags;
use crate::pipeline::watch::share::Share;

/// Start, build, inspect and sign plugins; swap, shadow and roll them back where they run
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    New(New),
    Build(Build),
    Inspect(Inspect),
    Keygen(Keygen),
    Sign(Sign),
    Swap(Swap),
    /// Go back to the last plugin that ran well before the current one, at a running host
    ///
    /// Names that plugin before it goes back. The plugin is tried on the latest records and watched, as in any swap.
    /// A plugin that was rolled back is never gone back to. Exit code 1 if there is no plugin to go back to, or if
    /// it is refused.
    Rollback(Asking),
    Shadow(Shadow),
    /// Swap in the plugin that is shadowed at a running host
    Promote(Asking),
    Publish(Publish),
    Status(Status),
    History(Looking),
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

/// Build a crate into a component, and describe it
///
/// Needs only Rust's cargo. The same sources and compiler give the same bytes in every folder.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  host plugin build plugins/order_enrich      writes plugins/order_enrich.wasm")]
pub struct Build {
    /// Folder of the crate
    dir: PathBuf,
    /// File to write [default: beside the folder, with .wasm]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A setting of the plugin, to describe it with (repeatable)
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

/// Make a key that signs plugins
///
/// The private key goes into OUT, which only its owner may read, and the public key into OUT.pub. They are OpenSSH's: a
/// key that `ssh-keygen -t ed25519` makes will do as well.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  host plugin keygen release && cat release.pub >> trusted_keys")]
pub struct Keygen {
    /// File of the private key; must not exist yet
    #[arg(value_name = "OUT")]
    out: PathBuf,
}

/// Sign a plugin, for hosts that run with --trusted-keys
///
/// The signature goes into FILE.sig and replaces an earlier one. `ssh-keygen -Y sign -n host-plugin -f KEY FILE` makes
/// the same, also with a key behind a passphrase or an agent.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  host plugin sign order_enrich.wasm --key release
  host run --plugin order_enrich.wasm --trusted-keys trusted_keys")]
pub struct Sign {
    /// The component
    file: PathBuf,
    /// The private key: an ed25519 key in OpenSSH's form
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Where a running host is asked.
#[derive(Debug, Args)]
pub struct Asking {
    /// Address of its admin endpoint; if it asks for a token, set HOST_ADMIN_TOKEN
    /// [default: 127.0.0.1:7171]
    #[arg(long, value_name = "IP:PORT")]
    admin: Option<String>,
}

/// Swap this plugin in at a running host: checked, tried on the latest records, taken at the next batch
///
/// Exit code 1 if it is refused; the reasons are printed and nothing has changed.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  host plugin swap plugins/order_enrich.wasm")]
pub struct Swap {
    /// The component; its signature is sent with it if there is a FILE.sig
    file: PathBuf,
    #[command(flatten)]
    asking: Asking,
}

/// Run a plugin beside the current one on live batches, and report the differences
///
/// Writes nothing. Without FILE it reports the differences so far.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  host plugin shadow new.wasm --share 10%
  host plugin shadow
  host plugin promote
  host plugin shadow --stop")]
pub struct Shadow {
    /// The candidate
    file: Option<PathBuf>,
    /// Share of batches that it sees [default: 10%]
    #[arg(long, value_name = "PERCENT", requires = "file")]
    share: Option<Share>,
    /// Stop shadowing
    #[arg(long, conflicts_with = "file")]
    stop: bool,
    #[command(flatten)]
    asking: Asking,
}

/// Publish a plugin to every host that runs it by its name
///
/// The plugin goes into a compacted Kafka topic, which is created if it does not exist. `host run --plugin
/// kafka://BROKERS/TOPIC/NAME` starts with the plugin that was published last and swaps in later ones.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  host plugin publish plugins/order_enrich.wasm
  host run --plugin kafka://127.0.0.1:9092/host-plugins/order_enrich")]
pub struct Publish {
    /// The component; its signature goes with it if there is a FILE.sig
    file: PathBuf,
    /// The name to publish it under [default: its own]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    fleet: FleetFlags,
    /// A setting of the plugin that the hosts give it (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    settings: Vec<(String, String)>,
}

/// Where plugins are published.
#[derive(Debug, Args)]
pub struct FleetFlags {
    /// The topic of published plugins
    #[arg(long, default_value = "host-plugins")]
    topic: String,
    /// Its brokers [default: 127.0.0.1:9092]
    #[arg(long, value_name = "HOST:PORT,…")]
    brokers: Option<String>,
}

/// Show what a host runs, or with --fleet what every host runs that follows a published plugin
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  host plugin status
  host plugin status --fleet")]
pub struct Status {
    /// Show all members, from their reports
    #[arg(long)]
    fleet: bool,
    #[command(flatten)]
    place: FleetFlags,
    #[command(flatten)]
    looking: Looking,
}

/// Show what was swapped, refused and rolled back since a host started
#[derive(Debug, Args)]
pub struct Looking {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    asking: Asking,
}

impl Looking {
    fn form(&self) -> OutputFormat {
        if self.json {
            OutputFormat::Json
        } else {
            OutputFormat::Text
        }
    }
}

/// Asks a running host and prints its answer.
async fn ask(mut flags: Flags, asking: Asking, asked: Asked) -> Result<(), Failure> {
    flags.set("admin.address", "--admin", asking.admin);
    let settings = super::load(&flags)?;
    live::run(&settings, asked, &mut console::output()).await
}

async fn publish(mut flags: Flags, asked: Publish) -> Result<(), Failure> {
    flags.set_plugin(&asked.settings);
    let settings = with_brokers(flags, asked.fleet.brokers)?;
    let asked = fleet::Publish {
        file: asked.file,
        name: asked.name,
        topic: asked.fleet.topic,
    };
    fleet::publish(&settings, asked, &mut console::output()).await
}

fn with_brokers(mut flags: Flags, brokers: Option<String>) -> Result<Settings, Failure> {
    flags.set("source.brokers", "--brokers", brokers);
    super::load(&flags)
}

/// Runs the verb. cargo's own output goes to stderr.
pub async fn run(command: PluginCommand, flags: Flags) -> Result<(), Failure> {
    let alone = || {
        super::start_log(&flags);
        console::output()
    };
    match command {
        PluginCommand::New(New { name, parent }) => new::run(&new::Options { name, parent }, &mut alone()),
        PluginCommand::Build(Build { dir, out, settings }) => {
            build::run(&build::Options { dir, out, settings }, &mut alone())
        }
        PluginCommand::Inspect(Inspect { file, settings }) => {
            inspect::run(&inspect::Options { file, settings }, &mut alone())
        }
        PluginCommand::Keygen(Keygen { out }) => sign::keygen(&out, &mut alone()),
        PluginCommand::Sign(Sign { file, key }) => sign::sign(&file, &key, &mut alone()),
        PluginCommand::Swap(Swap { file, asking }) => ask(flags, asking, Asked::Swap(file)).await,
        PluginCommand::Rollback(asking) => ask(flags, asking, Asked::RollBack).await,
        PluginCommand::Promote(asking) => ask(flags, asking, Asked::Promote).await,
        PluginCommand::Shadow(Shadow {
            file,
            share,
            stop,
            asking,
        }) => {
            let asked = match file {
                Some(file) => Asked::Shadow {
                    file,
                    share: share.unwrap_or_default(),
                },
                None if stop => Asked::StopShadow,
                None => Asked::ShadowReport,
            };
            ask(flags, asking, asked).await
        }
        PluginCommand::Publish(asked) => publish(flags, asked).await,
        PluginCommand::Status(Status { fleet, place, looking }) => {
            let form = looking.form();
            if fleet {
                let settings = with_brokers(flags, place.brokers)?;
                return fleet::status(&settings, &place.topic, form, &mut console::output()).await;
            }
            ask(flags, looking.asking, Asked::Status(form)).await
        }
        PluginCommand::History(looking) => {
            let form = looking.form();
            ask(flags, looking.asking, Asked::History(form)).await
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
