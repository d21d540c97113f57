//! Follows what is published under one name.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::published::{Published, name};
use super::{Fleet, FleetError};
use crate::kafka::client::Purpose;
use crate::kafka::error::{Cause, guarded};
use crate::kafka::reader::Reader;
use crate::kafka::record::Polled;
use crate::record::position::Partition;

/// The thread also ends this fast once it is not needed any more.
const POLL: Duration = Duration::from_millis(250);

/// Follows the publications after offset `after`. A reader that was busy gets the latest one only. The brokers are waited for
/// while they are away.
pub fn follow(fleet: &Fleet, of: &str, after: i64) -> Result<watch::Receiver<Option<Published>>, FleetError> {
    let reader = Reader::open(&fleet.kafka, &fleet.topic, Purpose::Read { group: "host-fleet" })?;
    reader.assign([(0, after + 1)])?;
    let (sender, receiver) = watch::channel(None);
    let following = Following {
        partition: reader.partition(0),
        reader,
        of: of.to_owned(),
        after,
        newest: None,
        is_away: false,
    };
    let thread = std::thread::Builder::new().name("fleet".to_owned());
    let spawned = thread.spawn(move || {
        let ran: Result<(), FleetError> = guarded(|| {
            following.run(&sender);
            Ok(())
        });
        if ran.is_err() {
            tracing::error!("following the published plugins broke off, a mistake in host; records flow on");
        }
    });
    spawned.map_err(FleetError::NoThread)?;
    Ok(receiver)
}

struct Following {
    reader: Reader,
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
            match self.reader.poll(POLL) {
                Some(Polled::Message(message)) => {
                    let record = message.to_record(&self.partition, Bytes::copy_from_slice);
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
                Some(Polled::End(_)) => {
                    self.back();
                    if let Some(newest) = self.newest.take() {
                        sender.send_replace(Some(newest));
                    }
                }
                Some(Polled::Failed(error)) => self.away(&error),
                None => {}
            }
        }
    }

    fn away(&mut self, error: &Cause) {
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
