//! The list of all settings.

use std::fmt;

use strsim::normalized_damerau_levenshtein;

/// One setting, and everywhere it can be given.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its place in `host.toml`: tables and key joined by dots.
    pub key: &'static str,
    /// The environment variable; empty if there is none.
    pub env: &'static str,
    /// The flag; empty if there is none. A verb that takes an argument instead says so in its help.
    pub flag: &'static str,
    /// The default as a user would write it; empty if there is none.
    pub default: &'static str,
    /// Describes a default that is worked out from other settings.
    pub derived: &'static str,
    pub form: ValueForm,
    /// What the setting does, in Markdown.
    pub doc: &'static str,
}

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueForm {
    /// A text, with a description in Markdown.
    Text(&'static str),
    /// A text that is never shown.
    Secret(&'static str),
    /// One of these, in any case.
    Words(&'static [&'static str]),
    Number {
        unit: &'static str,
        min: u64,
        max: u64,
    },
    /// A number, or `auto`, which means that it is found at run time.
    AutoOr {
        unit: &'static str,
        min: u64,
        max: u64,
    },
}

/// The table of `host.toml` that holds librdkafka's own properties.
pub const KAFKA_PROPERTIES: &str = "source.kafka.";
/// The table of `host.toml` that holds the plugin's own settings.
pub const PLUGIN_SETTINGS: &str = "plugin.settings.";

/// Our own environment variables begin with this. So do some of other programs (`HOST_IP`).
pub const ENV_PREFIX: &str = "HOST_";

/// A name at least this similar to a known one is taken for a misspelling of it; 1 means equal.
const NEAR: f64 = 0.6;

const PLAIN: Setting = Setting {
    key: "",
    env: "",
    flag: "",
    default: "",
    derived: "",
    form: ValueForm::Text(""),
    doc: "",
};

/// All settings, in the order in which the documentation shows them.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    Setting { key: "source.from", env: "HOST_FROM", flag: "--from", derived: "`kafka://` with the brokers and the topic below", form: ValueForm::Text("`FILE.csv`, `FILE.ndjson` (also `.gz`) or `kafka://brokers/topic`"), doc: "Where records come from.", ..PLAIN },
    Setting { key: "source.brokers", env: "KAFKA_BOOTSTRAP_SERVERS", default: "127.0.0.1:9092", form: ValueForm::Text("`host:port`, comma separated"), doc: "Kafka brokers, where `kafka://` names none.", ..PLAIN },
    Setting { key: "source.topic", env: "HOST_TOPIC", default: "ecommerce-orders", form: ValueForm::Text("name"), doc: "Topic, where `kafka://` names none.", ..PLAIN },
    Setting { key: "source.group", env: "HOST_GROUP", flag: "--group", default: "ecommerce-group", form: ValueForm::Text("name"), doc: "Consumer group; hosts in one group share the partitions.", ..PLAIN },
    Setting { key: "source.group_instance", env: "HOST_GROUP_INSTANCE", flag: "--group-instance", form: ValueForm::Text("name, one a host"), doc: "Static membership: a host that restarts under the same name gets its partitions back at once.", ..PLAIN },
    Setting { key: "source.start", env: "HOST_START", flag: "--start", default: "earliest", form: ValueForm::Words(&["earliest", "latest"]), doc: "Where a group begins if it has committed nothing for the topic. Partitions that are added later are read from their beginning.", ..PLAIN },
    Setting { key: "source.topic_refresh_ms", env: "HOST_TOPIC_REFRESH_MS", default: "10000", form: number("ms", 100, 600_000), doc: "How often the brokers are asked whether the topic has more partitions, or was deleted and made anew. `topic.metadata.refresh.interval.ms` in `[source.kafka]` overrides it for the partitions.", ..PLAIN },
    Setting { key: "source.kafka.sasl.username", env: "KAFKA_SASL_USERNAME", form: ValueForm::Text("text"), doc: "Kafka login. With it, `security.protocol` is `SASL_SSL` and `sasl.mechanism` is `PLAIN` unless `[source.kafka]` says otherwise.", ..PLAIN },
    Setting { key: "source.kafka.sasl.password", env: "KAFKA_SASL_PASSWORD", form: ValueForm::Secret("password"), doc: "Password of the Kafka login.", ..PLAIN },
    Setting { key: "sink.to", env: "HOST_TO", flag: "--to", derived: "`cassandra://` with the nodes and the keyspace below", form: ValueForm::Text("`cassandra://nodes/keyspace`, `FILE.db` (SQLite) or `-` (NDJSON on stdout)"), doc: "Where rows go.", ..PLAIN },
    Setting { key: "sink.cassandra.nodes", env: "CASSANDRA_CONTACT_POINTS", default: "127.0.0.1:9042", form: ValueForm::Text("`host[:port]`, comma separated"), doc: "Cassandra contact points, where `cassandra://` names none.", ..PLAIN },
    Setting { key: "sink.cassandra.keyspace", env: "CASSANDRA_KEYSPACE", default: "ecommerce", form: ValueForm::Text("name"), doc: "Keyspace, where `cassandra://` names none.", ..PLAIN },
    Setting { key: "sink.cassandra.client_id", env: "CASSANDRA_CLIENT_ID", form: ValueForm::Text("text"), doc: "Cassandra user (for a token: its client id).", ..PLAIN },
    Setting { key: "sink.cassandra.secret", env: "CASSANDRA_SECRET", form: ValueForm::Secret("password"), doc: "Password of the Cassandra user.", ..PLAIN },
    Setting { key: "sink.cassandra.tls_ca", env: "HOST_CASSANDRA_TLS_CA", form: ValueForm::Text("PEM file"), doc: "Certificate authority of the nodes; turns TLS on.", ..PLAIN },
    Setting { key: "sink.cassandra.tls_certificate", env: "HOST_CASSANDRA_TLS_CERTIFICATE", form: ValueForm::Text("PEM file"), doc: "Client certificate, where the nodes ask for one.", ..PLAIN },
    Setting { key: "sink.cassandra.tls_key", env: "HOST_CASSANDRA_TLS_KEY", form: ValueForm::Text("PEM file"), doc: "Key of the client certificate.", ..PLAIN },
    Setting { key: "sink.cassandra.consistency", env: "HOST_CONSISTENCY", flag: "--consistency", default: "QUORUM", form: ValueForm::Words(&["ONE", "TWO", "THREE", "QUORUM", "ALL", "LOCAL_ONE", "LOCAL_QUORUM", "EACH_QUORUM"]), doc: "Consistency level of every write.", ..PLAIN },
    Setting { key: "sink.cassandra.request_timeout_ms", env: "HOST_REQUEST_TIMEOUT_MS", default: "10000", form: number("ms", 1, 600_000), doc: "A write that takes longer counts as timed out and is retried.", ..PLAIN },
    Setting { key: "sink.cassandra.writes_in_flight", env: "HOST_WRITES_IN_FLIGHT", default: "auto", form: auto_or("requests", 1, 32_768), doc: "Requests in flight to one node at the same time; a CQL batch is one request. `auto` finds for each node how many are worth it, and goes down when the node gets slow. See `cassandra.md`.", ..PLAIN },
    Setting { key: "sink.cassandra.batch_partitions", env: "HOST_CQL_BATCH_PARTITIONS", default: "auto", form: auto_or("partition keys", 0, 1_000), doc: "Partition keys in one CQL batch; `auto`: as many as the server takes without a warning in its log (10, unless it is set up otherwise). 1: only rows of one partition key share a CQL batch. 0: none do.", ..PLAIN },
    Setting { key: "sink.cassandra.batch_kib", env: "HOST_CQL_BATCH_KIB", default: "auto", form: auto_or("KiB", 1, 16_384), doc: "Size of one CQL batch, as the server counts it; `auto`: as large as it takes without a warning in its log (5 KiB, unless it is set up otherwise).", ..PLAIN },
    Setting { key: "sink.cassandra.compression", env: "HOST_CASSANDRA_COMPRESSION", default: "none", form: ValueForm::Words(&["none", "lz4", "snappy"]), doc: "How requests and answers are compressed. Worth it between zones, over slow lines and for long texts; on one network it changes little. See `cassandra.md`.", ..PLAIN },
    Setting { key: "sink.cassandra.write_nulls", env: "HOST_WRITE_NULLS", default: "false", form: ValueForm::Words(&["true", "false"]), doc: "Write nulls as tombstones instead of leaving the column unset.", ..PLAIN },
    Setting { key: "sink.cassandra.ttl", env: "HOST_CASSANDRA_TTL", flag: "--ttl", derived: "the table's `default_time_to_live`", form: ValueForm::Text("`30d` for every table, `orders=30d,events=12h` for named tables, or both; units `s`, `m`, `h`, `d`, `w`, or `none`"), doc: "How long rows live, counted from their records' own time, so that a replay sets the same end. See `replays.md`.", ..PLAIN },
    Setting { key: "registry.url", env: "SCHEMA_REGISTRY_URL", flag: "--registry", default: "http://127.0.0.1:8081", form: ValueForm::Text("URL"), doc: "Schema registry that speaks Confluent's REST API.", ..PLAIN },
    Setting { key: "registry.auth", env: "SCHEMA_REGISTRY_AUTH", form: ValueForm::Secret("`user:password`"), doc: "Login of the registry.", ..PLAIN },
    Setting { key: "plugin.file", env: "HOST_PLUGIN", flag: "--plugin", default: "plugins/order_enrich.wasm", form: ValueForm::Text("`.wasm` file, or `kafka://brokers/topic/NAME`"), doc: "The plugin: a file, or the plugin published under a name (see `fleet.md`).", ..PLAIN },
    Setting { key: "plugin.trusted_keys", env: "HOST_TRUSTED_KEYS", flag: "--trusted-keys", form: ValueForm::Text("file of public keys, one a line"), doc: "Only plugins signed with one of these keys are loaded (`<plugin>.sig` holds the signature). See `signing.md`.", ..PLAIN },
    Setting { key: "plugin.compile_cache", env: "HOST_COMPILE_CACHE", derived: "`host` in `$XDG_CACHE_HOME`, or `~/.cache/host`", form: ValueForm::Text("directory, or `off`"), doc: "Where compiled plugins are kept, so that the next start does not compile again; 256 MiB at most. The directory must belong to the host's user, and no other user may write to it.", ..PLAIN },
    Setting { key: "plugin.watch", env: "HOST_PLUGIN_WATCH", default: "true", form: ValueForm::Words(&["true", "false"]), doc: "Whether a changed plugin file, or a newer publication, is checked and swapped in while `host run` runs. Not if records come from a file.", ..PLAIN },
    Setting { key: "plugin.probation", env: "HOST_PLUGIN_PROBATION", flag: "--probation", default: "10000", form: ValueForm::Text("records, or `off`"), doc: "A swapped-in plugin is compared with the one before it for this many records, and rolled back if it is worse. See `swapping.md`.", ..PLAIN },
    Setting { key: "plugin.probation_ms", env: "HOST_PLUGIN_PROBATION_MS", default: "300000", form: number("ms", 1, 86_400_000), doc: "Probation also ends after this time.", ..PLAIN },
    Setting { key: "plugin.probation_margin_percent", env: "HOST_PLUGIN_PROBATION_MARGIN_PERCENT", default: "5", form: number("%", 0, 100), doc: "Rejects beyond the earlier plugin's share that are accepted on probation.", ..PLAIN },
    Setting { key: "plugin.shadow", env: "HOST_PLUGIN_SHADOW", flag: "--shadow", form: ValueForm::Text("`.wasm` file"), doc: "A candidate that runs beside the plugin from the start and writes nothing; the differences are reported. See `comparing.md`.", ..PLAIN },
    Setting { key: "plugin.shadow_share", env: "HOST_PLUGIN_SHADOW_SHARE", flag: "--shadow-share", default: "10%", form: ValueForm::Text("1% to 100%"), doc: "Share of batches that the candidate sees.", ..PLAIN },
    Setting { key: "plugin.limits.memory_mib", env: "HOST_PLUGIN_MEMORY_MIB", default: "64", form: number("MiB", 1, 4_096), doc: "Memory of one plugin instance.", ..PLAIN },
    Setting { key: "plugin.limits.recycle_percent", env: "HOST_PLUGIN_RECYCLE_PERCENT", default: "50", form: number("%", 1, 100), doc: "An instance whose memory has grown past this share is replaced by a new one before the next call, so that a plugin that keeps memory does not break at its limit. 100: never.", ..PLAIN },
    Setting { key: "plugin.limits.deadline_ms", env: "HOST_PLUGIN_DEADLINE_MS", default: "1000", form: number("ms", 1, 3_600_000), doc: "Processor time of one plugin call; a call that takes longer is stopped.", ..PLAIN },
    Setting { key: "plugin.limits.rows_per_record", env: "HOST_PLUGIN_ROWS_PER_RECORD", default: "100", form: number("rows", 1, 1_000_000), doc: "Rows that a plugin may make of one record.", ..PLAIN },
    Setting { key: "plugin.limits.log_lines_per_second", env: "HOST_PLUGIN_LOG_LINES_PER_SECOND", default: "100", form: number("lines/s", 0, 1_000_000), doc: "Log lines of the plugin; further lines are counted and left out.", ..PLAIN },
    Setting { key: "plugin.limits.log_line_bytes", env: "HOST_PLUGIN_LOG_LINE_BYTES", default: "4096", form: number("bytes", 16, 1_048_576), doc: "A longer log line of the plugin is cut.", ..PLAIN },
    Setting { key: "pipeline.batch_records", env: "HOST_BATCH_RECORDS", flag: "--batch-records", default: "1000", form: number("records", 1, 100_000), doc: "Records handled by one plugin call, at most.", ..PLAIN },
    Setting { key: "pipeline.queue_records", env: "HOST_QUEUE_RECORDS", default: "8000", form: number("records", 1, 10_000_000), doc: "Records of one partition that are read and not yet settled. With more, the partition is not read until half of them are settled. A number below `batch_records` counts as `batch_records`.", ..PLAIN },
    Setting { key: "pipeline.queue_mib", env: "HOST_QUEUE_MIB", default: "32", form: number("MiB", 1, 65_536), doc: "The same in bytes, over all partitions. The assigned partitions share it equally.", ..PLAIN },
    Setting { key: "pipeline.drain_timeout_ms", env: "HOST_DRAIN_TIMEOUT_MS", default: "20000", form: number("ms", 0, 600_000), doc: "How long a revocation or a signal waits for what is in flight.", ..PLAIN },
    Setting { key: "pipeline.commit_interval_ms", env: "HOST_COMMIT_INTERVAL_MS", default: "1000", form: number("ms", 1, 600_000), doc: "How often offsets are committed.", ..PLAIN },
    Setting { key: "pipeline.generation", env: "HOST_GENERATION", flag: "--rewrite", default: "0", form: number("", 0, 15), doc: "Above 0, a deliberate rewrite: read from the beginning under a group of its own (`<group>.rewrite-<N>`), and overwrite rows of lower generations. See `pipeline.md`.", ..PLAIN },
    Setting { key: "pipeline.fail_fast", env: "HOST_FAIL_FAST", flag: "--fail-fast", default: "false", form: ValueForm::Words(&["true", "false"]), doc: "End with exit code 1 where a person has to repair something (a dropped table, a spent budget), instead of waiting for it.", ..PLAIN },
    Setting { key: "pipeline.reject_budget_percent", env: "HOST_REJECT_BUDGET_PERCENT", default: "90", form: number("%", 0, 100), doc: "With more rejects than this among the last records, the pipeline halts instead of publishing them: plugin or topic is the wrong one. 100: never. Not for files.", ..PLAIN },
    Setting { key: "pipeline.reject_window_records", env: "HOST_REJECT_WINDOW_RECORDS", default: "10000", form: number("records", 1, 10_000_000), doc: "The number of last records that this share is taken of; with fewer, nothing is judged.", ..PLAIN },
    Setting { key: "pipeline.fault_budget_percent", env: "HOST_FAULT_BUDGET_PERCENT", default: "50", form: number("%", 0, 100), doc: "The same for records that break the plugin (trap, deadline, memory, contract, unaccounted).", ..PLAIN },
    Setting { key: "pipeline.fault_window_records", env: "HOST_FAULT_WINDOW_RECORDS", default: "1000", form: number("records", 1, 10_000_000), doc: "The number of last records that this share is taken of.", ..PLAIN },
    Setting { key: "pipeline.status_file", env: "HOST_STATUS_FILE", flag: "--status", form: ValueForm::Text("`FILE.json`"), doc: "A file that is written once a second with the state of the pipeline: what it waits for, and how far each partition is.", ..PLAIN },
    Setting { key: "dead_letters.to", env: "HOST_DEAD_LETTERS", flag: "--dead-letters", derived: "`<topic>-dlq`; from a file: `<output>.dead-letters.ndjson`, or beside the input", form: ValueForm::Text("topic or `FILE.ndjson`"), doc: "Where rejected records go.", ..PLAIN },
    Setting { key: "admin.address", env: "HOST_ADMIN", flag: "--admin", derived: "`127.0.0.1:7171`, or another free port if that is taken; `off` if records come from a file", form: ValueForm::Text("`IP:PORT`, or `off`"), doc: "Address at which `host run` serves state, metrics and page (`operating.md`). Any address but a loopback one needs `admin.token`.", ..PLAIN },
    Setting { key: "admin.token", env: "HOST_ADMIN_TOKEN", form: ValueForm::Secret("16 or more letters, digits or signs"), doc: "Every request to the admin endpoint has to show it, except for `/live` and `/ready`.", ..PLAIN },
    Setting { key: "otlp.address", env: "HOST_OTLP", flag: "--otlp", default: "off", form: ValueForm::Text("URL, or `off`"), doc: "A collector that takes OTLP over HTTP (`http://127.0.0.1:4318`): a span of each swap and of some batches is sent to it. See `operating.md`.", ..PLAIN },
    Setting { key: "otlp.share", env: "HOST_OTLP_SHARE", flag: "--otlp-share", default: "1%", form: ValueForm::Text("1% to 100%"), doc: "Share of batches that have a span.", ..PLAIN },
    Setting { key: "log.format", env: "HOST_LOG_FORMAT", flag: "--log", default: "text", form: ValueForm::Words(&["text", "json"]), doc: "Form of the log lines, which go to stderr.", ..PLAIN },
    Setting { key: "log.level", env: "HOST_LOG", flag: "--log-level", default: "info", form: ValueForm::Text("`error`, `warn`, `info`, `debug`, `trace`, or filters such as `info,host::sink=debug`"), doc: "How much is logged. A level alone applies to the host and its plugin; libraries stay at `warn`.", ..PLAIN },
];

