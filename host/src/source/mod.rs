//! Where records come from: what every source tells the pipeline, and what the pipeline may ask of it.
//!
//! A source reads on a thread of its own and sends [`Event`]s. It never waits for the pipeline except where it must:
//! a partition whose [`Gauge`] is full is not read any further, and a revocation is answered only when the pipeline
//! has drained. Commits go back through [`Control`].

pub mod file;
pub mod gauge;
pub mod kafka;
pub mod kafka_admin;

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::record::Record;
use crate::record::position::{CommitPoint, Partition, WriteTime};
use gauge::Gauge;

/// What happens at the source, in order.
#[derive(Debug)]
pub enum Event {
    Assigned(Vec<Assignment>),
    /// Records of one partition, in the order of their offsets.
    Records {
        partition: Arc<Partition>,
        records: Vec<Record>,
    },
    /// Asked to read to the end: everything up to the log end seen at the start has been sent.
    End {
        partition: Arc<Partition>,
    },
    /// These partitions go to another member. The answer, once they are drained, is what to commit for them; nothing
    /// may be written for them after it.
    Revoked {
        partitions: Vec<Arc<Partition>>,
        answer: oneshot::Sender<Vec<Commit>>,
    },
    /// These partitions went to another member already: stop at once, commit nothing.
    Lost {
        partitions: Vec<Arc<Partition>>,
    },
    /// Rows of a file that are no rows: too few fields, no UTF-8.
    Skipped {
        rows: u64,
    },
    /// The source cannot read at the moment and tries again by itself.
    Waiting(SourceError),
    /// The source can read again.
    Recovered,
    /// The source has stopped for good.
    Failed(SourceError),
}

/// A partition that this process reads from now on.
#[derive(Debug)]
pub struct Assignment {
    pub partition: Arc<Partition>,
    /// What was committed for it, if anything was.
    pub committed: Option<Commit>,
    pub gauge: Arc<Gauge>,
}

/// A commit point together with the base of the write timestamps before it, which travels in the commit's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub partition: Arc<Partition>,
    pub point: CommitPoint,
    /// The base of the last record before `point`; `None` where nothing was read yet.
    pub base: Option<WriteTime>,
}

/// How far a source reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The log ends seen at the start.
    End,
    Stopped,
}

/// A source that runs: its events and the way to talk to it.
pub struct Running {
    pub events: mpsc::UnboundedReceiver<Event>,
    pub control: Arc<dyn Control>,
}

/// What the pipeline asks of a running source.
pub trait Control: Send + Sync {
    /// Sends no more records, but stays a member and goes on answering the brokers.
    fn quiet(&self);
    /// Commits; the answer comes when the broker has it.
    fn commit(&self, commits: Vec<Commit>) -> BoxFuture<'static, Result<(), SourceError>>;
    /// Leaves the group and ends the thread; the answer comes when it has ended.
    fn close(&self) -> BoxFuture<'static, ()>;
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("no broker of {brokers} answers; is Kafka running there? (`--from kafka://HOST:PORT/TOPIC` names another)")]
    Unreachable {
        brokers: String,
        #[source]
        cause: Option<rdkafka::error::KafkaError>,
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
        cause: rdkafka::error::KafkaError,
    },
    #[error("a Kafka setting is not accepted")]
    Setting(#[source] rdkafka::error::KafkaError),
    #[error("cannot read the offsets committed by the group")]
    Committed(#[source] rdkafka::error::KafkaError),
    #[error("cannot start the reading thread")]
    Thread {
        #[source]
        cause: std::io::Error,
    },
    #[error("cannot commit offsets")]
    Commit(#[source] rdkafka::error::KafkaError),
    #[error("the brokers did not answer the commit in time")]
    CommitTimedOut,
    #[error("the commit was aborted")]
    CommitAborted {
        #[source]
        cause: tokio::task::JoinError,
    },
    #[error("the reading thread failed on a record that the Kafka client cannot take; its offset is not committed")]
    Panicked,
    #[error("reading from Kafka failed")]
    Read(#[source] rdkafka::error::KafkaError),
    #[error(transparent)]
    File(#[from] crate::csv_file::InputError),
}
