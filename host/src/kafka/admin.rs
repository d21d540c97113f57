//! What is asked of a Kafka cluster beside its records: which topics are there, and that some be created.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic as Request, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataPartition;

use super::client::{Purpose, client_config};
use super::error::{Cause, without_value};
use super::producer::limits::{self, SettingsAnswer};
use crate::connection::KafkaConnection;

/// How long the brokers may take for an answer: enough for a cluster that elects a leader meanwhile, short enough for
/// a person who waits for the answer that the address is wrong.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Copies of each record that a topic should have: acks=all then goes on with one broker down.
const WANTED_REPLICAS: usize = 3;

/// How many of them have to be there for a record to be acknowledged.
pub const MIN_IN_SYNC: &str = "min.insync.replicas";

/// What [`MIN_IN_SYNC`] is in new topics of [`WANTED_REPLICAS`].
pub const IN_SYNC: &str = "2";

/// A topic to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    pub name: String,
    pub partitions: u16,
    /// Where the topic is to differ from the brokers' defaults.
    pub config: Vec<(&'static str, String)>,
}

/// What became of a topic that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    Created { replicas: usize },
    Existed { partitions: usize },
}

/// Why the brokers could not be asked about topics, or refused to create or change one.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(
        "Kafka does not answer at {brokers} (`make up` starts one here, --from kafka://BROKERS/TOPIC names others)"
    )]
    Unreachable {
        brokers: String,
        #[source]
        cause: Option<RDKafkaErrorCode>,
    },
    #[error("the settings of Kafka cannot be used")]
    Settings(#[source] Cause),
    #[error("Kafka does not create topic {topic}")]
    Refused {
        topic: String,
        #[source]
        cause: RDKafkaErrorCode,
    },
}

impl AdminError {
    /// Whether the service is out of reach (exit code 3), rather than set up wrongly (2) or unwilling (1).
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// The cluster's topics, with the number of partitions of each, and its brokers.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub topics: BTreeMap<String, usize>,
    /// By topic: replicas of the partition that has the fewest.
    pub replicas: BTreeMap<String, usize>,
    pub brokers: usize,
}

/// Reads the names of all topics. A topic is not asked for by its name, since that makes brokers create it.
pub async fn cluster(connection: &KafkaConnection) -> Result<Cluster, AdminError> {
    let client = client(connection)?;
    let brokers = connection.brokers.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let metadata = client.inner().fetch_metadata(None, TIMEOUT)?;
        let topics = || metadata.topics().iter();
        let fewest = |partitions: &[MetadataPartition]| partitions.iter().map(|one| one.replicas().len()).min();
        Ok(Cluster {
            topics: topics()
                .map(|topic| (topic.name().to_owned(), topic.partitions().len()))
                .collect(),
            replicas: topics()
                .filter_map(|topic| Some((topic.name().to_owned(), fewest(topic.partitions())?)))
                .collect(),
            brokers: metadata.brokers().len(),
        })
    });
    // The closure does not panic, and nothing cancels it.
    let answer = answer.await.unwrap_or(Err(KafkaError::Canceled));
    answer.map_err(|error| AdminError::Unreachable {
        brokers,
        cause: error.rdkafka_error_code(),
    })
}

/// Whether the brokers have a topic of this name. Fails if they do not answer.
pub async fn topic_exists(connection: &KafkaConnection, topic: &str) -> Result<bool, AdminError> {
    Ok(cluster(connection).await?.topics.contains_key(topic))
}

/// The number of partitions of a topic, `None` where it is not there.
pub async fn partitions(connection: &KafkaConnection, topic: &str) -> Result<Option<usize>, AdminError> {
    Ok(cluster(connection).await?.topics.get(topic).copied())
}

/// Creates those topics that are not there, with three replicas or as many as there are brokers. One answer for each,
/// in order.
pub async fn create_topics(connection: &KafkaConnection, topics: &[NewTopic]) -> Result<Vec<Topic>, AdminError> {
    let cluster = cluster(connection).await?;
    let client = client(connection)?;
    let replicas = cluster.brokers.clamp(1, WANTED_REPLICAS);
    let mut answers = Vec::with_capacity(topics.len());
    for topic in topics {
        answers.push(match cluster.topics.get(&topic.name) {
            Some(partitions) => Topic::Existed {
                partitions: *partitions,
            },
            None => create(&client, connection, topic, replicas).await?,
        });
    }
    Ok(answers)
}

async fn create(
    client: &AdminClient<DefaultClientContext>,
    connection: &KafkaConnection,
    topic: &NewTopic,
    replicas: usize,
) -> Result<Topic, AdminError> {
    // At most WANTED_REPLICAS, so it fits.
    let replication = TopicReplication::Fixed(i32::try_from(replicas).unwrap_or(1));
    let mut request = Request::new(&topic.name, topic.partitions.into(), replication);
    let mut config: Vec<_> = topic.config.iter().map(|(key, value)| (*key, value.as_str())).collect();
    // A letter or row that is acknowledged is on two brokers, and one may be away.
    if replicas == WANTED_REPLICAS && !config.iter().any(|(key, _)| *key == MIN_IN_SYNC) {
        config.push((MIN_IN_SYNC, IN_SYNC));
    }
    for (key, value) in config {
        request = request.set(key, value);
    }
    let options = AdminOptions::new()
        .request_timeout(Some(TIMEOUT))
        .operation_timeout(Some(TIMEOUT));
    let answers = client.create_topics([&request], &options).await;
    let answers = answers.map_err(|error| AdminError::Unreachable {
        brokers: connection.brokers.clone(),
        cause: error.rdkafka_error_code(),
    })?;
    match answers.into_iter().next() {
        // Another process was faster.
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(Topic::Existed {
            partitions: topic.partitions.into(),
        }),
        Some(Err((topic, cause))) => Err(AdminError::Refused { topic, cause }),
        Some(Ok(_)) | None => Ok(Topic::Created { replicas }),
    }
}

/// What the brokers say of these topics' settings: one answer for each, in order.
pub async fn settings(connection: &KafkaConnection, topics: &[&str]) -> Result<Vec<SettingsAnswer>, AdminError> {
    let answers = limits::settings(connection, topics).await;
    answers.map_err(|error| AdminError::Unreachable {
        brokers: connection.brokers.clone(),
        cause: error.rdkafka_error_code(),
    })
}

fn client(connection: &KafkaConnection) -> Result<AdminClient<DefaultClientContext>, AdminError> {
    client_config(connection, Purpose::Admin)
        .create()
        .map_err(|error| AdminError::Settings(without_value(error).into()))
}
