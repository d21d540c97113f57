//! Times binding: the rows of a batch of orders become the bytes of their CQL batches.

use criterion::{Criterion, Throughput};

use std::sync::Arc;

use host::record::position::WriteTime;

use crate::support::{self, bound};

/// Records of one batch, as `batch_records` is by default.
const RECORDS: u32 = 1_000;

pub fn rows(criterion: &mut Criterion) {
    let plugin = support::plugin();
    let mut instance = plugin.instantiate().expect("an instance");
    let records = Arc::new(support::json_orders(RECORDS as usize));
    let outcome = instance
        .transform(&support::decoded(RECORDS as usize))
        .expect("an outcome");
    let times: Vec<_> = (0..i64::from(RECORDS)).map(WriteTime).collect();
    let batch = bound::gathered(outcome, &records, &times, plugin.descriptor());
    let markers = bound::markers(plugin.descriptor());
    let which: Vec<u32> = (0..RECORDS).collect();
    let mut bytes = Vec::new();
    let mut group = criterion.benchmark_group("bind");
    group.throughput(Throughput::Elements(u64::from(RECORDS)));
    group.bench_function("and frame", |bencher| {
        bencher.iter(|| bound::frame(&markers, &batch, &which, &mut bytes));
    });
    group.finish();
}
