//! Builds [`Settings`] from the given values, one function for each section. It notes every problem, so that
//! none hides another.

use super::collect::collect;
use super::pairs::{both, names};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;

use super::address::{self, FromAddress, Listen, PluginAddress, ToAddress};
use super::brokers::Brokers;
use super::given::{Flags, Surroundings};
use super::problem::Problems;
use super::settings::{Admin, DeadLetters, From, IfTaken, Plugin, PluginFrom, Settings, To};
use super::values::Values;
use super::{kafka, table};
use crate::cassandra::config::{Compression, Config as CassandraSession, Consistency};
use crate::connection::{
    CassandraConnection, ClientCertificate, KafkaConnection, Login, RegistryConnection, Secret, Tls,
};
use crate::fleet::Fleet;
use crate::pipeline::swap::probation::Probation;
use crate::pipeline::trouble::budget::Allowance;
use crate::plugin::cache;
use crate::plugin::limits::Limits;
use crate::sink::cassandra::config::CqlBatches;
use crate::sink::cassandra::limit::InFlight;
use crate::source::bounds::Bounds;
use crate::source::kafka::config::Start;
use crate::{pipeline, sink, source, telemetry};

/// No other known program uses this port. The address is a loopback one, so only this machine reaches it.
const DEFAULT_ADMIN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7171));

/// The settings that a verb starts with.
#[derive(Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// `HOST_*` variables that are not settings and not like any setting. They are worth a warning.
    pub strangers: Vec<String>,
}

/// Loads the settings. Flags win over the environment, then `.env`, then `host.toml`, then the defaults.
pub fn load(flags: &Flags, surroundings: &Surroundings) -> Result<Loaded, Problems> {
    let mut said = collect(flags, surroundings);
    let strangers = std::mem::take(&mut said.strangers);
    let mut values = Values::new(said);
    let settings = settings(&mut values);
    if values.problems.is_empty() {
        Ok(Loaded { settings, strangers })
    } else {
        Err(Problems(values.problems))
    }
}

/// Loads only the log settings, for verbs that need nothing else. Problems elsewhere do not concern such a verb, except
/// for files that could not be read: they might set the log.
pub fn load_log(flags: &Flags, surroundings: &Surroundings) -> (telemetry::Config, Problems) {
    let mut said = collect(flags, surroundings);
    let unread = Problems(std::mem::take(&mut said.unread));
    (log(&mut Values::new(said)), unread)
}

fn settings(values: &mut Values) -> Settings {
    let (from, topic, (brokers, said)) = from(values);
    let (to, nodes) = to(values);
    let dead_letters = dead_letters(values, &from, &to);
    let pipeline = pipeline(values);
    let kafka = KafkaConnection {
        properties: kafka::properties(values, brokers.protocol, said),
        brokers: brokers.list,
    };
    Settings {
        registry: registry(values),
        source: source(values, &pipeline),
        cassandra: cassandra(values, nodes),
        plugin: plugin(values, &kafka),
        kafka,
        pipeline,
        admin: admin(values, &from),
        log: log(values),
        otlp: otlp(values),
        from,
        topic,
        to,
        dead_letters,
    }
}

/// The settings of the source. It reads ahead as far as the pipeline queues.
fn source(values: &mut Values, pipeline: &pipeline::config::Config) -> source::kafka::config::Config {
    let group = values.text("source.group").unwrap_or_default();
    let start = values.choice("source.start", &[Start::Earliest, Start::Latest]);
    // A rewrite reads from the beginning under a group of its own, and the usual group goes on beside it.
    let (group, start) = match pipeline.generation {
        0 => (group, start),
        generation => (format!("{group}.rewrite-{generation}"), Start::Earliest),
    };
    source::kafka::config::Config {
        group,
        group_instance: values.text("source.group_instance"),
        start,
        bounds: Bounds {
            chunk_records: pipeline.batch_records.div_ceil(2),
            queue_records: pipeline.queue_records,
            queue_bytes: pipeline.queue_bytes,
        },
        topic_refresh: values.millis("source.topic_refresh_ms"),
        drain_timeout: pipeline.drain_timeout,
    }
}

