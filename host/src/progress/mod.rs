//! How far each partition is settled, and where that is kept: behind a port of its own, since it decides what "exactly once"
//! means. [`kafka`] commits offsets in the group that reads; a file keeps nothing ([`Nowhere`]). A store may keep it in the
//! same transaction as its rows: it implements [`Progress`] beside its sink.

pub mod error;
pub mod kafka;

use std::sync::Arc;

use futures::future::{BoxFuture, ready};

use crate::record::commit::Commit;
use crate::record::position::Partition;
use crate::record::topic_id::TopicId;
use error::ProgressError;

/// Keeps how far partitions are settled.
pub trait Progress: Send + Sync {
    /// Whether a commit has to name the plugins that may write.
    fn naming(&self) -> Naming {
        Naming::Needless
    }

    /// Answers what is kept of each of these partitions, in their order; `None` where nothing is. It is asked at each
    /// assignment, before anything of them is read and after all that was to be kept of them has been answered.
    ///
    /// A store that keeps progress with its rows drops here what it has staged of these partitions and has not kept: those
    /// records come again.
    ///
    /// # Errors
    /// It cannot be read. The pipeline asks again, unless the error says that no later answer will be another one.
    fn restore(&self, of: Vec<AssignedPartition>) -> BoxFuture<'static, Result<Vec<Option<Commit>>, ProgressError>>;

    /// Keeps these commits, at most one for each partition; it is durable when the answer comes. What the sink has
    /// acknowledged of the records before each [`Commit::point`] becomes durable with it or was durable before.
    ///
    /// # Errors
    /// Nothing may be known of them: the pipeline keeps these or later ones again.
    fn keep(&self, commits: Vec<Commit>) -> BoxFuture<'static, Result<(), ProgressError>>;
}

/// A partition that is assigned, and the id of its topic if the source knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignedPartition {
    pub partition: Arc<Partition>,
    pub topic: Option<TopicId>,
}

/// Whether commits have to name the plugins that may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    Needed,
    /// No other plugin continues where this one has stopped.
    Needless,
}

/// Keeps nothing: a run begins at the beginning.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

impl Progress for Nowhere {
    fn restore(&self, of: Vec<AssignedPartition>) -> BoxFuture<'static, Result<Vec<Option<Commit>>, ProgressError>> {
        Box::pin(ready(Ok(vec![None; of.len()])))
    }

    fn keep(&self, _commits: Vec<Commit>) -> BoxFuture<'static, Result<(), ProgressError>> {
        Box::pin(ready(Ok(())))
    }
}
