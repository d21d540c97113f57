//! Keeps each rejected record with its reason where an operator can look at it and replay it.

pub mod file;
pub mod form;
mod headers;
pub mod topic;

use std::error::Error;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::record::Record;
use crate::record::descriptor::PluginIdentity;
use crate::record::position::WriteTime;
use crate::record::reject::Reject;

/// A rejected record: its key, value, headers and timestamp byte for byte, and why it was rejected.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    pub record: Record,
    pub reject: Reject,
    pub plugin: PluginIdentity,
    /// How often the record was tried, counted from 1.
    pub attempt: u32,
    /// The write timestamp that its rows would have had.
    pub write_time: WriteTime,
    /// The generation within `write_time`.
    pub generation: u8,
    /// How often the record has been replayed.
    pub replays: u32,
    /// When it was rejected, in milliseconds since 1970.
    pub rejected_at_ms: i64,
}

/// Where dead letters go.
pub trait DeadLetters: Send + Sync {
    /// Publishes the letters. Gives one result for each, in order, once it is acknowledged (Kafka) or on disk (file).
    fn publish<'a>(&'a self, letters: &'a [DeadLetter]) -> BoxFuture<'a, Vec<Result<(), DeadLetterError>>>;
}

/// Why a dead letter was not acknowledged. It is tried again for ever, since a record must not be lost.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeadLetterError {
    #[error("the dead-letter topic {topic} did not take the record")]
    Topic {
        topic: String,
        #[source]
        cause: Cause,
    },
    #[error(
        "the dead-letter topic {topic} takes neither the record nor a letter that says where it is; {}",
        remedy(.brokers, .topic, &format!("max.message.bytes={bytes}"))
    )]
    TooLarge {
        topic: String,
        brokers: String,
        /// Size of the whole letter in the topic.
        bytes: usize,
        #[source]
        cause: Cause,
    },
    #[error(
        "the dead-letter topic {topic} takes no letter without a key, since it is compacted; {}",
        remedy(.brokers, .topic, "cleanup.policy=delete")
    )]
    Compacted {
        topic: String,
        brokers: String,
        #[source]
        cause: Cause,
    },
    #[error("the brokers call the letter invalid for the dead-letter topic {topic}; look at the topic's settings")]
    Refused {
        topic: String,
        #[source]
        cause: Cause,
    },
    #[error(
        "the dead-letter topic {topic} does not take this host's time; set the clocks of host and brokers, or the topic's \
         message.timestamp.before.max.ms and message.timestamp.after.max.ms"
    )]
    Time {
        topic: String,
        #[source]
        cause: Cause,
    },
    #[error("the dead-letter topic {topic} is not there any more; `host setup` creates it")]
    TopicGone {
        topic: String,
        #[source]
        cause: Cause,
    },
    #[error("the brokers refuse to write to the dead-letter topic {topic}; check the login and the ACLs")]
    Unauthorized {
        topic: String,
        #[source]
        cause: Cause,
    },
    #[error("the dead-letter file {path} cannot be written")]
    File {
        path: String,
        #[source]
        cause: Cause,
    },
}

/// The command that gives a topic this setting.
fn remedy(brokers: &str, topic: &str, setting: &str) -> String {
    format!("kafka-configs --bootstrap-server {brokers} --alter --topic {topic} --add-config {setting}")
}

/// The cause of a [`DeadLetterError`], which several letters may share.
pub type Cause = Arc<dyn Error + Send + Sync>;
