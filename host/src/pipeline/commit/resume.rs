//! Where a partition goes on that is assigned: by what is kept of it, what this process remembers of it, and whether it is
//! still of the same topic.

use crate::record::commit::Commit;
use crate::record::position::CommitPoint;
use crate::record::topic_id::TopicId;
use crate::record::trail::Trail;

/// The topic that is read and the commit to go on from; `None` where reading begins anew. `now` is the topic that is
/// assigned, `kept` what is kept of the partition, and `remembered` what this process kept last: brokers forget the commits
/// of a topic that is deleted.
pub fn resume(
    now: Option<TopicId>,
    kept: Option<Commit>,
    remembered: Option<&Commit>,
) -> (Option<TopicId>, Option<Commit>) {
    // A topic that cannot be told is the one of the commit: another one is seen when it can be told again.
    let topic = now.or(kept.as_ref().and_then(|commit| commit.topic));
    let commit = kept.or_else(|| of_deleted(remembered?, topic));
    (topic, commit.map(|commit| of_topic(commit, topic)))
}

/// What was kept of another topic, which had the name before.
fn of_deleted(remembered: &Commit, now: Option<TopicId>) -> Option<Commit> {
    (remembered.topic? != now?).then(|| remembered.clone())
}

/// The commit for the topic that has the name now: of another one, only what its rows were written with counts.
fn of_topic(commit: Commit, now: Option<TopicId>) -> Commit {
    let (Some(was), Some(now)) = (commit.topic, now) else {
        return commit;
    };
    if was == now {
        return commit;
    }
    tracing::error!(partition = %commit.partition, %was, %now, committed = commit.point.0,
        "the topic was deleted and another one made under its name; what the deleted one had from the committed offset on is \
         gone, unless it was written already; the new one is read from its beginning");
    begin_anew(commit, now)
}

/// The beginning of another topic of this name, whose rows go over those of the one before.
pub fn begin_anew(commit: Commit, topic: TopicId) -> Commit {
    Commit {
        point: CommitPoint(0),
        topic: Some(topic),
        // A fence says since which offset, and those are of the deleted topic.
        trail: Trail {
            fence: None,
            ..commit.trail
        },
        ..commit
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::record::descriptor::Digest;
    use crate::record::position::{Offset, Partition, WriteTime};
    use crate::record::trail::Fence;

    const OLD: TopicId = TopicId([1; 16]);
    const NEW: TopicId = TopicId([2; 16]);

    fn commit(topic: Option<TopicId>, point: i64) -> Commit {
        Commit {
            partition: Arc::new(Partition {
                topic: "orders".into(),
                number: 3,
            }),
            point: CommitPoint(point),
            base: Some(WriteTime(900)),
            trail: Trail {
                fence: Some(Fence {
                    digest: Digest([7; 32]),
                    from: Offset(4),
                }),
                ..Trail::default()
            },
            topic,
        }
    }

    #[test]
    fn goes_on_from_what_is_kept_of_the_same_topic() {
        let kept = commit(Some(OLD), 12);
        let resumed = resume(Some(OLD), Some(kept.clone()), Some(&commit(Some(OLD), 20)));
        assert_eq!(resumed, (Some(OLD), Some(kept)));
        assert_eq!(resume(None, None, None), (None, None));
    }

    #[test]
    fn a_topic_that_cannot_be_told_is_the_one_of_the_commit() {
        let kept = commit(Some(OLD), 12);
        assert_eq!(resume(None, Some(kept.clone()), None), (Some(OLD), Some(kept)));
        let without_id = commit(None, 12);
        assert_eq!(
            resume(Some(NEW), Some(without_id.clone()), None),
            (Some(NEW), Some(without_id))
        );
    }

    #[test]
    fn another_topic_begins_at_0_above_the_rows_of_the_one_before() {
        let (topic, resumed) = resume(Some(NEW), Some(commit(Some(OLD), 12)), None);
        let resumed = resumed.expect("its base is known");
        assert_eq!((topic, resumed.topic), (Some(NEW), Some(NEW)));
        assert_eq!((resumed.point, resumed.base), (CommitPoint(0), Some(WriteTime(900))));
        assert_eq!(resumed.trail.fence, None);
    }

    #[test]
    fn what_the_brokers_have_forgotten_with_the_topic_is_remembered() {
        let remembered = commit(Some(OLD), 12);
        let (_, resumed) = resume(Some(NEW), None, Some(&remembered));
        assert_eq!(
            resumed.map(|commit| (commit.point, commit.base)),
            Some((CommitPoint(0), Some(WriteTime(900))))
        );
        // Of the same topic, nothing kept means that the group was reset.
        assert_eq!(resume(Some(OLD), None, Some(&remembered)), (Some(OLD), None));
        assert_eq!(resume(None, None, Some(&remembered)), (None, None));
    }
}
