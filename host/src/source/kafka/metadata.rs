//! What travels in the metadata of an offset commit: the base of the write timestamps before it.

use rdkafka::TopicPartitionList;
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::TopicPartitionListElem;

use crate::record::position::{CommitPoint, Partition, WriteTime};
use crate::source::Commit;

use std::sync::Arc;

/// `host/1 base=MICROS`: a name and version first, so that another program's metadata is never taken for ours.
const PREFIX: &str = "host/1 base=";

/// The commits as librdkafka wants them.
pub fn to_list(commits: &[Commit]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(commits.len());
    for commit in commits {
        let mut element = list.add_partition(&commit.partition.topic, commit.partition.number);
        element.set_offset(rdkafka::Offset::Offset(commit.point.0))?;
        if let Some(base) = commit.base {
            element.set_metadata(format(base));
        }
    }
    Ok(list)
}

/// What was committed for a partition; `None` where nothing was.
pub fn from_element(partition: &Arc<Partition>, element: &TopicPartitionListElem<'_>) -> Option<Commit> {
    let rdkafka::Offset::Offset(point) = element.offset() else {
        return None;
    };
    Some(Commit {
        partition: Arc::clone(partition),
        point: CommitPoint(point),
        base: parse(element.metadata()),
    })
}

fn format(base: WriteTime) -> String {
    format!("{PREFIX}{}", base.0)
}

fn parse(metadata: &str) -> Option<WriteTime> {
    metadata.strip_prefix(PREFIX)?.parse().ok().map(WriteTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_its_own_metadata_and_nobody_elses() {
        assert_eq!(
            parse(&format(WriteTime(1_538_000_000_000_016))),
            Some(WriteTime(1_538_000_000_000_016))
        );
        for foreign in ["", "base=5", "host/2 base=5", "host/1 base=", "host/1 base=x"] {
            assert_eq!(parse(foreign), None, "{foreign:?}");
        }
    }
}
