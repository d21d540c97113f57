//! Orders as the sink gets them, and the statement of the project's table, made without a server.

use std::hint::black_box;
use std::sync::Arc;

use host::cassandra::binding::{Binding, Role};
use host::cassandra::prepared::put_row;
use host::cassandra::types::{ColumnType, NativeType};
use host::pipeline::batch::gather::{Stamps, gather};
use host::record::Record;
use host::record::columns::DataType;
use host::record::descriptor::{Descriptor, Outcome};
use host::record::position::WriteTime;
use host::sink::WriteBatch;
use host::sink::cassandra::bind::{Cells, Markers, Nulls};
use host::sink::cassandra::statement::TimestampMarker;

/// The primary key of `cql/ecommerce.cql`, whose first column is the partition key.
const KEY: [&str; 3] = ["customer_id", "order_id", "order_purchase_timestamp"];

/// The rows that the pipeline makes of an outcome in which every record is a row.
pub fn gathered(
    outcome: Outcome,
    records: &Arc<Vec<Record>>,
    times: &[WriteTime],
    plugin: &Descriptor,
) -> Arc<WriteBatch> {
    let batch = Stamps {
        records,
        write_times: times,
    };
    // Each record is a row of the input, so rows are sorted by record already.
    let writes = gather(outcome.rows, &batch, &plugin.outputs);
    Arc::new(writes.into_iter().next().expect("rows"))
}

/// The bind markers of an order's insert.
pub fn markers(plugin: &Descriptor) -> Markers {
    let fields = &plugin.outputs[0].fields;
    let binding = |(index, field): (usize, &host::record::descriptor::Field)| Binding {
        field: index,
        data_type: field.data_type,
        column: field.name.clone(),
        column_type: ColumnType::Native(match field.data_type {
            DataType::Uuid => NativeType::Uuid,
            DataType::Timestamp => NativeType::Timestamp,
            DataType::Int32 => NativeType::Int,
            _ => NativeType::Text,
        }),
        role: if KEY.contains(&field.name.as_str()) {
            Role::Key
        } else {
            Role::Value
        },
    };
    Markers {
        bindings: fields.iter().enumerate().map(binding).collect(),
        write_time: TimestampMarker::Last,
        nulls: Nulls::Unset,
        cells: Cells::Kept,
        partition_key: fields
            .iter()
            .position(|field| field.name == KEY[0])
            .into_iter()
            .collect(),
    }
}

/// Binds the rows, finds the token and size of each, and writes them one after another in the order of their tokens. These are
/// the bytes that fill the frames of CQL batches.
pub fn frame(markers: &Markers, batch: &WriteBatch, which: &[u32], bytes: &mut Vec<u8>) {
    bytes.clear();
    let (bound, misfits) = markers.bind(batch, which);
    assert!(misfits.is_empty(), "{misfits:?}");
    let mut placed: Vec<_> = which.iter().map(|&row| (bound.token(row), row)).collect();
    placed.sort_unstable();
    for (_, row) in placed {
        black_box(bound.size(row));
        put_row(&bound.row(row), bytes).expect("a row that fits");
    }
}
