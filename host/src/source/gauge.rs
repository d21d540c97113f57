//! How much of a partition has been read and is not yet settled: the one bound between a source and the pipeline.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Records and bytes in flight of one partition. The source adds, the pipeline subtracts.
#[derive(Debug)]
pub struct Gauge {
    records: AtomicUsize,
    bytes: AtomicUsize,
    /// With more records than this the partition is not read. The bound is large enough for a batch being decoded, one
    /// in the guest and some being written, and small enough that memory stays flat while the sink waits.
    max_records: usize,
    /// The partition's share of the bytes that all partitions may have. It changes when partitions come or go.
    max_bytes: AtomicUsize,
}

impl Gauge {
    /// Nothing is in flight yet. Both bounds may be passed by what one poll hands out.
    pub fn new(max_records: usize, max_bytes: usize) -> Self {
        Self {
            records: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            max_records,
            max_bytes: AtomicUsize::new(max_bytes),
        }
    }

    /// Changes the bound on the bytes. If more is in flight already, nothing is taken until enough of it is settled.
    pub fn set_max_bytes(&self, max_bytes: usize) {
        self.max_bytes.store(max_bytes, Ordering::Relaxed);
    }

    /// Counts records, and the bytes of their keys and values, as in flight. The source calls it before it hands them
    /// out.
    pub fn add(&self, records: usize, bytes: usize) {
        self.records.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Subtracts records that are settled.
    pub fn subtract(&self, records: usize, bytes: usize) {
        self.records.fetch_sub(records, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether the partition must not be read any further.
    pub fn is_full(&self) -> bool {
        self.records.load(Ordering::Relaxed) >= self.max_records
            || self.bytes.load(Ordering::Relaxed) >= self.max_bytes.load(Ordering::Relaxed)
    }

    /// Whether reading may continue: the gauge is half empty. With a higher mark, batches would become small.
    pub fn has_room(&self) -> bool {
        self.records.load(Ordering::Relaxed) <= self.max_records / 2
            && self.bytes.load(Ordering::Relaxed) <= self.max_bytes.load(Ordering::Relaxed) / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_full_by_records_or_by_bytes_and_has_room_again_at_half() {
        let gauge = Gauge::new(10, 1000);
        gauge.add(9, 100);
        assert!(!gauge.is_full());
        gauge.add(1, 0);
        assert!(gauge.is_full());
        gauge.subtract(4, 0);
        assert!(!gauge.is_full() && !gauge.has_room());
        gauge.subtract(1, 0);
        assert!(gauge.has_room());
        gauge.add(0, 900);
        assert!(gauge.is_full());
    }

    #[test]
    fn another_bound_counts_at_once_for_what_is_in_flight() {
        let gauge = Gauge::new(10, 1000);
        gauge.add(1, 600);
        gauge.set_max_bytes(500);
        assert!(gauge.is_full() && !gauge.has_room());
        gauge.set_max_bytes(1200);
        assert!(!gauge.is_full() && gauge.has_room());
    }
}
