//! What is kept of a partition when everything before a point is settled.

use std::sync::Arc;

use super::position::{CommitPoint, Partition, WriteTime};
use super::topic_id::TopicId;
use super::trail::Trail;

/// A commit point, with what travels in the commit's metadata: the base of the write timestamps before it, and which
/// plugin the records went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub partition: Arc<Partition>,
    pub point: CommitPoint,
    /// The base of the last record before `point`; `None` where nothing was read yet.
    pub base: Option<WriteTime>,
    pub trail: Trail,
    /// The topic that `point` is of.
    pub topic: Option<TopicId>,
}
