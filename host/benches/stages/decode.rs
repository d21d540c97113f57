//! Times decoding: a batch of orders becomes columns, from each format.

use criterion::{BenchmarkId, Criterion, Throughput};
use host::codec::Decoder;

use crate::support;

/// Records of one batch, as `batch_records` is by default.
const RECORDS: usize = 1_000;

pub fn orders(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let decoder = Decoder::new(&support::inputs(), Some(support::registry(support::SCHEMA)));
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(RECORDS as u64));
    let formats = [
        ("avro", support::avro_orders(RECORDS)),
        ("json", support::json_orders(RECORDS)),
    ];
    for (format, records) in formats {
        let batch = runtime.block_on(decoder.decode(&records)).expect("a schema");
        assert_eq!(batch.rows.len(), RECORDS, "{:?}", batch.rejects.first());
        group.bench_function(BenchmarkId::from_parameter(format), |bencher| {
            bencher.iter(|| runtime.block_on(decoder.decode(&records)));
        });
    }
    group.finish();
}
