//! Reads `[source.kafka]`: librdkafka's own properties are passed through, except those that the host needs
//! for its promises.

use std::collections::BTreeMap;

use super::brokers::Protocol;
use super::pairs::both;
use super::table::KAFKA_PROPERTIES;
use super::values::Values;
use crate::connection::Secret;

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

/// Reads and checks the properties. `protocol` is the one written before the brokers, and `brokers_key` the setting
/// that gives them.
pub(super) fn properties(
    values: &mut Values,
    protocol: Option<Protocol>,
    brokers_key: &str,
) -> BTreeMap<String, Secret> {
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
