//! Where records come from: what every source tells the pipeline, and what the pipeline may ask of it.
//!
//! A source reads on a thread of its own and sends [`Event`]s. It never waits for the pipeline except where it must:
//! a partition whose [`Gauge`] is full is not read any further, and a revocation is answered only when the pipeline
//! has drained. [`Progress`] knows where reading begins and how far everything is settled.

pub mod bounds;
pub mod error;
pub mod file;
pub mod gauge;
pub mod kafka;
pub mod letters;
mod lines;
pub mod nature;

use std::ops::Range;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::progress::Progress;
use crate::record::Record;
use crate::record::position::{CommitPoint, Partition};
use crate::record::topic_id::TopicId;
use error::SourceError;
use gauge::Gauge;

/// What happens at the source, in order.
#[derive(Debug)]
pub enum Event {
    /// These partitions are read from now on. Nothing of them comes before the answer, which says for each, in their
    /// order, where reading begins.
    Assigned {
        assignments: Vec<Assignment>,
        starts: oneshot::Sender<Vec<ReadFrom>>,
    },
    /// Records of one partition, in the order of their offsets.
    Records {
        partition: Arc<Partition>,
        records: Vec<Record>,
    },
    /// Asked to read to the end: everything up to the log end seen at the start has been sent.
    End { partition: Arc<Partition> },
    /// There is no record between the last one that was sent of the partition and `to`, as after the last transaction
    /// of a log.
    Passed {
        partition: Arc<Partition>,
        /// The offset after the last record that was sent, or else the one at which reading began. `None` means that it
        /// began at the log's beginning.
        from: Option<CommitPoint>,
        to: CommitPoint,
    },
    /// These offsets were deleted before they were read.
    Deleted {
        partition: Arc<Partition>,
        offsets: Range<i64>,
    },
    /// The topic was deleted and recreated under its name. No more records of the old one come for this partition. The
    /// pipeline answers once everything that was sent is settled, and then the new topic is read from its beginning.
    Remade {
        successor: Assignment,
        settled: oneshot::Sender<()>,
    },
    /// These partitions are about to go to another member. The pipeline answers once they are drained and their
    /// progress is kept. After its answer, nothing may be written or kept for them.
    Revoked {
        partitions: Vec<Arc<Partition>>,
        answer: oneshot::Sender<()>,
    },
    /// These partitions belong to another member already. The pipeline stops at once and keeps nothing for them.
    Lost { partitions: Vec<Arc<Partition>> },
    /// Lines of a file that are not valid rows: too few fields, or not UTF-8.
    Skipped { rows: u64 },
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
    /// The id of the topic that is read, if the source knows it.
    pub topic: Option<TopicId>,
    pub gauge: Arc<Gauge>,
}

/// Where reading of a partition begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadFrom {
    /// `None` means the partition's beginning.
    pub point: Option<CommitPoint>,
    /// The topic that it was assigned with, or else the one that was read before.
    pub topic: Option<TopicId>,
}

impl ReadFrom {
    /// The beginning of a partition whose topic has no known id.
    pub const BEGINNING: Self = Self {
        point: None,
        topic: None,
    };
}

/// How far a source reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The log ends seen at the start.
    End,
    Stopped,
}

/// A source that runs: its events, the way to ask it, and where its progress is kept. A store that keeps the progress
/// with its rows takes the place of `progress`.
pub struct Running {
    pub events: mpsc::UnboundedReceiver<Event>,
    pub control: Arc<dyn Control>,
    pub progress: Arc<dyn Progress>,
}

/// The log ends, by partition. A partition whose leader did not answer is missing.
pub type LogEnds = Vec<(Arc<Partition>, CommitPoint)>;

/// What the pipeline asks of a running source.
pub trait Control: Send + Sync {
    /// Sends no more records, but stays a member and goes on answering the brokers.
    fn quiet(&self);
    /// Returns where the partition's log ends now. No other member can have read any further. A source that shares its
    /// partitions with no other member need not know.
    fn log_end(&self, _partition: Arc<Partition>) -> BoxFuture<'static, Result<CommitPoint, SourceError>> {
        Box::pin(std::future::ready(Ok(CommitPoint(i64::MAX))))
    }
    /// Returns where the logs of these partitions end now, with one request to each leader. A source that does not know
    /// returns nothing.
    fn log_ends(&self, _partitions: Vec<Arc<Partition>>) -> BoxFuture<'static, Result<LogEnds, SourceError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
    /// Leaves the group and ends the thread. Completes when the thread has ended.
    fn close(&self) -> BoxFuture<'static, ()>;
}