const fn number(unit: &'static str, min: u64, max: u64) -> ValueForm {
    ValueForm::Number { unit, min, max }
}

const fn auto_or(unit: &'static str, min: u64, max: u64) -> ValueForm {
    ValueForm::AutoOr { unit, min, max }
}

/// The setting with this key in `host.toml`.
pub fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The setting with this environment variable.
pub fn by_env(name: &str) -> Option<&'static Setting> {
    SETTINGS
        .iter()
        .find(|setting| !setting.env.is_empty() && setting.env == name)
}

/// The settings with this name within their tables: `writes-in-flight` finds `sink.cassandra.writes_in_flight`.
pub fn by_last_part(name: &str) -> impl Iterator<Item = &'static Setting> {
    let name = name.replace('-', "_");
    SETTINGS.iter().filter(move |setting| split(setting.key).1 == name)
}

/// Whether a value of this key must be hidden. librdkafka's properties may hold passwords under any name.
pub fn is_secret(key: &str) -> bool {
    match by_key(key) {
        Some(setting) => matches!(setting.form, ValueForm::Secret(_)),
        None => key.starts_with(KAFKA_PROPERTIES),
    }
}

/// The key most like this one, if any is similar enough.
pub fn nearest_key(key: &str) -> Option<&'static str> {
    nearest(key, SETTINGS.iter().map(|setting| setting.key))
}

