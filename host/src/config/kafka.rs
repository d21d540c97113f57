//! `[source.kafka]`: librdkafka's own properties, passed through, but for those that the host needs for its promises.

use std::collections::BTreeMap;

use super::build::both;
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

pub(super) fn properties(values: &mut Values) -> BTreeMap<String, Secret> {
    let mut properties = BTreeMap::new();
    for (name, given) in values.under(KAFKA_PROPERTIES) {
        match REFUSED.iter().find(|(refused, _)| *refused == name) {
            Some((_, reason)) => values.blame(&given.key, format!("not to be set here: {reason}")),
            None => drop(properties.insert(name, Secret::new(given.value))),
        }
    }
    if properties.contains_key("sasl.username") || properties.contains_key("sasl.password") {
        both(values, "source.kafka.sasl.username", "source.kafka.sasl.password");
        properties
            .entry("security.protocol".to_owned())
            .or_insert_with(|| Secret::new("SASL_SSL"));
        // librdkafka knows the mechanism under two names.
        if !properties.contains_key("sasl.mechanisms") {
            properties
                .entry("sasl.mechanism".to_owned())
                .or_insert_with(|| Secret::new("PLAIN"));
        }
    }
    properties
}
