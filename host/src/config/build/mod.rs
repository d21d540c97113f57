//! Builds [`Settings`] from the given values, one function for each section. It notes every problem, so that
//! none hides another.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};

use super::address::{self, Listen, PluginAddress};
use super::brokers::Brokers;
use super::collect::collect;
use super::ends::{AddressDefaults, Ends, SourceEnd, StoreEnd};
use super::given::{Flags, Surroundings};
use super::pairs::names;
use super::problem::Problems;
use super::settings::{Admin, DeadLetters, IfTaken, Plugin, PluginFrom, Settings};
use super::values::Values;
use super::{cassandra, kafka, registry, table};
use crate::connection::{KafkaConnection, Secret};
use crate::fleet::Fleet;
use crate::pipeline::swap::probation::Probation;
use crate::pipeline::trouble::budget::Allowance;
use crate::plugin::cache;
use crate::plugin::limits::Limits;
use crate::source::nature::Nature;
use crate::{pipeline, telemetry};

/// The setting that says where dead letters go.
const LETTERS: &str = "dead_letters.to";

/// No other known program uses this port. The address is a loopback one, so only this machine reaches it.
const DEFAULT_ADMIN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7171));

/// The settings that a verb starts with.
#[derive(Debug)]
pub struct Loaded<S, T> {
    pub settings: Settings<S, T>,
    /// `HOST_*` variables that are not settings and not like any setting. They are worth a warning.
    pub strangers: Vec<String>,
}

/// Loads the settings of runs between these kinds of ends. Flags win over the environment, then `.env`, then `host.toml`,
/// then the defaults.
pub fn load<S: SourceEnd, T: StoreEnd>(
    flags: &Flags,
    surroundings: &Surroundings,
    ends: &Ends<S, T>,
) -> Result<Loaded<S, T>, Problems> {
    let mut said = collect(flags, surroundings);
    let strangers = std::mem::take(&mut said.strangers);
    let mut values = Values::new(said);
    let settings = settings(&mut values, ends);
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

fn settings<S: SourceEnd, T: StoreEnd>(values: &mut Values, kinds: &Ends<S, T>) -> Settings<S, T> {
    let kafka::BrokersAndTopic {
        brokers,
        brokers_key,
        topic,
    } = kafka::place(values);
    let cassandra::NodesAndKeyspace { nodes, keyspace } = cassandra::place(values);
    let defaults = AddressDefaults {
        topic: &topic,
        keyspace: &keyspace,
    };
    let (from, to) = ends(values, kinds, defaults);
    let dead_letters = dead_letters(values, &from, &to);
    let pipeline = pipeline(values);
    let kafka = kafka::connection(values, brokers, brokers_key);
    Settings {
        registry: registry::connection(values),
        source: kafka::group(values, &pipeline),
        cassandra: cassandra::config(values, nodes),
        plugin: plugin(values, &kafka),
        kafka,
        pipeline,
        admin: admin(values, from.nature()),
        log: log(values),
        otlp: otlp(values),
        from,
        topic,
        to,
        dead_letters,
    }
}

/// Where records come from and where rows go. A bad address is noted, and the usual end takes its place.
fn ends<S, T>(values: &mut Values, ends: &Ends<S, T>, defaults: AddressDefaults<'_>) -> (S, T) {
    let from = values.parse("source.from", |text| ends.source(text, defaults));
    let to = values.parse("sink.to", |text| ends.store(text, defaults));
    (
        from.unwrap_or_else(|| (ends.sources.usual)(defaults)),
        to.unwrap_or_else(|| (ends.stores.usual)(defaults)),
    )
}

/// Dead letters go to a topic if records come from one, and to a file if not: a run without Kafka must not need Kafka for
/// its rejects.
fn dead_letters(values: &mut Values, from: &impl SourceEnd, to: &impl StoreEnd) -> DeadLetters {
    match from.topic() {
        Some(topic) => letters_of_topic(values, topic),
        None => letters_file(values, from.path(), to.path()),
    }
}

fn letters_of_topic(values: &mut Values, topic: &str) -> DeadLetters {
    let letters = match values.text(LETTERS) {
        None => DeadLetters::Topic(format!("{topic}-dlq")),
        Some(text) if address::is_ndjson(&text) => DeadLetters::File(text.into()),
        Some(name) => {
            values.parse(LETTERS, address::topic);
            DeadLetters::Topic(name)
        }
    };
    if letters == DeadLetters::Topic(topic.to_owned()) {
        values.blame(
            LETTERS,
            "dead letters cannot go to the topic that records come from; name another topic",
        );
    }
    letters
}

/// The file of dead letters: unless it is named, one beside the output, or else beside the input.
fn letters_file(values: &mut Values, input: Option<&Path>, output: Option<&Path>) -> DeadLetters {
    // `host.toml` may name a topic for the usual source. It is not meant for a file that a flag names.
    let is_meant = values.is_stronger(LETTERS, "source.from");
    let file = values.parse(LETTERS, |text| {
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
    if file.is_some() && file.as_deref() == input {
        values.blame(
            LETTERS,
            "dead letters cannot go to the file that records come from; name another file",
        );
    }
    DeadLetters::File(file.unwrap_or_else(|| match output.or(input) {
        Some(path) => address::beside(path, ".dead-letters.ndjson"),
        None => "dead-letters.ndjson".into(),
    }))
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

fn compile_cache(values: &Values) -> cache::CacheLocation {
    match values.path("plugin.compile_cache") {
        None => cache::CacheLocation::Usual,
        Some(path) if path.as_os_str() == "off" => cache::CacheLocation::Nowhere,
        Some(path) => cache::CacheLocation::At(path),
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

/// The admin endpoint. It is on by default if the run does not end by itself.
fn admin(values: &mut Values, nature: Nature) -> Option<Admin> {
    let key = "admin.address";
    let token = values.parse("admin.token", |text| {
        let is_good = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_good { Ok(Secret::new(text)) } else { Err("") }
    });
    let (address, if_taken) = match values.parse(key, address::listen) {
        Some(Listen::At(address)) => (address, IfTaken::Fail),
        None if nature.is_endless => (DEFAULT_ADMIN, IfTaken::AnotherPort),
        Some(Listen::Off) | None => return None,
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
