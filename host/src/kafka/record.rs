//! A message of librdkafka, and what it is as a record.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use rdkafka::Timestamp;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Headers, Message as _};

use super::error::Cause;
use crate::record::position::{Offset, Partition, Position};
use crate::record::{Header, Record};

/// The client breaks on a header whose name is no UTF-8, which Kafka's protocol rules out and brokers let through. Such a
/// header is left out, and said: no plugin could ask for it, and its record must not stop the partition.
fn readable(headers: &BorrowedHeaders, partition: &Partition, offset: i64) -> Vec<Header> {
    let header = |index| {
        let read = || {
            headers.try_get(index).map(|header| Header {
                key: header.key.to_owned(),
                value: header.value.map(Bytes::copy_from_slice),
            })
        };
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
            tracing::warn!(%partition, offset, "a header whose name is no UTF-8 cannot be read and is left out");
            None
        })
    };
    (0..headers.count()).filter_map(header).collect()
}

/// A message of librdkafka, in its memory.
pub struct Message<'a>(pub(super) BorrowedMessage<'a>);

/// What a client that reads has to say.
pub enum Polled<'a> {
    Message(Message<'a>),
    /// All that there is of this partition has come.
    End(i32),
    Failed(Cause),
}

impl Message<'_> {
    /// The number of the partition that the message came from.
    pub fn partition(&self) -> i32 {
        self.0.partition()
    }

    /// The message's own offset in its partition.
    pub fn offset(&self) -> i64 {
        self.0.offset()
    }

    /// In milliseconds.
    pub fn timestamp_ms(&self) -> Option<i64> {
        self.0.timestamp().to_millis()
    }

    /// The message as a record of the partition. `keep` copies the key and the value out of librdkafka's memory.
    pub fn to_record(&self, partition: &Arc<Partition>, keep: impl FnMut(&[u8]) -> Bytes) -> Record {
        to_record(partition, &self.0, keep)
    }
}

/// What an answer of librdkafka says; `None` where nothing has come.
pub(super) fn polled(answer: Option<KafkaResult<BorrowedMessage<'_>>>) -> Option<Polled<'_>> {
    Some(match answer? {
        Ok(message) => Polled::Message(Message(message)),
        Err(KafkaError::PartitionEOF(number)) => Polled::End(number),
        Err(error) => Polled::Failed(error.into()),
    })
}

/// `keep` copies the key and the value out of librdkafka's memory.
fn to_record(
    partition: &Arc<Partition>,
    message: &BorrowedMessage<'_>,
    mut keep: impl FnMut(&[u8]) -> Bytes,
) -> Record {
    let headers = message
        .headers()
        .map_or_else(Vec::new, |headers| readable(headers, partition, message.offset()));
    Record {
        position: Position {
            partition: Arc::clone(partition),
            offset: Offset(message.offset()),
            line: None,
        },
        timestamp_ms: match message.timestamp() {
            Timestamp::CreateTime(ms) | Timestamp::LogAppendTime(ms) => Some(ms),
            Timestamp::NotAvailable => None,
        },
        key: message.key().map(&mut keep),
        value: message.payload().map(&mut keep),
        headers,
        redriven: None,
    }
}
