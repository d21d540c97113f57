//! What travels in the metadata of an offset commit.

use std::sync::Arc;

use rdkafka::TopicPartitionList;
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::TopicPartitionListElem;

use crate::record::commit::Commit;
use crate::record::position::{CommitPoint, Partition};
use crate::record::trail::Metadata;

/// The commits as librdkafka wants them.
pub fn to_list(commits: &[Commit]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(commits.len());
    for commit in commits {
        let mut element = list.add_partition(&commit.partition.topic, commit.partition.number);
        element.set_offset(rdkafka::Offset::Offset(commit.point.0))?;
        let metadata = Metadata {
            base: commit.base,
            trail: commit.trail,
            topic: commit.topic,
        };
        if metadata != Metadata::default() {
            element.set_metadata(metadata.to_string());
        }
    }
    Ok(list)
}

/// What was committed for a partition; `None` where nothing was.
pub fn from_element(partition: &Arc<Partition>, element: &TopicPartitionListElem<'_>) -> Option<Commit> {
    let rdkafka::Offset::Offset(point) = element.offset() else {
        return None;
    };
    // Another program's metadata says nothing to us.
    let Metadata { base, trail, topic } = element.metadata().parse().unwrap_or_default();
    Some(Commit {
        partition: Arc::clone(partition),
        point: CommitPoint(point),
        base,
        trail,
        topic,
    })
}
