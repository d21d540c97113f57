//! A small plugin's descriptor and rows, for the tests of sinks that need no server.

use std::sync::Arc;

use arrow_array::{FixedSizeBinaryArray, StringArray, TimestampMillisecondArray};

use super::WriteBatch;
use super::one_key::Parts;
use crate::record::columns::{Batch, DataType};
use crate::record::descriptor::{Descriptor, Effect, Field, Output, Target};
use crate::record::position::WriteTime;

/// The index of the output that upserts.
pub const UPSERT: usize = 0;
/// The index of the output that deletes.
pub const DELETE: usize = 1;

/// Output [`UPSERT`]: `visits(id uuid, at timestamp, status text?)`; output [`DELETE`]: by `id` and `at`.
pub fn descriptor() -> Descriptor {
    let id = field("id", DataType::Uuid, false);
    let at = field("at", DataType::Timestamp, false);
    let status = field("status", DataType::Text, true);
    let output = |name: &str, effect, fields| Output {
        name: name.into(),
        target: Target::Table("visits".into()),
        effect,
        fields,
    };
    Descriptor {
        name: "visits".into(),
        version: "1.0.0".into(),
        inputs: Vec::new(),
        lookups: Vec::new(),
        outputs: vec![
            output("visits", Effect::Upsert, vec![id.clone(), at.clone(), status]),
            output("gone", Effect::Delete, vec![id, at]),
        ],
    }
}

/// A field of an output.
pub fn field(name: &str, data_type: DataType, nullable: bool) -> Field {
    Field {
        name: name.into(),
        data_type,
        nullable,
    }
}

/// Rows of [`UPSERT`]: id (also the seconds of `at`), status, write timestamp.
pub fn write_batch(rows: &[(u8, Option<&str>, i64)]) -> Arc<WriteBatch> {
    let status: StringArray = rows.iter().map(|(_, status, _)| *status).collect();
    let mut columns = keys(&rows.iter().map(|(id, _, _)| *id).collect::<Vec<_>>());
    columns.push(Arc::new(status));
    batch(UPSERT, columns, rows.iter().map(|(_, _, time)| *time).collect())
}

/// Rows of [`DELETE`]: id, write timestamp.
pub fn delete_batch(rows: &[(u8, i64)]) -> Arc<WriteBatch> {
    let columns = keys(&rows.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    batch(DELETE, columns, rows.iter().map(|(_, time)| *time).collect())
}

fn batch(output: usize, columns: Vec<arrow_array::ArrayRef>, times: Vec<i64>) -> Arc<WriteBatch> {
    let rows = times.len();
    Arc::new(WriteBatch {
        output,
        batch: Batch { rows, columns },
        write_times: times.into_iter().map(WriteTime).collect(),
        records: Arc::default(),
        source: Vec::new(),
        numbers: Vec::new(),
        parts: Parts::new(),
    })
}

fn keys(ids: &[u8]) -> Vec<arrow_array::ArrayRef> {
    let uuids = ids.iter().map(|id| {
        let mut bytes = [0; 16];
        bytes[15] = *id;
        bytes
    });
    let id = FixedSizeBinaryArray::try_from_iter(uuids).expect("sixteen bytes each");
    let at = TimestampMillisecondArray::from_iter_values(ids.iter().map(|id| i64::from(*id) * 1000));
    vec![Arc::new(id), Arc::new(at)]
}
