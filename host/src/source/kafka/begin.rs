//! Finds where a group begins that has committed nothing: with `latest` at the current log ends, for the whole topic at once.
//!
//! The ends of all partitions are committed in one request before anything is read. From then on the group has begun: a
//! partition without a commit point is one that was added later. Any member reads it from its beginning. Members that join
//! at the same time may each find that nothing is committed. Then the group begins at the later of their moments, which are
//! some milliseconds apart.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::config::Start;
use super::rebalance::{COMMITTED_TIMEOUT, Context};
use crate::kafka::error::Cause;
use crate::kafka::member::Group;
use crate::record::commit::Commit;
use crate::record::position::Partition;
use crate::record::topic_id::TopicId;

/// A partition, and what is committed for it.
type Started = (Arc<Partition>, Option<Commit>);

impl Context {
    /// What is committed for each of these partitions. A group that has committed nothing of the topic yet begins here.
    pub(super) fn starts(
        &self,
        group: &Group<'_, Self>,
        partitions: Vec<Arc<Partition>>,
        id: Option<TopicId>,
    ) -> Result<Vec<Started>, Cause> {
        let committed = self.until_answered(|| group.committed(&partitions, COMMITTED_TIMEOUT))?;
        let mut starts: Vec<_> = partitions.into_iter().zip(committed).collect();
        let has_committed = starts.iter().any(|(_, commit)| commit.is_some());
        let has_begun = self.has_begun.fetch_or(has_committed, Ordering::Relaxed) || has_committed;
        if let Some((first, _)) = starts.first()
            && self.config.start == Start::Latest
            && !has_begun
        {
            let topic = Arc::clone(&first.topic);
            // Asks until there is an answer.
            let mut commits = self.until_answered(|| group.begin_at_ends(&topic, id, COMMITTED_TIMEOUT))?;
            self.has_begun.store(true, Ordering::Relaxed);
            for (partition, start) in &mut starts {
                let place = commits.iter().position(|commit| commit.partition == *partition);
                *start = place.map(|place| commits.swap_remove(place));
            }
        }
        Ok(starts)
    }
}
