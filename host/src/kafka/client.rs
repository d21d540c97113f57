//! librdkafka's settings for every client of ours, by what it is for: the only place that makes them.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::connection::KafkaConnection;

/// What a client is for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose<'a> {
    /// To ask about the cluster and the settings of topics, and to create topics.
    Admin,
    /// To ask whether a topic is there.
    Ask,
    /// To read what a group assigns to its members. It commits nothing by itself.
    Join {
        group: &'a str,
        /// Static membership.
        instance: Option<&'a str>,
        /// How often the brokers are asked for the topic's partitions.
        topic_refresh: Duration,
    },
    /// To read the offsets that it is told. It joins no group and commits nothing; of the group it may ask what is committed.
    Read { group: &'a str },
    /// The same, but it commits in the group, which has no members.
    Replay { group: &'a str },
    /// To write records that are acknowledged by all in-sync replicas, each in the partition of its key.
    Produce {
        /// Its name in the brokers' logs.
        client_id: &'a str,
        /// A record that is not acknowledged after this time has failed.
        delivery_timeout: Duration,
        /// The compression, unless the connection's properties ask for another one.
        compression: Option<&'a str>,
        requests: Requests,
    },
    /// To write single records of at most so many bytes, acknowledged by all in-sync replicas.
    Publish {
        max_bytes: &'a str,
        delivery_timeout: Duration,
    },
}

/// How many records go in one request to a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requests {
    /// All that are waiting. If the brokers refuse one, they refuse all.
    Filled,
    /// One, so that a refused record is the culprit.
    Single,
}

/// Settings that the properties of a connection may override.
const JOIN_DEFAULTS: [(&str, &str); 7] = [
    // A dead member's partitions go to another one after this time; the brokers accept no less than 6 s.
    ("session.timeout.ms", "6000"),
    ("heartbeat.interval.ms", "2000"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    // Of each partition 1 MiB waiting inside librdkafka, some 4,000 orders: what the sink takes in a tenth of a second.
    // A fetch goes on soon after there is room, not a second later.
    ("queued.max.messages.kbytes", "1024"),
    ("fetch.queue.backoff.ms", "20"),
    // One fetch is on its way to a broker at one time. Where all partitions that have records are full at that moment, it
    // asks for the others only, and while the broker waits for a record of theirs nothing else is fetched.
    ("fetch.wait.max.ms", "100"),
    ("isolation.level", "read_committed"),
];

/// How often librdkafka asks for the topic's partitions.
const TOPIC_REFRESH: &str = "topic.metadata.refresh.interval.ms";

/// librdkafka's settings: the connection's properties first, so that ours, on which the promises rest, win.
pub fn client_config(connection: &KafkaConnection, purpose: Purpose<'_>) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in &connection.properties {
        config.set(name, value.reveal());
    }
    config
        .set("bootstrap.servers", &connection.brokers)
        // A question about a topic must not make the brokers create it.
        .set("allow.auto.create.topics", "false")
        // librdkafka's own lines say each broker's every hiccup; what matters comes to us as errors.
        .set_log_level(RDKafkaLogLevel::Emerg);
    match purpose {
        Purpose::Admin => {}
        Purpose::Ask => {
            config.set("client.id", "host");
        }
        Purpose::Join {
            group,
            instance,
            topic_refresh,
        } => {
            let refresh_ms = topic_refresh.as_millis().to_string();
            for (name, value) in JOIN_DEFAULTS.into_iter().chain([(TOPIC_REFRESH, refresh_ms.as_str())]) {
                if !connection.properties.contains_key(name) {
                    config.set(name, value);
                }
            }
            read(&mut config, group).set("enable.auto.offset.store", "false");
            if let Some(instance) = instance {
                config.set("group.instance.id", instance);
            }
        }
        Purpose::Read { group } => {
            read(&mut config, group).set("isolation.level", "read_committed");
        }
        Purpose::Replay { group } => {
            read(&mut config, group)
                .set("isolation.level", "read_committed")
                .set("enable.auto.offset.store", "false")
                .set("queued.max.messages.kbytes", "4096");
        }
        Purpose::Produce {
            client_id,
            delivery_timeout,
            compression,
            requests,
        } => {
            if let Some(compression) = compression
                && !connection.properties.keys().any(|name| is_compression(name))
            {
                config.set("compression.type", compression);
            }
            write(&mut config, client_id, delivery_timeout)
                // The topic decides what is too large, not the client.
                .set("message.max.bytes", "1000000000")
                // A record goes to the partition that Java's producer would choose for its key.
                .set("partitioner", "murmur2_random");
            if requests == Requests::Single {
                config.set("batch.num.messages", "1").set("linger.ms", "0");
            }
        }
        Purpose::Publish {
            max_bytes,
            delivery_timeout,
        } => {
            write(&mut config, "host", delivery_timeout).set("message.max.bytes", max_bytes);
        }
    }
    config
}

