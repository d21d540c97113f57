//! Follows what is published under one name.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::watch;

use super::Fleet;
use super::published::{Published, name};
use crate::record::position::Partition;
use crate::source::SourceError;
use crate::source::kafka::client::reader;
use crate::source::kafka::record::to_record;

/// Also how fast the thread ends when nobody follows any more.
const POLL: Duration = Duration::from_millis(250);

/// What comes after the publication at offset `after`, the latest only: whoever was busy with one misses those between.
/// Brokers that are away are waited for.
pub fn follow(fleet: &Fleet, of: &str, after: i64) -> Result<watch::Receiver<Option<Published>>, SourceError> {
    let consumer = reader(&fleet.kafka, "host-fleet")?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&fleet.topic, 0, Offset::Offset(after + 1))
        .and_then(|()| consumer.assign(&list))
        .map_err(SourceError::Read)?;
    let (sender, receiver) = watch::channel(None);
    let following = Following {
        consumer,
        partition: Arc::new(Partition {
            topic: fleet.topic.as_str().into(),
            number: 0,
        }),
        of: of.to_owned(),
        after,
        newest: None,
        is_away: false,
    };
    let thread = std::thread::Builder::new().name("fleet".to_owned());
    let spawned = thread.spawn(move || {
        // librdkafka's Rust side has asserts of its own.
        if catch_unwind(AssertUnwindSafe(|| following.run(&sender))).is_err() {
            tracing::error!("following the published plugins broke off, a mistake in host; records flow on");
        }
    });
    spawned.map_err(|cause| SourceError::Thread { cause })?;
    Ok(receiver)
}

struct Following {
    consumer: BaseConsumer,
    partition: Arc<Partition>,
    of: String,
    /// What came up to here is known.
    after: i64,
    /// Read and not yet handed out.
    newest: Option<Published>,
    is_away: bool,
}

impl Following {
    fn run(mut self, sender: &watch::Sender<Option<Published>>) {
        while !sender.is_closed() {
            match self.consumer.poll(POLL) {
                Some(Ok(message)) => {
                    let record = to_record(&self.partition, &message, Bytes::copy_from_slice);
                    let offset = record.position.offset.0;
                    // After a loss of the log's end, librdkafka begins at its beginning.
                    if offset > self.after && name(&record).as_ref() == Some(&self.of) {
                        self.after = offset;
                        self.newest = Published::of(&record);
                        if self.newest.is_none() {
                            tracing::warn!(
                                name = self.of,
                                offset,
                                "the plugin was taken out of its topic; what runs goes on"
                            );
                        }
                    }
                    drop(message);
                    self.back();
                }
                // All that is there was read.
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.back();
                    if let Some(newest) = self.newest.take() {
                        sender.send_replace(Some(newest));
                    }
                }
                Some(Err(error)) => self.away(&error),
                None => {}
            }
        }
    }

    fn away(&mut self, error: &KafkaError) {
        if !std::mem::replace(&mut self.is_away, true) {
            tracing::warn!(%error, topic = %self.partition.topic, "cannot read the published plugins, trying on; what runs goes on");
        }
    }

    fn back(&mut self) {
        if std::mem::take(&mut self.is_away) {
            tracing::info!(topic = %self.partition.topic, "the published plugins can be read again");
        }
    }
}
