//! A distribution that is counted while records flow: whole batches are added with one pass and few atomic additions.
//!
//! `prometheus-client` has a histogram of its own, which takes a lock for every value and does not give its buckets
//! back; the status page wants quantiles of the last second.

use std::sync::atomic::{AtomicU64, Ordering};

/// Values in whole units (microseconds, milliseconds, records), counted by bucket.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds, included, rising. Values above the last one have a bucket of their own.
    bounds: &'static [u64],
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// The counts up to one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub bounds: &'static [u64],
    /// One more than there are bounds.
    pub counts: Vec<u64>,
    pub sum: u64,
}

impl Histogram {
    /// An empty histogram. The bounds are inclusive and rise; a last bucket, without a bound, is added to theirs.
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts one value, in the unit of the bounds.
    pub fn add(&self, value: u64) {
        self.counts[self.bucket(value)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Adds the values of a batch. Neighbours of one bucket are added at one time, since records of a batch are about
    /// the same age.
    pub fn add_all(&self, values: impl Iterator<Item = u64>) {
        let (mut sum, mut run) = (0_u64, None);
        for value in values {
            sum = sum.saturating_add(value);
            run = match run {
                Some((bucket, low, count)) if low <= value && self.is_within(bucket, value) => {
                    Some((bucket, low, count + 1))
                }
                other => {
                    self.add_run(other);
                    let bucket = self.bucket(value);
                    let low = bucket.checked_sub(1).map_or(0, |below| self.bounds[below] + 1);
                    Some((bucket, low, 1))
                }
            };
        }
        self.add_run(run);
        self.sum.fetch_add(sum, Ordering::Relaxed);
    }

    /// The counts as they are now. Values that are added meanwhile may be counted in the sum and not yet in their
    /// bucket.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            bounds: self.bounds,
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }

    fn bucket(&self, value: u64) -> usize {
        self.bounds.partition_point(|bound| *bound < value)
    }

    fn is_within(&self, bucket: usize, value: u64) -> bool {
        self.bounds.get(bucket).is_none_or(|bound| value <= *bound)
    }

    fn add_run(&self, run: Option<(usize, u64, u64)>) {
        if let Some((bucket, _, count)) = run {
            self.counts[bucket].fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl Snapshot {
    /// The number of values in all buckets.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The values that were added since an earlier snapshot of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().zip(&earlier.counts);
        Self {
            bounds: self.bounds,
            counts: counts.map(|(now, then)| now.saturating_sub(*then)).collect(),
            sum: self.sum.wrapping_sub(earlier.sum),
        }
    }

    /// The value that this share (0..=1) of the values does not exceed, as if the values of a bucket were spread evenly
    /// over it. `None` if there are no values. Above the last bound the value is unknown, so that bound is returned.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let wanted = share * count as f64;
        let mut below = 0.0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            let count = count as f64;
            if count > 0.0 && below + count >= wanted {
                let low = bucket.checked_sub(1).map_or(0.0, |before| self.bounds[before] as f64);
                let high = self.bounds.get(bucket).map_or(low, |bound| *bound as f64);
                return Some(low + (high - low) * ((wanted - below) / count).clamp(0.0, 1.0));
            }
            below += count;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: &[u64] = &[1, 2, 5, 10, 100];

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let histogram = Histogram::new(BOUNDS);
        assert_eq!(histogram.snapshot().quantile(0.5), None);
        histogram.add_all((0..100).map(|_| 4));
        let before = histogram.snapshot();
        assert_eq!(before.quantile(0.5), Some(3.5));
        histogram.add_all([50, 50, 7, 1000].into_iter());
        let news = histogram.snapshot().since(&before);
        assert_eq!((news.count(), news.sum), (4, 1107));
        assert_eq!(news.quantile(0.25), Some(10.0));
        assert_eq!(
            news.quantile(1.0),
            Some(100.0),
            "beyond the last bound nothing is known"
        );
    }

    proptest! {
            #[test]
            fn a_batch_counts_as_its_values_one_by_one(values in proptest::collection::vec(0_u64..200, 0..50)) {
                let (one, other) = (Histogram::new(BOUNDS), Histogram::new(BOUNDS));
                one.add_all(values.iter().copied());
                for value in values {
     other.add(value);
    }
                prop_assert_eq!(one.snapshot(), other.snapshot());
            }
        }
}
