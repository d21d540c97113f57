//! Where records come from: what every source tells the pipeline, and what the pipeline may ask of it.
//!
//! A source reads on a thread of its own and sends [`Event`]s. It never waits for the pipeline except where it must:
//! a partition whose [`Gauge`] is full is not read any further, and a revocation is answered only when the pipeline
//! has drained. Commits go back through [`Control`].

pub mod error;
pub mod file;
pub mod gauge;
pub mod kafka;
pub mod letters;
mod lines;

use std::ops::Range;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::record::Record;
use crate::record::commit::Commit;
use crate::record::position::{CommitPoint, Partition};
use crate::record::topic_id::TopicId;
use error::SourceError;
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
    /// Another topic has the name now, and of this partition no more records of the one before come. The answer, once
    /// what was sent is settled, is what the new one goes on with; an [`Event::Assigned`] begins it.
    Remade {
        partition: Arc<Partition>,
        answer: oneshot::Sender<Commit>,
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
    /// Lines of a file that are not valid rows: too few fields, or not UTF-8.
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
    /// The topic that is read, where the source can tell it from another one of its name.
    pub topic: Option<TopicId>,
    pub gauge: Arc<Gauge>,
}

/// How far a source reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The log ends seen at the start.
    End,
    Stopped,
}

/// Whether the commits of a source have to name the plugins that may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    Needed,
    /// No other plugin continues where this one has stopped.
    Needless,
}

/// A source that runs: its events and the way to talk to it.
pub struct Running {
    pub events: mpsc::UnboundedReceiver<Event>,
    pub control: Arc<dyn Control>,
}

/// Where logs end, by partition; one that did not answer is left out.
pub type LogEnds = Vec<(Arc<Partition>, CommitPoint)>;

/// What the pipeline asks of a running source.
pub trait Control: Send + Sync {
    /// Sends no more records, but stays a member and goes on answering the brokers.
    fn quiet(&self);
    /// Commits; the answer comes when the broker has it.
    fn commit(&self, commits: Vec<Commit>) -> BoxFuture<'static, Result<(), SourceError>>;
    /// Whether other processes read its partitions too, so that a commit has to name who may write their rows.
    fn naming(&self) -> Naming {
        Naming::Needless
    }
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
