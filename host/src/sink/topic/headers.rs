//! The headers of a row in a topic: the trace that its record belongs to, as it came, and the place that the row came
//! from, so that a reader can tell a copy from a new row.
//!
//! The rows of one record in one topic have the same numbers on every replay. So topic, partition, offset and row
//! number name a row. The write timestamp says which of two rows of one key is the newer one.

use crate::record::letter::headers::WRITE_TIMESTAMP;
use crate::record::trace_parent::TraceParent;
use crate::sink::WriteBatch;

/// Only where the brokers refuse the record's timestamp.
pub use crate::record::letter::headers::RECORD_TIMESTAMP;

const TOPIC: &str = "host.topic";
const PARTITION: &str = "host.partition";
const OFFSET: &str = "host.offset";
const ROW: &str = "host.row";

/// Our own headers of a row; their values are text.
pub fn ours(batch: &WriteBatch, row: usize) -> Vec<(&'static str, String)> {
    let position = &batch.record(row).position;
    vec![
        (TOPIC, position.partition.topic.to_string()),
        (PARTITION, position.partition.number.to_string()),
        (OFFSET, position.offset.to_string()),
        (ROW, batch.numbers[row].to_string()),
        (WRITE_TIMESTAMP, batch.write_times[row].0.to_string()),
    ]
}

/// All headers of a row: those of the trace first, then ours.
pub fn all<'a>(
    batch: &'a WriteBatch,
    row: usize,
    ours: &'a [(&'static str, String)],
) -> Vec<(&'a str, Option<&'a [u8]>)> {
    let trace = TraceParent::headers(batch.record(row)).map(|header| (header.key.as_str(), header.value.as_deref()));
    let ours = ours.iter().map(|(key, value)| (*key, Some(value.as_bytes())));
    trace.chain(ours).collect()
}
