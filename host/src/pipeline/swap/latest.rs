//! The latest records of each partition, kept to try a plugin on before it is swapped in.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::record::Record;
use crate::record::position::Partition;

/// Records kept of each partition: enough to meet the usual kinds of record, few enough to try in milliseconds.
pub const KEPT_RECORDS: usize = 100;

/// Bytes kept of each partition, at most, whatever the records' size.
const KEPT_BYTES: usize = 1 << 20;

/// The latest records, shared by the workers, which note what they have read.
#[derive(Debug, Default)]
pub struct Latest {
    by_partition: Mutex<BTreeMap<Arc<Partition>, Vec<Record>>>,
}

impl Latest {
    /// Notes records that have just been read.
    pub fn note(&self, partition: &Arc<Partition>, records: &[Record]) {
        let mut bytes = 0;
        let kept = records.iter().rev().take(KEPT_RECORDS).take_while(|record| {
            bytes += record.size();
            bytes <= KEPT_BYTES
        });
        let from = records.len() - kept.count();
        let news = &records[from..];
        let mut by_partition = self.by_partition.lock();
        let kept = by_partition.entry(Arc::clone(partition)).or_default();
        let room = KEPT_RECORDS - news.len();
        kept.drain(..kept.len().saturating_sub(room));
        kept.extend_from_slice(news);
        let mut bytes: usize = kept.iter().map(Record::size).sum();
        let over = kept.iter().take_while(|record| {
            let is_over = bytes > KEPT_BYTES;
            bytes -= record.size();
            is_over
        });
        kept.drain(..over.count());
    }

    /// The records that are kept, partition by partition, each in the order of its offsets.
    pub fn records(&self) -> Vec<Vec<Record>> {
        let by_partition = self.by_partition.lock();
        by_partition.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::position::{Offset, Position};

    fn records(partition: &Arc<Partition>, offsets: std::ops::Range<i64>, bytes: usize) -> Vec<Record> {
        let record = |offset| Record {
            position: Position {
                partition: Arc::clone(partition),
                offset: Offset(offset),
                line: None,
            },
            timestamp_ms: None,
            key: None,
            value: Some(vec![0; bytes].into()),
            headers: Vec::new(),
            redriven: None,
        };
        offsets.map(record).collect()
    }

    #[test]
    fn keeps_the_latest_within_both_bounds() {
        let partition = Arc::new(Partition {
            topic: "orders".into(),
            number: 0,
        });
        let latest = Latest::default();
        let kept = || -> Vec<i64> {
            let records = latest.records();
            records[0].iter().map(|record| record.position.offset.0).collect()
        };
        latest.note(&partition, &records(&partition, 0..1000, 10));
        assert_eq!(kept(), (900..1000).collect::<Vec<_>>());
        latest.note(&partition, &records(&partition, 1000..1003, 10));
        assert_eq!(kept(), (903..1003).collect::<Vec<_>>());
        latest.note(&partition, &records(&partition, 1003..1010, 400_000));
        let large: Vec<_> = kept().into_iter().filter(|offset| *offset >= 1003).collect();
        assert_eq!(
            large,
            [1008, 1009],
            "two of 400,000 bytes are below 1 MiB, three are above"
        );
        assert_eq!(kept().len(), KEPT_RECORDS);
        latest.note(&partition, &records(&partition, 1010..1011, 2 << 20));
        assert_eq!(
            kept().last(),
            Some(&1009),
            "one that is too large by itself is passed over"
        );
        latest.note(&partition, &records(&partition, 1011..1012, 300_000));
        assert_eq!(kept(), [1009, 1011], "1008 has no room beside it");
    }
}
