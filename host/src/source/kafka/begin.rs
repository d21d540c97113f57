//! Where a group begins that has committed nothing: with `latest`, at the log ends of the moment, for the whole topic at once.
//!
//! The ends of all partitions are committed in one request before anything is read. From then on the group has begun: a
//! partition without a commit point is one that was added later, and is read from its beginning, whoever is assigned it and
//! whenever. Members that join at the same time may each find that nothing is committed; then the later of two moments some
//! milliseconds apart is where the group begins.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;

use super::config::Start;
use super::metadata;
use super::rebalance::{COMMITTED_TIMEOUT, Context, commit, committed_once};
use crate::record::position::Partition;
use crate::record::topic_id::TopicId;
use crate::source::Commit;

impl Context {
    /// What is committed for each of these partitions. A group that has committed nothing of the topic yet begins here.
    pub(super) fn starts(
        &self,
        consumer: &BaseConsumer<Self>,
        list: &TopicPartitionList,
        id: Option<TopicId>,
    ) -> KafkaResult<Vec<(Arc<Partition>, Option<Commit>)>> {
        let answer = self.committed(consumer, list)?;
        let mut starts: Vec<_> = answer
            .elements()
            .iter()
            .map(|element| {
                let partition = Arc::new(Partition {
                    topic: element.topic().into(),
                    number: element.partition(),
                });
                let commit = metadata::from_element(&partition, element);
                (partition, commit)
            })
            .collect();
        let has_committed = starts.iter().any(|(_, commit)| commit.is_some());
        let has_begun = self.has_begun.fetch_or(has_committed, Ordering::Relaxed) || has_committed;
        if let Some((first, _)) = starts.first()
            && self.config.start == Start::Latest
            && !has_begun
        {
            let mut commits = self.begin_at_ends(consumer, &first.topic, id)?;
            self.has_begun.store(true, Ordering::Relaxed);
            for (partition, start) in &mut starts {
                let place = commits.iter().position(|commit| commit.partition == *partition);
                *start = place.map(|place| commits.swap_remove(place));
            }
        }
        Ok(starts)
    }

    /// What the group has committed of the whole topic; where that is nothing, it is the log ends from now on. Asks until there
    /// is an answer.
    fn begin_at_ends(
        &self,
        consumer: &BaseConsumer<Self>,
        topic: &str,
        id: Option<TopicId>,
    ) -> KafkaResult<Vec<Commit>> {
        self.until_answered(|| once(consumer, topic, id))
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

fn once(consumer: &BaseConsumer<Context>, topic: &str, id: Option<TopicId>) -> KafkaResult<Vec<Commit>> {
    let found = consumer.fetch_metadata(Some(topic), COMMITTED_TIMEOUT)?;
    let partitions = found
        .topics()
        .iter()
        .flat_map(rdkafka::metadata::MetadataTopic::partitions);
    let mut all = TopicPartitionList::new();
    for partition in partitions {
        all.add_partition_offset(topic, partition.id(), rdkafka::Offset::End)?;
    }
    let ends = consumer.offsets_for_times(all.clone(), COMMITTED_TIMEOUT)?;
    ends.elements().iter().try_for_each(TopicPartitionListElem::error)?;
    // Asked last, so that little time passes until the commit.
    let committed = commits(&committed_once(consumer, &all)?);
    if !committed.is_empty() {
        return Ok(committed);
    }
    let mut begin = commits(&ends);
    for end in &mut begin {
        end.topic = id;
    }
    match commit(consumer, &begin) {
        // It is a member no more: nothing that it reads now is committed, and whoever is assigned next begins the group.
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
