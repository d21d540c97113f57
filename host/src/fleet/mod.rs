//! Plugins handed to many hosts by a compacted Kafka topic: what was published last under a name is what every host runs
//! that was started with that name. The hosts report on a second topic what they run. Kafka does the distributing; nothing
//! of ours coordinates.

mod follow;
pub mod members;
pub mod published;

use std::fmt;
use std::io;
use std::time::Duration;

use crate::connection::KafkaConnection;
use crate::kafka::admin::{self, AdminError, NewTopic, Topic};
use crate::kafka::error::ClientError;
use crate::kafka::producer::publisher::{PublishError, Publisher};

pub use follow::follow;

/// A component of the size that the admin endpoint takes, and its signature.
pub const COMPONENT_BYTES: &str = "67174400";

/// Everybody reads the whole topic at the start, so what was replaced goes soon.
const PLUGINS: &[(&str, &str)] = &[
    ("cleanup.policy", "compact"),
    ("max.message.bytes", COMPONENT_BYTES),
    ("min.cleanable.dirty.ratio", "0.1"),
    ("segment.ms", "3600000"),
];

/// A member that died leaves its last report: a day later that goes, too. The brokers' clock stamps the reports, so that
/// their age is the same for everybody.
const MEMBERS: &[(&str, &str)] = &[
    ("cleanup.policy", "compact,delete"),
    ("retention.ms", "86400000"),
    ("min.cleanable.dirty.ratio", "0.1"),
    ("segment.ms", "600000"),
    ("message.timestamp.type", "LogAppendTime"),
];

/// The topic of the plugins. The one of the members has its name and `-members`.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub kafka: KafkaConnection,
    pub topic: String,
}

/// Why publications or reports could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    #[error("topic {topic} is not there; `host plugin publish FILE --topic {of}` makes it")]
    NoTopic {
        topic: String,
        /// The topic of the plugins.
        of: String,
    },
    #[error("topic {topic} holds no plugin {name}; {}", others(.published))]
    NotPublished {
        topic: String,
        name: String,
        published: Vec<String>,
    },
    #[error(
        "topic {topic} takes no component of {bytes} bytes; raise its max.message.bytes (`host plugin publish` makes it \
         with {COMPONENT_BYTES})"
    )]
    TooLarge { topic: String, bytes: usize },
    #[error("cannot write to topic {topic}")]
    Write {
        topic: String,
        #[source]
        cause: Box<PublishError>,
    },
    #[error("cannot start the reading thread")]
    NoThread(#[source] io::Error),
    #[error(transparent)]
    Client(Box<ClientError>),
    #[error(transparent)]
    Admin(Box<AdminError>),
}

impl From<ClientError> for FleetError {
    fn from(error: ClientError) -> Self {
        Self::Client(Box::new(error))
    }
}

impl From<AdminError> for FleetError {
    fn from(error: AdminError) -> Self {
        Self::Admin(Box::new(error))
    }
}

fn others(published: &[String]) -> String {
    if published.is_empty() {
        "nothing was published there yet (`host plugin publish FILE`)".to_owned()
    } else {
        format!("published there: {}", published.join(", "))
    }
}

impl FleetError {
    /// Whether the brokers are out of reach, rather than set up wrongly.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Client(error) => matches!(**error, ClientError::Unreachable { .. }),
            Self::Admin(error) => error.is_unreachable(),
            Self::NoTopic { .. }
            | Self::NotPublished { .. }
            | Self::TooLarge { .. }
            | Self::Write { .. }
            | Self::NoThread(_) => false,
        }
    }
}

impl Fleet {
    /// The topic of the members' reports: the plugins' topic with `-members` behind it.
    pub fn members_topic(&self) -> String {
        format!("{}-members", self.topic)
    }

    /// Creates the two topics where they are not there; the names of those that were created.
    pub async fn create_topics(&self) -> Result<Vec<String>, FleetError> {
        let topics = [(self.topic.clone(), PLUGINS), (self.members_topic(), MEMBERS)];
        let owned = |(key, value): &(&'static str, &str)| (*key, (*value).to_owned());
        let wanted = topics.map(|(name, config)| NewTopic {
            name,
            partitions: 1,
            config: config.iter().map(owned).collect(),
        });
        let answers = admin::create_topics(&self.kafka, &wanted).await?;
        let created = wanted
            .into_iter()
            .zip(answers)
            .filter_map(|(topic, answer)| match answer {
                Topic::Created { .. } => Some(topic.name),
                Topic::Existed { .. } => None,
            });
        Ok(created.collect())
    }

    /// For writing to either topic.
    fn publisher(&self, delivery_timeout: Duration) -> Result<Publisher, ClientError> {
        Publisher::new(&self.kafka, COMPONENT_BYTES, delivery_timeout)
    }

    /// [`ClientError`] speaks of a topic of records.
    fn client_error(&self, error: ClientError) -> FleetError {
        match error {
            ClientError::TopicMissing { topic } => self.no_topic(topic),
            other => other.into(),
        }
    }

    fn no_topic(&self, topic: String) -> FleetError {
        FleetError::NoTopic {
            topic,
            of: self.topic.clone(),
        }
    }

    fn write_error(&self, topic: &str, bytes: usize, error: PublishError) -> FleetError {
        let topic = topic.to_owned();
        match error {
            PublishError::TooLarge => FleetError::TooLarge { topic, bytes },
            PublishError::NotWritten(_) => FleetError::Write {
                topic,
                cause: Box::new(error),
            },
            PublishError::Client(error) => self.client_error(error),
        }
    }
}

/// `kafka://127.0.0.1:9092/host-plugins`
impl fmt::Display for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kafka://{}/{}", self.kafka.brokers, self.topic)
    }
}
