//! What goes wrong with a client that asks or reads, sorted by what it means.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::record::position::Partition;

/// An error as librdkafka tells it.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct Cause(#[from] KafkaError);

/// Why a client cannot ask, read or commit.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(
        "no broker of {brokers} answers; is Kafka running there? (`kafka://HOST:PORT/…` or KAFKA_BOOTSTRAP_SERVERS names another)"
    )]
    Unreachable {
        brokers: String,
        #[source]
        cause: Option<Cause>,
    },
    #[error(
        "topic {topic} is not there; `host setup --from kafka://BROKERS/TOPIC` creates a topic and its dead-letter topic"
    )]
    TopicMissing { topic: String },
    #[error(
        "the brokers refuse the login or the access to {what}; check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and the ACLs"
    )]
    Unauthorized {
        what: String,
        #[source]
        cause: Cause,
    },
    #[error("a Kafka setting is not accepted")]
    Setting(#[source] Cause),
    #[error("cannot read the offsets committed by the group")]
    Committed(#[source] Cause),
    #[error("cannot ask for the end of {partition}")]
    LogEnd {
        partition: Partition,
        #[source]
        cause: Cause,
    },
    #[error("cannot read the log ends")]
    LogEnds(#[source] Cause),
    #[error("cannot commit offsets")]
    Commit(#[source] Cause),
    #[error(
        "another host has joined the group under this one's name (--group-instance) and has its partitions now; give each host a name of its own"
    )]
    Fenced,
    #[error("the reading thread failed on a record that the Kafka client cannot take; its offset is not committed")]
    Panicked,
    #[error("reading from Kafka failed")]
    Read(#[source] Cause),
}

impl ClientError {
    /// The error for a setting that librdkafka does not take, without its value, which may be a password.
    pub fn setting(error: KafkaError) -> Self {
        Self::Setting(without_value(error).into())
    }

    /// What an error of a client that reads the topic means for us.
    pub fn of(cause: KafkaError, brokers: &str, topic: &str) -> Self {
        Cause(cause).classify(brokers, topic)
    }
}

impl Cause {
    /// What it means for us, where a client reads the topic.
    pub fn classify(self, brokers: &str, topic: &str) -> ClientError {
        match self.0.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition,
            ) => ClientError::TopicMissing {
                topic: topic.to_owned(),
            },
            Some(
                RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::Authentication,
            ) => ClientError::Unauthorized {
                what: format!("topic {topic}"),
                cause: self,
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
            ) => ClientError::Unreachable {
                brokers: brokers.to_owned(),
                cause: Some(self),
            },
            _ => ClientError::Read(self),
        }
    }

    /// No later answer will be another one.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self.0.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::GroupAuthorizationFailed
                    | RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::ClusterAuthorizationFailed
                    | RDKafkaErrorCode::SaslAuthenticationFailed
                    | RDKafkaErrorCode::Authentication
            )
        )
    }

    /// Whether the client cannot go on after it.
    pub fn is_fatal(&self) -> bool {
        self.0.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal)
    }

    /// Its code, where it says itself that the client reads nothing more.
    pub(super) fn fatal_code(&self) -> Option<RDKafkaErrorCode> {
        match self.0 {
            KafkaError::MessageConsumptionFatal(code) => Some(code),
            _ => None,
        }
    }
}

/// Removes the value from librdkafka's error about a setting, since it may be a password.
pub(super) fn without_value(error: KafkaError) -> KafkaError {
    match error {
        KafkaError::ClientConfig(kind, message, name, _) => {
            KafkaError::ClientConfig(kind, message, name, "***".to_owned())
        }
        other => other,
    }
}

/// Does work that takes records from a client. librdkafka's Rust side has asserts of its own: a panic of theirs is an error.
pub fn guarded<T, E: From<ClientError>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(ClientError::Panicked.into()))
}
