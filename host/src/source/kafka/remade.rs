//! Notices that the topic was deleted and recreated under its name. Each partition is then read from its beginning,
//! once everything that was read of the old topic is settled (decision 0023).
//!
//! 1. No more records of the partition are taken, and the pipeline settles those that it has.
//! 2. The pipeline keeps the last base of the write timestamps, so that rows of the new topic replace those of the old
//!    one, and answers.
//! 3. The client seeks to the new topic's beginning.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::poller::Poller;
use super::reading::{Reading, Readings, Remade};
use super::rebalance::Context;
use crate::kafka::member::Watch;
use crate::record::position::CommitPoint;
use crate::record::topic_id::TopicId;
use crate::source::{Assignment, Event};

/// How long a seek may take. The client sets its own position and asks no broker.
const SEEK: Duration = Duration::from_secs(1);

impl Poller {
    /// Checks whether the topic is still the same, and begins to read the new one if it is not.
    pub(super) fn follow_topic(&self, readings: &mut Readings, watch: &mut Watch<'_, Context>) {
        for reading in readings.all() {
            if std::mem::take(&mut reading.is_doubtful) {
                watch.doubt();
            }
        }
        if let Some(now) = watch.look() {
            for reading in readings.all() {
                if reading.remade.is_none() && reading.assigned.topic.is_some_and(|was| was != now) {
                    self.leave(reading, now);
                }
            }
        }
        for reading in readings.all() {
            self.begin_anew(reading);
        }
    }

    fn leave(&self, reading: &mut Reading, now: TopicId) {
        self.hand_out(reading);
        let partition = Arc::clone(&reading.assigned.partition);
        let was = reading.assigned.topic.map(|was| was.to_string());
        tracing::error!(%partition, was, %now, next = reading.place.next(),
            "the topic was deleted and another one made under its name; what was not read of the deleted one is gone; the new \
             one is read from its beginning");
        let (answer, settled) = oneshot::channel();
        let gauge = self.member.listener().gauge();
        reading.remade = Some(Remade {
            topic: now,
            gauge: Arc::clone(&gauge),
            settled,
            is_settled: false,
        });
        let successor = Assignment {
            partition,
            topic: Some(now),
            gauge,
        };
        self.send(Event::Remade {
            successor,
            settled: answer,
        });
    }

    fn begin_anew(&self, reading: &mut Reading) {
        let Some(remade) = &mut reading.remade else { return };
        // Either not everything is settled yet, or the pipeline has ended and nothing is read any more.
        remade.is_settled |= remade.settled.try_recv().is_ok();
        if !remade.is_settled {
            return;
        }
        let (topic, gauge) = (remade.topic, Arc::clone(&remade.gauge));
        let partition = &reading.assigned.partition;
        if let Err(error) = self.member.seek(partition, CommitPoint(0), SEEK) {
            // The next look tries again. If the new topic does not have this partition, it is revoked soon.
            tracing::debug!(%partition, %error, "cannot go to the new topic's beginning yet");
            return;
        }
        if let Some(assigned) = self.member.listener().assign_anew(partition.number, topic, gauge) {
            reading.restart(assigned);
        }
    }
}
