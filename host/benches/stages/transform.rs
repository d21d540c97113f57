//! The transform stage: a batch of decoded orders goes through the component, columns to columns. It is compared with the same
//! function linked natively in its place, and with that function alone, on columns that are copied for it already. The last
//! lines say what the sandbox costs.

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput};
use host::plugin::Instance;
use host::record::columns::Batch;
use order_enrich::{OrderSettings, enrich};
use transform_sdk::{Plugin as _, abi};

use crate::{columns, outcome, support};

/// Records of one batch, as `batch_records` is by default.
const RECORDS: usize = 1_000;

/// Pairs of runs that the ratio is the median of, and calls in each run: some ten milliseconds.
const PAIRS: usize = 51;
const CALLS: u32 = 20;

pub fn orders(criterion: &mut Criterion) {
    let plugin = support::plugin();
    let batch = support::decoded(RECORDS);
    let copied = columns::columns(&batch);
    let settings = columns::settings();
    let mut instance = plugin.instantiate().expect("an instance");

    let mut group = criterion.benchmark_group("transform");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function(BenchmarkId::from_parameter("component"), |bencher| {
        bencher.iter(|| component(&mut instance, &batch));
    });
    group.bench_function(BenchmarkId::from_parameter("native"), |bencher| {
        bencher.iter(|| native(&settings, &batch));
    });
    group.bench_function(BenchmarkId::from_parameter("function"), |bencher| {
        bencher.iter(|| function(&settings, &copied));
    });
    group.finish();
    criterion.bench_function("instantiate", |bencher| {
        bencher.iter(|| plugin.instantiate().expect("an instance"));
    });

    let to_native = ratios(|| component(&mut instance, &batch), || native(&settings, &batch));
    let to_function = ratios(|| component(&mut instance, &batch), || function(&settings, &copied));
    println!("component / native:   {to_native}, median, least and most of {PAIRS}");
    println!("component / function: {to_function}; {} bytes\n", plugin.size_bytes());
}

fn component(instance: &mut Instance, batch: &Batch) {
    let outcome = instance.transform(batch).expect("an outcome");
    assert_eq!(outcome.rows[0].batch.rows, RECORDS);
    black_box(outcome);
}

/// Does what the program of `benches/native` does in place of calling the component.
fn native(settings: &OrderSettings, batch: &Batch) {
    let outcome = outcome::taken(enrich::transform(settings, &columns::columns(batch)));
    assert_eq!(outcome.rows[0].batch.rows, RECORDS);
    black_box(outcome);
}

fn function(settings: &OrderSettings, columns: &abi::Batch) {
    let outcome = enrich::transform(settings, columns);
    assert_eq!(outcome.rows[0].source.len(), RECORDS);
    black_box(outcome);
}

/// Measures by turns, so that changes of the machine touch both alike.
fn ratios(mut one: impl FnMut(), mut other: impl FnMut()) -> String {
    let time = |run: &mut dyn FnMut()| {
        let begun = Instant::now();
        (0..CALLS).for_each(|_| run());
        begun.elapsed().as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..PAIRS).map(|_| time(&mut one) / time(&mut other)).collect();
    ratios.sort_by(f64::total_cmp);
    format!("{:.2} ({:.2}-{:.2})", ratios[PAIRS / 2], ratios[0], ratios[PAIRS - 1])
}
