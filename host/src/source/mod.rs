//! Where records come from: what every source tells the pipeline, and what the pipeline may ask of it.
//!
//! A source reads on a thread of its own and sends [`Event`]s. It never waits for the pipeline except where it must:
//! a partition whose [`Gauge`] is full is not read any further, and a revocation is answered only when the pipeline
//! has drained. Where reading begins and how far everything is settled is the matter of [`Progress`].

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
    /// No record stands between what was sent of the partition and `to`, as after the last transaction of a log.
    Passed {
        partition: Arc<Partition>,
        /// Behind the last record that was sent, or where reading began; `None` where that is the log's beginning.
        from: Option<CommitPoint>,
        to: CommitPoint,
    },
    /// These offsets were deleted before they were read.
    Deleted {
        partition: Arc<Partition>,
        offsets: Range<i64>,
    },
    /// Another topic has the name now, and of this partition no more records of the one before come. The answer comes
    /// once what was sent is settled; then the new topic is read from its beginning.
    Remade {
        successor: Assignment,
        settled: oneshot::Sender<()>,
    },
    /// These partitions go to another member. The answer comes once they are drained and their progress is kept; nothing
    /// may be written or kept for them after it.
    Revoked {
        partitions: Vec<Arc<Partition>>,
        answer: oneshot::Sender<()>,
    },
    /// These partitions went to another member already: stop at once, keep nothing.
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
    /// The topic that is read, where the source can tell it from another one of its name.
    pub topic: Option<TopicId>,
    pub gauge: Arc<Gauge>,
}

/// Where reading of a partition begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadFrom {
    /// `None` is the partition's beginning.
    pub point: Option<CommitPoint>,
    /// The topic that it was assigned with, or else the one that was read before.
    pub topic: Option<TopicId>,
}

impl ReadFrom {
    /// A partition's beginning, of a topic that is not told from others.
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

/// A source that runs: its events, the way to talk to it, and where it keeps how far it was read. A store that keeps this
/// with its rows takes the place of the latter.
pub struct Running {
    pub events: mpsc::UnboundedReceiver<Event>,
    pub control: Arc<dyn Control>,
    pub progress: Arc<dyn Progress>,
}

/// Where logs end, by partition; one that did not answer is left out.
pub type LogEnds = Vec<(Arc<Partition>, CommitPoint)>;

/// What the pipeline asks of a running source.
pub trait Control: Send + Sync {
    /// Sends no more records, but stays a member and goes on answering the brokers.
    fn quiet(&self);
    /// Where the partition's log ends now: no other member has read any further. A source without other members need
    /// not know.
    fn log_end(&self, _partition: Arc<Partition>) -> BoxFuture<'static, Result<CommitPoint, SourceError>> {
        Box::pin(std::future::ready(Ok(CommitPoint(i64::MAX))))
    }
    /// Where these partitions' logs end now, in one question to each of their leaders. A source that does not know says
    /// nothing.
    fn log_ends(&self, _partitions: Vec<Arc<Partition>>) -> BoxFuture<'static, Result<LogEnds, SourceError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
    /// Leaves the group and ends the thread; the answer comes when it has ended.
    fn close(&self) -> BoxFuture<'static, ()>;
}
