//! Reads `[source.kafka]`, the group, and the brokers and the topic out of `kafka://`. librdkafka's own properties are passed
//! through, except those that the host needs for its promises.

use std::collections::BTreeMap;

use super::address::{self, KafkaAddress};
use super::brokers::{Brokers, Protocol};
use super::pairs::both;
use super::table::KAFKA_PROPERTIES;
use super::values::Values;
use crate::connection::{KafkaConnection, Secret};
use crate::pipeline;
use crate::source::bounds::Bounds;
use crate::source::kafka::config::{Config, Start};

/// Properties that are refused, each with the reason or the setting to use instead.
const REFUSED: &[(&str, &str)] = &[
    (
        "acks",
        "the host waits for all replicas, or a dead letter could be lost",
    ),
    (
        "auto.commit.enable",
        "the host commits an offset when everything before it is settled",
    ),
    ("auto.offset.reset", "use source.start"),
    ("bootstrap.servers", "use source.brokers"),
    (
        "enable.auto.commit",
        "the host commits an offset when everything before it is settled",
    ),
    (
        "enable.auto.offset.store",
        "the host commits an offset when everything before it is settled",
    ),
    (
        "enable.idempotence",
        "the host's producers are idempotent, so that a retry writes nothing twice",
    ),
    (
        "enable.partition.eof",
        "the host needs it to know the end of a partition",
    ),
    ("group.id", "use source.group"),
    ("group.instance.id", "use source.group_instance"),
    (
        "group.protocol",
        "the host's rebalancing is built on the classic protocol",
    ),
    ("metadata.broker.list", "use source.brokers"),
    ("plugin.library.paths", "it would load native code into the host"),
    (
        "request.required.acks",
        "the host waits for all replicas, or a dead letter could be lost",
    ),
    (
        "transactional.id",
        "the host's writes are idempotent and need no transactions",
    ),
];

const PROTOCOL: &str = "security.protocol";
const MECHANISMS: [&str; 2] = ["sasl.mechanism", "sasl.mechanisms"];

/// Where Kafka is, and the topic of records there.
pub(super) struct BrokersAndTopic {
    pub brokers: Brokers,
    /// The setting that gives the brokers.
    pub brokers_key: &'static str,
    pub topic: String,
}

/// The brokers and the topic. An address in `--from` wins over `source.brokers` and `source.topic` unless those come from a
/// stronger place: brokers from the environment win over an address in `host.toml`.
pub(super) fn place(values: &mut Values) -> BrokersAndTopic {
    let named = values.parse("source.from", address::kafka).flatten();
    let default_topic = values.parse("source.topic", |name| address::topic(name).map(|()| name.to_owned()));
    let default_brokers = values.parse("source.brokers", address::brokers);
    let KafkaAddress { brokers, topic } = named.unwrap_or_default();
    let topic = topic.filter(|_| values.is_stronger("source.from", "source.topic"));
    let brokers = brokers.filter(|_| values.is_stronger("source.from", "source.brokers"));
    // Reading the address has checked its brokers already.
    let (brokers, brokers_key) = match brokers.and_then(|text| address::brokers(&text).ok()) {
        Some(brokers) => (brokers, "source.from"),
        None => (default_brokers.unwrap_or_default(), "source.brokers"),
    };
    BrokersAndTopic {
        brokers,
        brokers_key,
        topic: topic.or(default_topic).unwrap_or_default(),
    }
}

/// How to reach the brokers. `brokers_key` is the setting that gives them.
pub(super) fn connection(values: &mut Values, brokers: Brokers, brokers_key: &str) -> KafkaConnection {
    KafkaConnection {
        properties: properties(values, brokers.protocol, brokers_key),
        brokers: brokers.list,
    }
}

/// How to read as a member of a group. The source reads ahead as far as the pipeline queues.
pub(super) fn group(values: &mut Values, pipeline: &pipeline::config::Config) -> Config {
    let group = values.text("source.group").unwrap_or_default();
    let start = values.choice("source.start", &[Start::Earliest, Start::Latest]);
    // A rewrite reads from the beginning under a group of its own, and the usual group goes on beside it.
    let (group, start) = match pipeline.generation {
        0 => (group, start),
        generation => (format!("{group}.rewrite-{generation}"), Start::Earliest),
    };
    Config {
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

/// Reads and checks the properties. `protocol` is the one written before the brokers, and `brokers_key` the setting
/// that gives them.
fn properties(values: &mut Values, protocol: Option<Protocol>, brokers_key: &str) -> BTreeMap<String, Secret> {
    let mut properties = BTreeMap::new();
    for (name, given) in values.under(KAFKA_PROPERTIES) {
        match REFUSED.iter().find(|(refused, _)| *refused == name) {
            Some((_, reason)) => values.blame(&given.key, format!("cannot be set here: {reason}")),
            None => drop(properties.insert(name, Secret::new(given.value))),
        }
    }
    if let Some(contradiction) = protocol.and_then(|protocol| contradiction(&properties, protocol)) {
        values.blame(brokers_key, contradiction);
    }
    set_protocol(&mut properties, protocol);
    if has_login(&properties) {
        both(values, "source.kafka.sasl.username", "source.kafka.sasl.password");
        properties
            .entry(PROTOCOL.to_owned())
            .or_insert_with(|| Secret::new(Protocol::SaslSsl.name()));
        // librdkafka knows the mechanism under two names.
        if !MECHANISMS.iter().any(|name| properties.contains_key(*name)) {
            properties
                .entry(MECHANISMS[0].to_owned())
                .or_insert_with(|| Secret::new("PLAIN"));
        }
    }
    properties
}

/// Sets the protocol that is written before the brokers.
pub(super) fn set_protocol(properties: &mut BTreeMap<String, Secret>, protocol: Option<Protocol>) {
    if let Some(protocol) = protocol {
        properties.insert(PROTOCOL.to_owned(), Secret::new(protocol.name()));
    }
}

fn has_login(properties: &BTreeMap<String, Secret>) -> bool {
    properties.contains_key("sasl.username") || properties.contains_key("sasl.password")
}

/// Finds a property that contradicts the protocol before the brokers, and describes the contradiction.
fn contradiction(properties: &BTreeMap<String, Secret>, protocol: Protocol) -> Option<String> {
    let set = properties.get(PROTOCOL).map(Secret::reveal);
    if let Some(set) = set.filter(|set| !set.eq_ignore_ascii_case(protocol.name())) {
        return Some(format!(
            "{protocol}:// stands before the brokers, and {KAFKA_PROPERTIES}{PROTOCOL} is {set}; leave one of them out"
        ));
    }
    if has_login(properties) && !protocol.has_login() {
        return Some(format!(
            "{protocol}:// has no login, but KAFKA_SASL_USERNAME gives one; with a login, write the brokers with SASL_SSL:// or \
             SASL_PLAINTEXT://"
        ));
    }
    let has_mechanism = MECHANISMS.iter().any(|name| properties.contains_key(*name));
    if protocol.has_login() && !has_login(properties) && !has_mechanism {
        return Some(format!(
            "{protocol}:// needs a login: set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, or another sasl.mechanism in \
             [source.kafka]"
        ));
    }
    None
}
