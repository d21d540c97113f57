//! The command line of `host dlq` and its verbs.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they are written")]

use clap::{Args, Subcommand, ValueEnum};

use super::flags::{ConsistencyFlag, PluginFlags, RegistryFlag, ToFlag, TtlFlag, key_value};
use super::{TEMPLATE, console};
use crate::app::dlq::list::By;
use crate::app::dlq::replay::Mode;
use crate::app::dlq::show::Address;
use crate::app::dlq::{list, replay, show};
use crate::app::failure::Failure;
use crate::app::say::OutputFormat;
use crate::app::wire::ENDS;
use crate::config::address::{self, KafkaAddress};
use crate::config::ends::AddressDefaults;
use crate::config::given::Flags;

const EXAMPLES: &str = "\
Examples:
  host dlq list --where since=2h
  host dlq show 0@17
  host dlq replay --where code=bad-timestamp --plugin fixed.wasm --dry-run
  host dlq replay --where code=bad-timestamp --plugin fixed.wasm";

const LIST: &str = "\
Counts dead letters by code, stage and plugin, with the time of the first and the last one, and shows the last ones \
one a line: position of the letter, position of its record, when and why it was rejected.";

const SHOW: &str = "\
Shows all that is in dead letters: position, reason, plugin, write timestamp, key, headers, and the value decoded \
(Avro by the registry's schema, JSON, text), else in hex with the reason.";

const REPLAY: &str = "\
Sends records of dead letters through plugin and sink again, with the write timestamp that each had and a higher \
generation: the row of a newer record stays, and rows of an earlier replay are replaced. The same command goes on \
where it ended; with another plugin or other conditions it begins at the oldest letter. Records that are rejected \
again become new letters.";

/// List dead letters, show them, send them through the pipeline again
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum DlqCommand {
    List(List),
    Show(Show),
    Replay(Replay),
}

/// Count dead letters and show the last ones
#[derive(Debug, Args)]
#[command(before_help = LIST, help_template = TEMPLATE)]
pub(super) struct List {
    #[command(flatten)]
    letters: LettersFlags,
    /// Count by this alone
    #[arg(long, value_name = "KEY")]
    by: Option<ByFlag>,
    /// Letters shown one by one, the last ones [default: 10; with --json all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// One JSON object a line: each letter, or with --by each count
    #[arg(long)]
    json: bool,
}

/// Show everything that is in dead letters
#[derive(Debug, Args)]
#[command(before_help = SHOW, help_template = TEMPLATE)]
pub(super) struct Show {
    /// Letters: PARTITION@OFFSET in the dead-letter topic, LINE of a file; without any, all that --where selects
    #[arg(value_name = "LETTER", required_unless_present = "conditions")]
    addresses: Vec<Address>,
    #[command(flatten)]
    letters: LettersFlags,
    #[command(flatten)]
    registry: RegistryFlag,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Send the records of dead letters through the pipeline again
#[derive(Debug, Args)]
#[command(before_help = REPLAY, help_template = TEMPLATE)]
pub(super) struct Replay {
    #[command(flatten)]
    letters: LettersFlags,
    #[command(flatten)]
    plugin: PluginFlags,
    #[command(flatten)]
    to: ToFlag,
    /// Show what would become of each letter; write nothing, commit nothing
    #[arg(long)]
    dry_run: bool,
    /// Skip records that were already replayed this often
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=15))]
    max_replays: u32,
    /// Write with at least this generation, 1 to 15 [default: above what earlier replays wrote]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=15))]
    generation: Option<u8>,
    /// Consumer group of the host; replays commit in NAME.dlq-replay [default: ecommerce-group]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    #[command(flatten)]
    registry: RegistryFlag,
    #[command(flatten)]
    consistency: ConsistencyFlag,
    #[command(flatten)]
    ttl: TtlFlag,
    /// End with exit code 1 where a person has to repair something, instead of waiting for it
    /// [default: false]
    #[arg(long)]
    fail_fast: bool,
}