/// The source, the topic, the brokers and the key that gives them. An address wins over `source.brokers` and
/// `source.topic` unless those come from a stronger place: brokers from the environment win over an address in
/// `host.toml`.
fn from(values: &mut Values) -> (From, String, (Brokers, &'static str)) {
    let named = values.parse("source.from", address::from);
    let default_topic = values.parse("source.topic", |name| address::topic(name).map(|()| name.to_owned()));
    let default_brokers = values.parse("source.brokers", address::brokers);
    let default_topic = default_topic.unwrap_or_default();
    let default_brokers = (default_brokers.unwrap_or_default(), "source.brokers");
    let (brokers, topic) = match named {
        Some(FromAddress::Csv(path)) => return (From::Csv(path), default_topic, default_brokers),
        Some(FromAddress::Ndjson(path)) => return (From::Ndjson(path), default_topic, default_brokers),
        Some(FromAddress::Kafka { brokers, topic }) => (brokers, topic),
        None => (None, None),
    };
    let topic = topic.filter(|_| values.is_stronger("source.from", "source.topic"));
    let topic = topic.unwrap_or(default_topic);
    let brokers = brokers.filter(|_| values.is_stronger("source.from", "source.brokers"));
    // Reading the address has checked its brokers already.
    let brokers = brokers.and_then(|text| address::brokers(&text).ok());
    let brokers = brokers.map_or(default_brokers, |brokers| (brokers, "source.from"));
    (From::Kafka { topic: topic.clone() }, topic, brokers)
}

/// The sink and the nodes of Cassandra. The same rule holds as for the source.
fn to(values: &mut Values) -> (To, Vec<String>) {
    let read_nodes = |text: &str| address::nodes(text, 9042);
    let default_keyspace = values.parse("sink.cassandra.keyspace", |name| {
        address::keyspace(name).map(|()| name.to_owned())
    });
    let default_nodes = values.parse("sink.cassandra.nodes", read_nodes).unwrap_or_default();
    let read = |text: &str| match address::to(text)? {
        ToAddress::Cassandra { nodes, keyspace } => Ok(Named::Cassandra {
            nodes: nodes.as_deref().map(read_nodes).transpose()?,
            keyspace,
        }),
        ToAddress::Sqlite(path) => Ok(Named::Other(To::Sqlite(path))),
        ToAddress::Stdout => Ok::<_, address::AddressError>(Named::Other(To::Stdout)),
    };
    let (nodes, keyspace) = match values.parse("sink.to", read) {
        Some(Named::Other(to)) => return (to, default_nodes),
        Some(Named::Cassandra { nodes, keyspace }) => (
            nodes.filter(|_| values.is_stronger("sink.to", "sink.cassandra.nodes")),
            keyspace.filter(|_| values.is_stronger("sink.to", "sink.cassandra.keyspace")),
        ),
        None => (None, None),
    };
    let keyspace = keyspace.or(default_keyspace).unwrap_or_default();
    (To::Cassandra { keyspace }, nodes.unwrap_or(default_nodes))
}

enum Named {
    Cassandra {
        nodes: Option<Vec<String>>,
        keyspace: Option<String>,
    },
    Other(To),
}

/// Dead letters go to a topic if records come from one, and to a file if they come from a file: a run without Kafka
/// must not need Kafka for its rejects.
fn dead_letters(values: &mut Values, from: &From, to: &To) -> DeadLetters {
    let key = "dead_letters.to";
    let input = match from {
        From::Csv(path) | From::Ndjson(path) => path,
        From::Kafka { topic } => {
            let letters = match values.text(key) {
                None => DeadLetters::Topic(format!("{topic}-dlq")),
                Some(text) if address::is_ndjson(&text) => DeadLetters::File(text.into()),
                Some(name) => {
                    values.parse(key, address::topic);
                    DeadLetters::Topic(name)
                }
            };
            if letters == DeadLetters::Topic(topic.clone()) {
                values.blame(
                    key,
                    "dead letters cannot go to the topic that records come from; name another topic",
                );
            }
            return letters;
        }
    };
    // `host.toml` may name a topic for the usual source. It is not meant for a file that a flag names.
    let is_meant = values.is_stronger(key, "source.from");
    let file = values.parse(key, |text| {
        if address::is_ndjson(text) {
            Ok(Some(PathBuf::from(text)))
        } else if !is_meant {
            Ok(None)
        } else {
            Err(format!(
                "`{text}` is not a dead-letter file; with a file as source, give a file that ends in .ndjson"
            ))
        }
    });
    let file = file.flatten();
    if file.as_ref() == Some(input) {
        values.blame(
            key,
            "dead letters cannot go to the file that records come from; name another file",
        );
    }
    let output = if let To::Sqlite(path) = to { path } else { input };
    DeadLetters::File(file.unwrap_or_else(|| address::beside(output, ".dead-letters.ndjson")))
}

fn registry(values: &mut Values) -> RegistryConnection {
    let url = values.parse("registry.url", |text| address::url(text, "SCHEMA_REGISTRY_AUTH"));
    let auth = values.text("registry.auth").and_then(|text| {
        let login = text.split_once(':').map(|(user, password)| Login {
            user: user.to_owned(),
            password: Secret::new(password),
        });
        if login.is_none() {
            values.blame("registry.auth", "not of the form user:password");
        }
        login
    });
    RegistryConnection {
        url: url.unwrap_or_default(),
        auth,
    }
}

fn cassandra(values: &mut Values, nodes: Vec<String>) -> sink::cassandra::config::Config {
    use Consistency::{All, EachQuorum, LocalOne, LocalQuorum, One, Quorum, Three, Two};
    let levels = [One, Two, Three, Quorum, All, LocalOne, LocalQuorum, EachQuorum];
    let (user, password) = ("sink.cassandra.client_id", "sink.cassandra.secret");
    let (certificate, key) = ("sink.cassandra.tls_certificate", "sink.cassandra.tls_key");
    let login = both(values, user, password).map(|(user, password)| Login {
        user,
        password: Secret::new(password),
    });
    let client = both(values, certificate, key).map(|(certificate, key)| ClientCertificate {
        certificate: certificate.into(),
        key: key.into(),
    });
    let ca = values.path("sink.cassandra.tls_ca");
    if client.is_some() && ca.is_none() {
        values.blame(
            certificate,
            "a client certificate without sink.cassandra.tls_ca; name the nodes' authority too",
        );
    }
    sink::cassandra::config::Config {
        session: CassandraSession {
            connection: CassandraConnection {
                nodes,
                login,
                tls: ca.map(|ca| Tls { ca, client }),
            },
            consistency: values.choice("sink.cassandra.consistency", &levels),
            request_timeout: values.millis("sink.cassandra.request_timeout_ms"),
            compression: values.choice(
                "sink.cassandra.compression",
                &[Compression::None, Compression::Lz4, Compression::Snappy],
            ),
        },
        in_flight: values
            .auto_or("sink.cassandra.writes_in_flight")
            .map_or(InFlight::Found, InFlight::Fixed),
        cql_batches: CqlBatches {
            partitions: values.auto_or("sink.cassandra.batch_partitions"),
            bytes: values.auto_or("sink.cassandra.batch_kib").map(|kib| kib << 10),
        },
        write_nulls: values.choice("sink.cassandra.write_nulls", &[true, false]),
        ttl: values.parse("sink.cassandra.ttl", str::parse).unwrap_or_default(),
    }
}

/// Where the plugin comes from. A published plugin is read from the brokers in its address, or else from those that
/// records come from. The login is the same in both cases.
fn plugin_from(values: &mut Values, kafka: &KafkaConnection) -> PluginFrom {
    match values.parse("plugin.file", address::plugin) {
        Some(PluginAddress::Published { brokers, topic, name }) => {
            let mut kafka = kafka.clone();
            if let Some(Brokers { list, protocol }) = brokers.and_then(|text| address::brokers(&text).ok()) {
                kafka.brokers = list;
                kafka::set_protocol(&mut kafka.properties, protocol);
            }
            PluginFrom::Published {
                fleet: Fleet { kafka, topic },
                name,
            }
        }
        Some(PluginAddress::File(path)) => PluginFrom::File(path),
        None => PluginFrom::File(PathBuf::new()),
    }
}

fn plugin(values: &mut Values, kafka: &KafkaConnection) -> Plugin {
    let from = plugin_from(values, kafka);
    let settings = values.under(table::PLUGIN_SETTINGS);
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let probation = values.parse("plugin.probation", |text| match text {
        "off" => Ok(None),
        number => number
            .parse()
            .map(Some)
            .map_err(|_| format!("`{number}` is neither off nor a number of records")),
    });
    let (time, margin_percent) = (
        values.millis("plugin.probation_ms"),
        narrow(values.number("plugin.probation_margin_percent")),
    );
    Plugin {
        probation: probation.flatten().map(|records| Probation {
            records,
            time,
            margin_percent,
        }),
        watch: values.choice("plugin.watch", &[true, false]),
        from,
        settings: settings.into_iter().map(|(key, given)| (key, given.value)).collect(),
        trusted_keys: values.path("plugin.trusted_keys"),
        compile_cache: compile_cache(values),
        shadow: values.path("plugin.shadow"),
        shadow_share: values.parse("plugin.shadow_share", str::parse).unwrap_or_default(),
        limits: Limits {
            memory_bytes: values.size("plugin.limits.memory_mib") << 20,
            recycle_percent: narrow(values.number("plugin.limits.recycle_percent")),
            deadline: values.millis("plugin.limits.deadline_ms"),
            rows_per_record: narrow(values.number("plugin.limits.rows_per_record")),
            log_lines_per_second: narrow(values.number("plugin.limits.log_lines_per_second")),
            log_line_bytes: values.size("plugin.limits.log_line_bytes"),
        },
    }
}

fn compile_cache(values: &Values) -> cache::Place {
    match values.path("plugin.compile_cache") {
        None => cache::Place::Usual,
        Some(path) if path.as_os_str() == "off" => cache::Place::Nowhere,
        Some(path) => cache::Place::At(path),
    }
}

fn pipeline(values: &mut Values) -> pipeline::config::Config {
    let batch_records = values.size("pipeline.batch_records");
    pipeline::config::Config {
        batch_records,
        queue_records: values.size("pipeline.queue_records").max(batch_records),
        queue_bytes: values.size("pipeline.queue_mib") << 20,
        drain_timeout: values.millis("pipeline.drain_timeout_ms"),
        commit_interval: values.millis("pipeline.commit_interval_ms"),
        generation: u8::try_from(values.number("pipeline.generation")).unwrap_or(u8::MAX),
        reject_budget: share(
            values,
            "pipeline.reject_budget_percent",
            "pipeline.reject_window_records",
        ),
        fault_budget: share(values, "pipeline.fault_budget_percent", "pipeline.fault_window_records"),
        fail_fast: values.choice("pipeline.fail_fast", &[true, false]),
        status_file: values.path("pipeline.status_file"),
    }
}

fn share(values: &mut Values, percent: &str, window: &str) -> Allowance {
    Allowance {
        percent: u32::try_from(values.number(percent)).unwrap_or(100),
        window_records: values.size(window),
    }
}

/// The admin endpoint. It is on by default if records come from Kafka, since such a run does not end.
fn admin(values: &mut Values, from: &From) -> Option<Admin> {
    let key = "admin.address";
    let token = values.parse("admin.token", |text| {
        let is_good = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_good { Ok(Secret::new(text)) } else { Err("") }
    });
    let (address, if_taken) = match (values.parse(key, address::listen), from) {
        (Some(Listen::At(address)), _) => (address, IfTaken::Fail),
        (Some(Listen::Off), _) | (None, From::Csv(_) | From::Ndjson(_)) => return None,
        (None, From::Kafka { .. }) => (DEFAULT_ADMIN, IfTaken::AnotherPort),
    };
    if !address.ip().is_loopback() && values.given("admin.token").is_none() {
        values.blame(
            key,
            format!(
                "{address} can be reached from other machines, so it needs {}",
                names("admin.token")
            ),
        );
    }
    Some(Admin {
        address,
        if_taken,
        token,
    })
}

fn log(values: &mut Values) -> telemetry::Config {
    let formats = [telemetry::Format::Text, telemetry::Format::Json];
    let filter = values.parse("log.level", telemetry::Filter::parse);
    telemetry::Config {
        format: values.choice("log.format", &formats),
        filter: filter.unwrap_or_default(),
    }
}

fn otlp(values: &mut Values) -> Option<telemetry::otlp::Config> {
    let address = values.parse("otlp.address", |text| match text {
        "off" => Ok(None),
        // This variable belongs to the protocol; other programs read it too.
        url => address::url(url, "OTEL_EXPORTER_OTLP_HEADERS").map(Some),
    });
    let share = values.parse("otlp.share", str::parse);
    Some(telemetry::otlp::Config {
        address: address??,
        share: share?,
    })
}

#[cfg(test)]
mod tests;