/// The environment variable most like this name, if any is similar enough.
pub fn nearest_env(name: &str) -> Option<&'static str> {
    nearest(name, SETTINGS.iter().map(|setting| setting.env))
}

/// The table of `host.toml` most like this name, if any is similar enough.
pub fn nearest_table(table: &str) -> Option<&'static str> {
    let tables = SETTINGS
        .iter()
        .filter_map(|setting| Some(setting.key.rsplit_once('.')?.0));
    nearest(table, tables.chain(["plugin.settings"]))
}

/// The known name whose last part is like that of `name`. Among several, the one whose table is most like it too wins.
/// This finds both a misspelt key and a right key in the wrong table.
fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let (table, last) = split(name);
    known
        .filter(|candidate| !candidate.is_empty())
        .filter_map(|candidate| {
            let (candidate_table, candidate_last) = split(candidate);
            let likeness = normalized_damerau_levenshtein(last, candidate_last);
            let whole = likeness + normalized_damerau_levenshtein(table, candidate_table);
            (likeness >= NEAR).then_some((whole, candidate))
        })
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// Splits a key into table and name, or a variable into our prefix and the rest.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.')
        .or_else(|| Some((ENV_PREFIX, name.strip_prefix(ENV_PREFIX)?)))
        .unwrap_or(("", name))
}

/// Writes the form in Markdown, for the documentation.
impl fmt::Display for ValueForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(form) => f.write_str(form),
            Self::Secret(form) => write!(f, "{form}; never shown"),
            Self::Words(words) => write!(f, "`{}`", words.join("`, `")),
            Self::Number { unit, min, max } => {
                let comma = if unit.is_empty() { "" } else { ", " };
                write!(f, "{unit}{comma}{min} to {max}")
            }
            Self::AutoOr { unit, min, max } => write!(f, "`auto`, or {unit}, {min} to {max}"),
        }
    }
}
