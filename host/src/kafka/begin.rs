//! Begins a group at the log ends of the moment, for the whole topic at once.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;

use super::metadata;
use super::offsets::committed;
use crate::record::commit::Commit;
use crate::record::position::Partition;
use crate::record::topic_id::TopicId;

/// What the group has committed of the whole topic; where that is nothing, it is the log ends from now on. `commit`
/// commits them.
pub fn begin_at_ends<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    id: Option<TopicId>,
    timeout: Duration,
    commit: impl FnOnce(&[Commit]) -> KafkaResult<()>,
) -> KafkaResult<Vec<Commit>> {
    let found = consumer.fetch_metadata(Some(topic), timeout)?;
    let partitions = found
        .topics()
        .iter()
        .flat_map(rdkafka::metadata::MetadataTopic::partitions);
    let mut all = TopicPartitionList::new();
    let mut wanted = TopicPartitionList::new();
    for partition in partitions {
        all.add_partition_offset(topic, partition.id(), rdkafka::Offset::End)?;
        wanted.add_partition(topic, partition.id());
    }
    let ends = consumer.offsets_for_times(all, timeout)?;
    ends.elements().iter().try_for_each(TopicPartitionListElem::error)?;
    // Asked last, so that little time passes until the commit.
    let already = commits(&committed(consumer, wanted, timeout)?);
    if !already.is_empty() {
        return Ok(already);
    }
    let mut begin = commits(&ends);
    for end in &mut begin {
        end.topic = id;
    }
    match commit(&begin) {
        // It is not a member any more: nothing that it reads now is committed, and the next member begins the group.
        Err(KafkaError::ConsumerCommit(
            code @ (RDKafkaErrorCode::UnknownMemberId
            | RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::RebalanceInProgress),
        )) => {
            tracing::warn!(error = %code, "cannot commit the log ends, the assignment is over already");
            Ok(begin)
        }
        committed => committed.map(|()| begin),
    }
}

/// One for each partition that has an offset.
fn commits(list: &TopicPartitionList) -> Vec<Commit> {
    let elements = list.elements();
    let commits = elements.iter().filter_map(|element| {
        let partition = Arc::new(Partition {
            topic: element.topic().into(),
            number: element.partition(),
        });
        metadata::from_element(&partition, element)
    });
    commits.collect()
}
