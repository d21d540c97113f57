//! Asks the brokers about a topic, before anything starts.

use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::client::{Purpose, client_config};
use super::error::ClientError;
use crate::connection::KafkaConnection;

/// How long to wait for the first answer: long enough for a broker on the other side of the world with TLS, short
/// enough for a user at a terminal.
const FIRST_ANSWER: Duration = Duration::from_secs(8);

/// After this time the question is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Checks that the brokers answer and the topic is there, and gives its number of partitions. Blocks.
pub fn check_topic(connection: &KafkaConnection, topic: &str) -> Result<usize, ClientError> {
    let client: BaseConsumer = client_config(connection, Purpose::Ask)
        .create()
        .map_err(ClientError::setting)?;
    partitions(client.client(), connection, topic)
}

/// The same, asked over a client that is there.
pub(super) fn partitions<C: ClientContext>(
    client: &Client<C>,
    connection: &KafkaConnection,
    topic: &str,
) -> Result<usize, ClientError> {
    let classify = |cause| ClientError::of(cause, &connection.brokers, topic);
    let metadata = ask_about(client, topic).map_err(classify)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let error = found.and_then(|found| found.error().map(RDKafkaErrorCode::from));
    let partitions = found.map_or(0, |found| found.partitions().len());
    said_of_topic(error, partitions).map_err(|code| classify(KafkaError::MetadataFetch(code)))
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

/// Asks the brokers about a topic, twice if need be: a broker that is killed before it answers never does, and
/// librdkafka does not ask another one by itself. Blocks.
pub(super) fn ask_about<C: ClientContext>(client: &Client<C>, topic: &str) -> Result<Metadata, KafkaError> {
    match client.fetch_metadata(Some(topic), ASK_AGAIN) {
        Err(KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut)) => {
            client.fetch_metadata(Some(topic), FIRST_ANSWER.saturating_sub(ASK_AGAIN))
        }
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_missing_only_where_the_brokers_say_so() {
        let said = |error, partitions| {
            let said = said_of_topic(error, partitions);
            said.map_err(|code| ClientError::of(KafkaError::MetadataFetch(code), "127.0.0.1:1", "orders"))
        };
        assert_eq!(said(None, 3).unwrap(), 3);
        for code in [
            RDKafkaErrorCode::UnknownTopicOrPartition,
            RDKafkaErrorCode::InvalidTopic,
        ] {
            let missing = said(Some(code), 0).unwrap_err();
            assert!(matches!(missing, ClientError::TopicMissing { .. }), "{missing:?}");
        }
        for (code, partitions) in [
            (None, 0),
            (Some(RDKafkaErrorCode::LeaderNotAvailable), 3),
            (Some(RDKafkaErrorCode::RequestTimedOut), 0),
        ] {
            let later = said(code, partitions).unwrap_err();
            assert!(matches!(later, ClientError::Unreachable { .. }), "{later:?}");
        }
        let denied = said(Some(RDKafkaErrorCode::TopicAuthorizationFailed), 0).unwrap_err();
        assert!(matches!(denied, ClientError::Unauthorized { .. }), "{denied:?}");
        let unknown = said(Some(RDKafkaErrorCode::Unknown), 0).unwrap_err();
        assert!(matches!(unknown, ClientError::Read(_)), "{unknown:?}");
    }
}