/// Selects letters, and says where they are.
#[derive(Debug, Args)]
struct LettersFlags {
    /// Where dead letters are: kafka://BROKERS/TOPIC or FILE.ndjson [default: where `host run` puts them]
    #[arg(long, value_name = "LETTERS")]
    from: Option<String>,
    /// Only letters with this code, stage, plugin (name or digest), topic, partition, since, until (a time,
    /// or 2h ago) or replays; may be given several times
    #[arg(long = "where", id = "conditions", value_name = "KEY=VALUE", value_parser = key_value)]
    conditions: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ByFlag {
    Code,
    Stage,
    Plugin,
    Topic,
    Partition,
}

pub(super) async fn run(command: DlqCommand, flags: Flags) -> Result<(), Failure> {
    match command {
        DlqCommand::List(list) => list.run(flags).await,
        DlqCommand::Show(show) => show.run(flags).await,
        // This future is much larger than the others.
        DlqCommand::Replay(replay) => Box::pin(replay.run(flags)).await,
    }
}

impl LettersFlags {
    /// Sets the place of the letters as `host run` would be told it.
    fn say(&self, flags: &mut Flags) -> Result<(), Failure> {
        let Some(from) = &self.from else { return Ok(()) };
        let wrong = |error: String| Failure::Usage(anyhow::anyhow!("--from: {error}"));
        match address::kafka(from).map_err(|error| wrong(error.to_string()))? {
            Some(KafkaAddress { brokers, topic }) => {
                flags
                    .set("source.brokers", "--from", brokers)
                    .set("dead_letters.to", "--from", topic);
            }
            None if address::is_ndjson(from) => {
                flags.set("dead_letters.to", "--from", Some(from.as_str()));
            }
            None => {
                ENDS.source(from, AddressDefaults::default())
                    .map_err(|error| wrong(error.to_string()))?;
                return Err(wrong(format!(
                    "`{from}` holds no dead letters; give kafka://BROKERS/TOPIC or FILE.ndjson"
                )));
            }
        }
        Ok(())
    }
}

impl List {
    async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.letters.say(&mut flags)?;
        let settings = super::load(&flags)?;
        let form = form(self.json);
        let options = list::Options {
            conditions: self.letters.conditions,
            by: self.by.map(ByFlag::meaning),
            limit: self
                .limit
                .unwrap_or(if form == OutputFormat::Json { usize::MAX } else { 10 }),
            form,
        };
        list::run(&settings, &options, &mut console::output()).await
    }
}

impl Show {
    async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.letters.say(&mut flags)?;
        self.registry.say(&mut flags);
        let settings = super::load(&flags)?;
        let options = show::Options {
            letters: self.addresses,
            conditions: self.letters.conditions,
            form: form(self.json),
        };
        show::run(&settings, &options, &mut console::output()).await
    }
}

impl Replay {
    async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.letters.say(&mut flags)?;
        self.plugin.say(&mut flags);
        self.to.say(&mut flags);
        self.registry.say(&mut flags);
        self.consistency.say(&mut flags);
        self.ttl.say(&mut flags);
        flags.set("source.group", "--group", self.group).set(
            "pipeline.fail_fast",
            "--fail-fast",
            self.fail_fast.then_some("true"),
        );
        let settings = super::load(&flags)?;
        let options = replay::Options {
            conditions: self.letters.conditions,
            max_replays: self.max_replays,
            generation: self.generation,
            mode: if self.dry_run { Mode::Dry } else { Mode::Real },
        };
        if settings.to.is_standard_output() && options.mode == Mode::Real {
            // Standard output is for rows only.
            replay::run(&settings, &options, &mut std::io::stderr()).await
        } else {
            replay::run(&settings, &options, &mut console::output()).await
        }
    }
}

impl ByFlag {
    fn meaning(self) -> By {
        match self {
            Self::Code => By::Code,
            Self::Stage => By::Stage,
            Self::Plugin => By::Plugin,
            Self::Topic => By::Topic,
            Self::Partition => By::Partition,
        }
    }
}

fn form(json: bool) -> OutputFormat {
    if json { OutputFormat::Json } else { OutputFormat::Text }
}
