//! Questions of a consumer about offsets, and commits of a group.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

use super::metadata;
use crate::record::commit::Commit;
use crate::record::position::{CommitPoint, Partition};

/// What the group has committed for these partitions, as librdkafka says it.
pub fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    wanted: TopicPartitionList,
    timeout: Duration,
) -> KafkaResult<TopicPartitionList> {
    let answer = consumer.committed_offsets(wanted, timeout)?;
    // An error is no "nothing committed".
    answer.elements().iter().try_for_each(TopicPartitionListElem::error)?;
    Ok(answer)
}

/// What the group has committed for each of these partitions.
pub fn commits_of<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &[Arc<Partition>],
    timeout: Duration,
) -> KafkaResult<Vec<Option<Commit>>> {
    let mut wanted = TopicPartitionList::new();
    for partition in partitions {
        wanted.add_partition(&partition.topic, partition.number);
    }
    let answer = committed(consumer, wanted, timeout)?;
    let commit_of = |partition: &Arc<Partition>| {
        let element = answer.find_partition(&partition.topic, partition.number)?;
        metadata::from_element(partition, &element)
    };
    Ok(partitions.iter().map(commit_of).collect())
}

/// Commits; the brokers have it when this returns.
pub fn commit<C: ConsumerContext>(consumer: &BaseConsumer<C>, commits: &[Commit]) -> KafkaResult<()> {
    consumer.commit(&metadata::to_list(commits)?, CommitMode::Sync)
}

/// The log ends that a reader of committed records sees. Asked of the brokers, since what librdkafka knows by itself (its
/// cached watermarks, its statistics) comes with fetched records and stands still while a partition is full. One that did not
/// answer is left out.
pub fn log_ends<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &[Arc<Partition>],
    timeout: Duration,
) -> KafkaResult<Vec<(Arc<Partition>, CommitPoint)>> {
    let mut wanted = TopicPartitionList::new();
    for partition in partitions {
        // In this question the end stands where another timestamp could.
        wanted.add_partition_offset(&partition.topic, partition.number, Offset::End)?;
    }
    let answer = consumer.offsets_for_times(wanted, timeout)?;
    let end_of = |partition: &Arc<Partition>| {
        let element = answer.find_partition(&partition.topic, partition.number)?;
        element.error().ok()?;
        element.offset().to_raw().filter(|end| *end >= 0).map(CommitPoint)
    };
    Ok(partitions
        .iter()
        .filter_map(|partition| Some((Arc::clone(partition), end_of(partition)?)))
        .collect())
}
