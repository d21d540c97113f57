//! Makes the consumer, and asks the brokers about a topic before anything starts.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::config::Config;
use super::rebalance::Context;
use crate::connection::KafkaConnection;
use crate::kafka_producer::{ask_about, without_value};
use crate::source::SourceError;

/// How often librdkafka asks for the topic's partitions.
pub const TOPIC_REFRESH: &str = "topic.metadata.refresh.interval.ms";

/// librdkafka's settings, those passed through first so that ours, on which the promises rest, win.
pub fn client_config(connection: &KafkaConnection) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in &connection.properties {
        config.set(name, value.reveal());
    }
    config.set("bootstrap.servers", &connection.brokers);
    config.set("client.id", "host");
    // librdkafka's own lines say each broker's every hiccup; what matters comes to us as errors.
    config.set_log_level(RDKafkaLogLevel::Emerg);
    config
}

/// A consumer that commits nothing by itself.
pub fn consumer(
    connection: &KafkaConnection,
    config: &Config,
    context: Context,
) -> Result<BaseConsumer<Context>, SourceError> {
    let mut client = client_config(connection);
    let defaults = [
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
    let refresh_ms = config.topic_refresh.as_millis().to_string();
    for (name, value) in defaults.into_iter().chain([(TOPIC_REFRESH, refresh_ms.as_str())]) {
        if !connection.properties.contains_key(name) {
            client.set(name, value);
        }
    }
    client
        .set("group.id", &config.group)
        // The assignment says where to begin. This is for an offset that is gone: reading then goes on with the oldest
        // record that is there, so that none is passed over; `place` notices.
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("allow.auto.create.topics", "false");
    if let Some(instance) = &config.group_instance {
        client.set("group.instance.id", instance);
    }
    client
        .create_with_context(context)
        .map_err(|error| SourceError::Setting(without_value(error)))
}

/// A consumer that is told which offsets to read. It joins no group and commits nothing; of the group it may ask what is
/// committed.
pub fn reader(connection: &KafkaConnection, group: &str) -> Result<BaseConsumer, SourceError> {
    let mut client = client_config(connection);
    client
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("allow.auto.create.topics", "false");
    client
        .create()
        .map_err(|error| SourceError::Setting(without_value(error)))
}

/// That the brokers answer and the topic is there; its number of partitions.
pub fn check_topic(connection: &KafkaConnection, topic: &str) -> Result<usize, SourceError> {
    let client: BaseConsumer = client_config(connection)
        .create()
        .map_err(|error| SourceError::Setting(without_value(error)))?;
    partitions(&client, connection, topic)
}

/// The same, asked over a client that is there.
pub fn partitions<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    connection: &KafkaConnection,
    topic: &str,
) -> Result<usize, SourceError> {
    let metadata = ask_about(client.client(), topic).map_err(|cause| classify(cause, connection, topic))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let error = found.and_then(|found| found.error().map(RDKafkaErrorCode::from));
    let partitions = found.map_or(0, |found| found.partitions().len());
    said_of_topic(error, partitions).map_err(|code| classify(KafkaError::MetadataFetch(code), connection, topic))
}

/// The number of partitions, or why it is not known. That a topic is not there is only what the brokers call so.
fn said_of_topic(error: Option<RDKafkaErrorCode>, partitions: usize) -> Result<usize, RDKafkaErrorCode> {
    match error {
        // A name that no topic can have.
        Some(RDKafkaErrorCode::InvalidTopic) => Err(RDKafkaErrorCode::UnknownTopic),
        Some(code) => Err(code),
        // It has just been made, and has no leader yet.
        None if partitions == 0 => Err(RDKafkaErrorCode::LeaderNotAvailable),
        None => Ok(partitions),
    }
}

/// What an error of the client means for us.
pub fn classify(cause: KafkaError, connection: &KafkaConnection, topic: &str) -> SourceError {
    match cause.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition,
        ) => SourceError::TopicMissing {
            topic: topic.to_owned(),
        },
        Some(
            RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::Authentication,
        ) => SourceError::Unauthorized {
            what: format!("topic {topic}"),
            cause,
        },
        Some(
            RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::NetworkException
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::BrokerNotAvailable
            | RDKafkaErrorCode::RequestTimedOut,
        ) => SourceError::Unreachable {
            brokers: connection.brokers.clone(),
            cause: Some(cause),
        },
        _ => SourceError::Read(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_missing_only_where_the_brokers_say_so() {
        let connection = KafkaConnection {
            brokers: "127.0.0.1:1".into(),
            properties: [].into(),
        };
        let said = |error, partitions| {
            let said = said_of_topic(error, partitions);
            said.map_err(|code| classify(KafkaError::MetadataFetch(code), &connection, "orders"))
        };
        assert_eq!(said(None, 3).unwrap(), 3);
        for code in [
            RDKafkaErrorCode::UnknownTopicOrPartition,
            RDKafkaErrorCode::InvalidTopic,
        ] {
            let missing = said(Some(code), 0).unwrap_err();
            assert!(matches!(missing, SourceError::TopicMissing { .. }), "{missing:?}");
        }
        for (code, partitions) in [
            (None, 0),
            (Some(RDKafkaErrorCode::LeaderNotAvailable), 3),
            (Some(RDKafkaErrorCode::RequestTimedOut), 0),
        ] {
            let later = said(code, partitions).unwrap_err();
            assert!(matches!(later, SourceError::Unreachable { .. }), "{later:?}");
        }
        let denied = said(Some(RDKafkaErrorCode::TopicAuthorizationFailed), 0).unwrap_err();
        assert!(matches!(denied, SourceError::Unauthorized { .. }), "{denied:?}");
        let unknown = said(Some(RDKafkaErrorCode::Unknown), 0).unwrap_err();
        assert!(matches!(unknown, SourceError::Read(_)), "{unknown:?}");
    }
}