/// Settings of every client that reads.
fn read<'a>(config: &'a mut ClientConfig, group: &str) -> &'a mut ClientConfig {
    config
        .set("client.id", "host")
        .set("group.id", group)
        // Readers say where to begin. This is for an offset that is gone: reading then goes on with the oldest record that is
        // there, so that none is passed over; the Kafka source notices.
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
}

/// Settings of every client that writes.
fn write<'a>(config: &'a mut ClientConfig, client_id: &str, delivery_timeout: Duration) -> &'a mut ClientConfig {
    config
        .set("client.id", client_id)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("message.timeout.ms", delivery_timeout.as_millis().to_string())
}

/// Whether this is the property for compression, which librdkafka knows under two names.
pub fn is_compression(name: &str) -> bool {
    matches!(name, "compression.type" | "compression.codec")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Secret;

    /// The values that clients of each purpose have of a property, where the user has set these.
    fn values(properties: &[(&str, &str)], name: &str) -> Vec<Option<String>> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new(*value));
        let connection = KafkaConnection {
            brokers: "127.0.0.1:1".into(),
            properties: properties.iter().map(owned).collect(),
        };
        let purposes = [
            Purpose::Admin,
            Purpose::Ask,
            Purpose::Join {
                group: "orders",
                instance: None,
                topic_refresh: Duration::from_secs(10),
            },
            Purpose::Read { group: "orders" },
            Purpose::Replay { group: "orders" },
            Purpose::Produce {
                client_id: "host-test",
                delivery_timeout: Duration::from_secs(30),
                compression: Some("lz4"),
                requests: Requests::Filled,
            },
            Purpose::Publish {
                max_bytes: "1000",
                delivery_timeout: Duration::from_secs(30),
            },
        ];
        let value = |purpose| client_config(&connection, purpose).get(name).map(str::to_owned);
        purposes.into_iter().map(value).collect()
    }

    #[test]
    fn what_the_promises_rest_on_wins_over_the_users_properties() {
        let own = [
            ("allow.auto.create.topics", "true"),
            ("enable.auto.commit", "true"),
            ("acks", "1"),
        ];
        let no = Some("false".to_owned());
        assert!(
            values(&own, "allow.auto.create.topics")
                .iter()
                .all(|value| *value == no)
        );
        assert_eq!(values(&own, "enable.auto.commit")[2..5], [no.clone(), no.clone(), no]);
        let all = Some("all".to_owned());
        assert_eq!(values(&own, "acks")[5..], [all.clone(), all]);
    }

    #[test]
    fn the_user_may_choose_what_is_only_a_default() {
        let of = |properties: &[(&str, &str)], name, purpose: usize| values(properties, name).swap_remove(purpose);
        assert_eq!(of(&[], "session.timeout.ms", 2).as_deref(), Some("6000"));
        let longer = [("session.timeout.ms", "45000")];
        assert_eq!(of(&longer, "session.timeout.ms", 2).as_deref(), Some("45000"));
        assert_eq!(of(&[], TOPIC_REFRESH, 2).as_deref(), Some("10000"));
        assert_eq!(of(&[], "compression.type", 5).as_deref(), Some("lz4"));
        assert_eq!(of(&[("compression.codec", "zstd")], "compression.type", 5), None);
        let passed_on = values(&[("security.protocol", "ssl")], "security.protocol");
        assert!(passed_on.iter().all(|value| value.as_deref() == Some("ssl")));
    }
}
