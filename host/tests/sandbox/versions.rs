//! `misbehaving` as a version that a pipeline could run, and records for it.

use std::sync::Arc;

use futures::future::BoxFuture;
use host::codec::Decoder;
use host::pipeline::batch::version::Version;
use host::plugin::Plugin;
use host::plugin::limits::Limits;
use host::record::Record;
use host::record::position::{Offset, Partition, Position};
use host::sink::{Sink, SinkError, WriteBatch};

use crate::built::{ENGINE, misbehaving, variant};

/// A sink that must not be written to.
struct Untouched;

impl Sink for Untouched {
    fn write(&self, _: Arc<WriteBatch>, _: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>> {
        panic!("nothing is written here");
    }
}

pub fn version(configure: Option<&str>, limits: Limits) -> Version {
    let settings: Vec<_> = configure
        .map(|value| ("configure".to_owned(), value.to_owned()))
        .into_iter()
        .collect();
    let plugin = Plugin::load(&ENGINE, misbehaving(), &settings, limits).expect("misbehaving loads");
    Version {
        decoder: Decoder::new(&plugin.descriptor().inputs, None),
        plugin: Arc::new(plugin),
        sink: Arc::new(Untouched),
    }
}

/// The variant `NAME` of `plugins/variants`, which does `what`: unlike those of `misbehaving`, each has a digest of its
/// own.
pub fn variant_version(name: &str, what: &str, limits: Limits) -> Arc<Version> {
    let plugin = Plugin::load(&ENGINE, &variant(name, what), &[], limits).expect("the variant loads");
    Arc::new(Version {
        decoder: Decoder::new(&plugin.descriptor().inputs, None),
        plugin: Arc::new(plugin),
        sink: Arc::new(Untouched),
    })
}

/// Records of one partition, each with what it asks for.
pub fn records(partition: i32, behaviours: &[&str]) -> Vec<Record> {
    let value = |(offset, behaviour): (i64, &&str)| format!("{{\"behaviour\":\"{behaviour}\",\"number\":{offset}}}");
    of_values(partition, (0..).zip(behaviours).map(value))
}

/// Records of one partition for the variants, with these ids.
pub fn numbered(partition: i32, ids: std::ops::Range<i64>) -> Vec<Record> {
    of_values(partition, ids.map(|id| format!("{{\"id\":{id}}}")))
}

fn of_values(partition: i32, values: impl Iterator<Item = String>) -> Vec<Record> {
    let partition = Arc::new(Partition {
        topic: "t".into(),
        number: partition,
    });
    let record = |(offset, value): (i64, String)| Record {
        position: Position {
            partition: Arc::clone(&partition),
            offset: Offset(offset),
            line: None,
        },
        timestamp_ms: None,
        key: None,
        value: Some(value.into()),
        headers: Vec::new(),
        redriven: None,
    };
    (0..).zip(values).map(record).collect()
}
