//! One record to be produced, and its size alone in a Kafka record batch.

/// A record to be produced.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    pub topic: &'a str,
    pub key: Option<&'a [u8]>,
    /// `None` means a tombstone.
    pub value: Option<&'a [u8]>,
    pub stamp: Stamp,
    /// Names and values, in order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

/// Which timestamp the record gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// The time at which it is produced.
    Now,
    /// The timestamp of another record, unless the brokers refuse it as too far from their clock. Then it is the time
    /// at which the record is produced, and the other timestamp goes into a header of this name.
    Record {
        timestamp_ms: i64,
        header: Option<&'static str>,
    },
}

/// Which of its two timestamps a [`Stamp`] gives this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    Own,
    Now,
}

/// Bytes of a batch of format 2 without its records (Kafka's protocol guide, "Record Batch").
const BATCH_OVERHEAD: usize = 61;

/// Bytes of a record's attributes, and of its timestamp and offset relative to the batch's, which are 0 in a
/// batch of one.
const FIXED: usize = 3;

impl Stamp {
    /// The stamp for a record that is made of another one, which may have a timestamp.
    pub fn of(timestamp_ms: Option<i64>, header: Option<&'static str>) -> Self {
        timestamp_ms.map_or(Self::Now, |timestamp_ms| Self::Record { timestamp_ms, header })
    }
}

impl Message<'_> {
    /// Bytes of an uncompressed batch with only this record, which is the size that `max.message.bytes` bounds.
    pub fn batch_bytes(&self) -> usize {
        let part = |bytes: Option<&[u8]>| bytes.map_or(1, |bytes| varint(bytes.len()) + bytes.len());
        let header = |(name, value): &(&str, Option<&[u8]>)| varint(name.len()) + name.len() + part(*value);
        // The timestamp may go into one more header.
        let stamp = match self.stamp {
            Stamp::Record {
                timestamp_ms,
                header: Some(name),
            } => header(&(name, Some(timestamp_ms.to_string().as_bytes()))),
            Stamp::Now | Stamp::Record { .. } => 0,
        };
        let headers: usize = self.headers.iter().map(header).sum();
        let count = varint(self.headers.len() + usize::from(stamp > 0));
        let record = FIXED + part(self.key) + part(self.value) + count + headers + stamp;
        BATCH_OVERHEAD + varint(record) + record
    }
}

/// Bytes of a length as Kafka writes it: zigzag, seven bits a byte.
fn varint(length: usize) -> usize {
    let bits = usize::BITS - (length << 1).leading_zeros();
    bits.max(1).div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_as_kafka_writes_them() {
        let of = [0, 63, 64, 8_191, 8_192, 1_048_575, 1_048_576].map(varint);
        assert_eq!(of, [1, 1, 2, 2, 3, 3, 4]);
    }

    #[test]
    fn a_record_is_as_large_as_its_batch() {
        let value = vec![b'x'; 1_048_009];
        let mut message = Message {
            topic: "t",
            key: None,
            value: Some(&value),
            stamp: Stamp::Now,
            headers: &[],
        };
        // 61, the record's length in 3, its attributes and differences in 3, no key in 1, the value's length in 3, no
        // header in 1.
        assert_eq!(message.batch_bytes(), 61 + 3 + 3 + 1 + 3 + 1_048_009 + 1);
        message.headers = &[("a", None), ("bc", Some(b"123"))];
        assert_eq!(message.batch_bytes(), 61 + 3 + 3 + 1 + 3 + 1_048_009 + 1 + 3 + 7);
    }
}
