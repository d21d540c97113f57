//! `host run`.

use clap::Args;

use super::flags::{ConsistencyFlag, FromFlag, PluginFlags, RegistryFlag, ToFlag};
use super::{TEMPLATE, console};
use crate::app;
use crate::app::failure::Failure;
use crate::config::given::Flags;
use crate::config::settings::To;
use crate::source::Until;

const WHAT: &str = "\
Reads records, calls the plugin with batches of them and stores the rows it returns. An offset is committed once \
every record before it is written, filtered, or kept as a dead letter. SIGINT or SIGTERM: finishes what is in \
flight, commits, ends; a second one ends at once.";

const EXAMPLES: &str = "\
Examples:
  host run --plugin plugins/order_enrich.wasm         from Kafka into Cassandra until it is stopped
  host run --exit-at-end                              the same up to the log ends seen at the start
  host run --from kafka://broker1:9092/orders --to cassandra://node1,node2/shop
  host run --from orders.csv --to orders.db           from a file into a SQLite file
  host run --from orders.csv --to - | jq .OrderHour   rows as JSON lines";

/// Run a plugin over records and store its rows
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct Run {
    #[command(flatten)]
    plugin: PluginFlags,
    #[command(flatten)]
    from: FromFlag,
    #[command(flatten)]
    to: ToFlag,
    /// End when everything up to the log ends seen at the start is settled; a file ends anyway
    #[arg(long)]
    exit_at_end: bool,
    /// Where rejected records go: a topic, or FILE.ndjson [default: TOPIC-dlq; from a file:
    /// OUTPUT.dead-letters.ndjson]
    #[arg(long, value_name = "TOPIC|FILE")]
    dead_letters: Option<String>,
    /// Consumer group [default: ecommerce-group]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Name of this host in the group, for static membership
    #[arg(long, value_name = "NAME")]
    group_instance: Option<String>,
    /// Where a group without a committed offset begins [default: earliest]
    #[arg(long, value_name = "earliest|latest")]
    start: Option<String>,
    #[command(flatten)]
    registry: RegistryFlag,
    #[command(flatten)]
    consistency: ConsistencyFlag,
    /// Records handled by one plugin call, at most [default: 1000]
    #[arg(long, value_name = "N")]
    batch_records: Option<String>,
    /// Added to every write timestamp; raise it to rewrite rows on purpose, 0 to 15 [default: 0]
    #[arg(long, value_name = "N")]
    generation: Option<String>,
}

impl Run {
    pub async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.plugin.say(&mut flags);
        self.from.say(&mut flags);
        self.to.say(&mut flags);
        self.registry.say(&mut flags);
        self.consistency.say(&mut flags);
        flags
            .set("dead_letters.to", "--dead-letters", self.dead_letters)
            .set("source.group", "--group", self.group)
            .set("source.group_instance", "--group-instance", self.group_instance)
            .set("source.start", "--start", self.start)
            .set("pipeline.batch_records", "--batch-records", self.batch_records)
            .set("pipeline.generation", "--generation", self.generation);
        let settings = super::load(&flags)?;
        let until = if self.exit_at_end { Until::End } else { Until::Stopped };
        if settings.to == To::Stdout {
            // Standard output has rows and nothing else.
            app::run::run(settings, until, &mut std::io::stderr()).await
        } else {
            app::run::run(settings, until, &mut console::output()).await
        }
    }
}
