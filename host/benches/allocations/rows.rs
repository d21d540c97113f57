//! From columns to the bytes of frames: the guest's call, sorting its outcome by record, binding.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use host::plugin::{Instance, Plugin};
use host::record::Record;
use host::record::columns::Batch;
use host::record::position::WriteTime;
use host::sink::WriteBatch;

use crate::Case;
use crate::support::{self, bound};

pub fn cases() -> Vec<Case> {
    vec![guest(), gather(), bind()]
}

/// A batch of orders on its way through the stages.
struct Orders {
    columns: Batch,
    records: Arc<Vec<Record>>,
    times: Vec<WriteTime>,
}

/// The first plugin, and the batches that a case has asked for, by their number of records.
struct Bench {
    plugin: Plugin,
    instance: Instance,
    orders: HashMap<usize, Orders>,
}

impl Bench {
    fn new() -> Self {
        let plugin = support::plugin();
        Self {
            instance: plugin.instantiate().expect("an instance"),
            plugin,
            orders: HashMap::new(),
        }
    }

    fn orders(&mut self, count: usize) -> (&mut Instance, &Plugin, &Orders) {
        let orders = self.orders.entry(count).or_insert_with(|| Orders {
            columns: support::decoded(count),
            records: Arc::new(support::json_orders(count)),
            times: (0..).map(WriteTime).take(count).collect(),
        });
        (&mut self.instance, &self.plugin, orders)
    }

    fn gathered(&mut self, count: usize) -> Arc<WriteBatch> {
        let (instance, plugin, orders) = self.orders(count);
        let outcome = instance.transform(&orders.columns).expect("an outcome");
        bound::gathered(outcome, &orders.records, &orders.times, plugin.descriptor())
    }
}

fn guest() -> Case {
    let mut bench = Bench::new();
    let run = move |count: usize| {
        let (instance, _, orders) = bench.orders(count);
        black_box(instance.transform(&orders.columns).expect("an outcome"));
    };
    Case {
        name: "guest",
        run: Box::new(run),
    }
}

fn gather() -> Case {
    let mut bench = Bench::new();
    let run = move |count: usize| drop(black_box(bench.gathered(count)));
    Case {
        name: "guest, gather",
        run: Box::new(run),
    }
}

fn bind() -> Case {
    let mut bench = Bench::new();
    let markers = bound::markers(bench.plugin.descriptor());
    let mut kept: HashMap<usize, (Arc<WriteBatch>, Vec<u32>)> = HashMap::new();
    let mut bytes = Vec::new();
    let run = move |count: usize| {
        let (batch, which) = kept
            .entry(count)
            .or_insert_with(|| (bench.gathered(count), (0..).take(count).collect()));
        bound::frame(&markers, batch, which, &mut bytes);
    };
    Case {
        name: "bind and frame",
        run: Box::new(run),
    }
}
