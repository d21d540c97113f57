//! The command line of `host run`.

use clap::Args;

use super::flags::{ConsistencyFlag, FromFlag, PluginFlags, RegistryFlag, ToFlag, TtlFlag};
use super::{TEMPLATE, console};
use crate::app;
use crate::app::failure::Failure;
use crate::config::given::Flags;
use crate::source::Until;

const WHAT: &str = "\
Reads records, calls the plugin with batches of them and stores the rows it returns. An offset is committed once \
every record before it is written, filtered, or kept as a dead letter. On SIGINT or SIGTERM it finishes what is in \
flight, commits and ends; a second signal ends it at once.";

const EXAMPLES: &str = "\
Examples:
  host run --plugin plugins/order_enrich.wasm         from Kafka into Cassandra until it is stopped
  host run --exit-at-end                              the same up to the log ends seen at the start
  host run --rewrite --exit-at-end --plugin new.wasm  all of it again, over the rows of an older plugin
  host run --from kafka://broker1:9092/orders --to cassandra://node1,node2/shop
  host run --from orders.csv --to orders.db           from a file into a SQLite file
  host run --from orders.csv --to - | jq .OrderHour   rows as JSON lines";

/// Run a plugin over records and store its rows
#[derive(Debug, Args)]
#[command(before_help = WHAT, after_help = EXAMPLES, help_template = TEMPLATE)]
pub(super) struct Run {
    #[command(flatten)]
    plugin: PluginFlags,
    /// Load only plugins signed with one of these keys: a file of public keys, one a line
    #[arg(long, value_name = "FILE")]
    trusted_keys: Option<String>,
    /// A candidate that runs beside the plugin and writes nothing; the differences are reported at the end
    #[arg(long, value_name = "FILE")]
    shadow: Option<String>,
    /// Share of batches that the candidate sees [default: 10%]
    #[arg(long, value_name = "PERCENT")]
    shadow_share: Option<String>,
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
    #[command(flatten)]
    ttl: TtlFlag,
    /// Records handled by one plugin call, at most [default: 1000]
    #[arg(long, value_name = "N")]
    batch_records: Option<String>,
    /// Read everything again and write over rows that an older plugin made; N of 1 to 15 writes over all
    /// lower ones; --rewrite alone is --rewrite=1 [default: 0]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    rewrite: Option<String>,
    /// Compare a swapped-in plugin with the one before it for this many records, and roll it back if it is
    /// worse [default: 10000]
    #[arg(long, value_name = "RECORDS|off")]
    probation: Option<String>,
    /// End with exit code 1 where a person has to repair something, instead of waiting for it
    /// [default: false]
    #[arg(long)]
    fail_fast: bool,
    /// Write to this file, once a second, what the pipeline waits for and how far each partition is
    #[arg(long, value_name = "FILE")]
    status: Option<String>,
    /// Address that serves state, metrics and page, or off [default: 127.0.0.1:7171; from a file: off]
    #[arg(long, value_name = "IP:PORT|off")]
    admin: Option<String>,
    /// Send a span of each swap and of some batches to this collector, which takes OTLP over HTTP
    /// [default: off]
    #[arg(long, value_name = "URL|off")]
    otlp: Option<String>,
    /// Share of batches that have a span [default: 1%]
    #[arg(long, value_name = "PERCENT")]
    otlp_share: Option<String>,
}

impl Run {
    /// Runs the verb.
    pub async fn run(self, mut flags: Flags) -> Result<(), Failure> {
        self.plugin.say(&mut flags);
        self.from.say(&mut flags);
        self.to.say(&mut flags);
        self.registry.say(&mut flags);
        self.consistency.say(&mut flags);
        self.ttl.say(&mut flags);
        flags
            .set("plugin.trusted_keys", "--trusted-keys", self.trusted_keys)
            .set("plugin.shadow", "--shadow", self.shadow)
            .set("plugin.shadow_share", "--shadow-share", self.shadow_share)
            .set("dead_letters.to", "--dead-letters", self.dead_letters)
            .set("source.group", "--group", self.group)
            .set("source.group_instance", "--group-instance", self.group_instance)
            .set("source.start", "--start", self.start)
            .set("pipeline.batch_records", "--batch-records", self.batch_records)
            .set("pipeline.generation", "--rewrite", self.rewrite)
            .set("plugin.probation", "--probation", self.probation)
            .set("pipeline.fail_fast", "--fail-fast", self.fail_fast.then_some("true"))
            .set("pipeline.status_file", "--status", self.status)
            .set("admin.address", "--admin", self.admin)
            .set("otlp.address", "--otlp", self.otlp)
            .set("otlp.share", "--otlp-share", self.otlp_share);
        let settings = super::load(&flags)?;
        let until = if self.exit_at_end { Until::End } else { Until::Stopped };
        if settings.to.is_standard_output() {
            // Standard output is for rows only.
            app::run::run(settings, until, &mut std::io::stderr()).await
        } else {
            app::run::run(settings, until, &mut console::output()).await
        }
    }
}
