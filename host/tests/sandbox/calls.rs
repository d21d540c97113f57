//! Calls that go well: rows, filtered, rejects, and columns of every type through a real guest.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, FixedSizeBinaryArray, Float64Array, Int32Array,
    Int64Array, StringArray, TimestampMillisecondArray,
};
use host::plugin::limits::Limits;
use host::record::columns::Batch;
use host::record::reject::Reject;
use host::record::stage::Stage;

use crate::built::{batch, call, configured, plugin};

#[test]
fn every_record_is_a_row_or_filtered_or_rejected() {
    let behaviours = ["ok", "filter", "reject", "two-rows", "unaccounted", "ok"];
    let outcome = call(&plugin(Limits::default()), &behaviours).expect("an outcome");
    assert_eq!(outcome.rows.len(), 1);
    let rows = &outcome.rows[0];
    assert_eq!(rows.source, [0, 3, 3, 5]);
    assert_eq!((rows.output, rows.batch.rows), (0, 4));
    let numbers: Vec<_> = rows.batch.columns[1].as_primitive::<Int64Type>().iter().collect();
    assert_eq!(numbers, [Some(0), Some(3), Some(3), None]);
    let texts: Vec<_> = rows.batch.columns[0].as_string::<i32>().iter().flatten().collect();
    assert_eq!(texts, ["ok", "two-rows", "two-rows", "ok"]);
    assert_eq!(outcome.filtered, [1]);
    let unaccounted = "the plugin neither returned, filtered nor rejected this record";
    assert_eq!(
        outcome.rejects,
        [
            (2, Reject::new(Stage::Transform, "as-asked", "rejected as asked")),
            (4, Reject::new(Stage::Transform, "unaccounted", unaccounted)),
        ]
    );
}

#[test]
fn a_long_message_is_cut_between_characters() {
    let outcome = call(&plugin(Limits::default()), &["long-message"]).expect("an outcome");
    let (row, reject) = &outcome.rejects[0];
    assert_eq!((*row, &*reject.code), (0, "long"));
    assert!(reject.message.starts_with("größer größer"), "{}", reject.message);
    assert!(reject.message.ends_with('…'), "{}", reject.message);
    assert!((900..1_010).contains(&reject.message.len()), "{}", reject.message.len());
}

#[test]
fn an_empty_batch_gives_an_empty_outcome() {
    let outcome = call(&plugin(Limits::default()), &[]).expect("an outcome");
    assert_eq!(outcome.rows.iter().map(|rows| rows.source.len()).sum::<usize>(), 0);
    assert!(outcome.filtered.is_empty() && outcome.rejects.is_empty());
}

#[test]
fn columns_of_every_type_come_back_as_they_went_whole_and_in_slices() {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(
            [Some(true), None, Some(false), Some(true)].repeat(5),
        )),
        Arc::new(Int32Array::from([Some(i32::MIN), None, Some(-1), Some(7)].repeat(5))),
        Arc::new(Int64Array::from([i64::MAX, 0, -1, i64::MIN].repeat(5))),
        Arc::new(Float64Array::from(
            [Some(1.5), None, Some(-0.0), Some(f64::NEG_INFINITY)].repeat(5),
        )),
        Arc::new(StringArray::from([Some("größe"), None, Some(""), Some("x")].repeat(5))),
        Arc::new(BinaryArray::from(
            [Some(&b"\xff\0"[..]), None, Some(&b""[..]), Some(&b"x"[..])].repeat(5),
        )),
        Arc::new(StringArray::from(
            [Some("{\"a\":[1]}"), None, Some("null"), Some("1")].repeat(5),
        )),
        Arc::new(
            FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                [Some([1_u8; 16]), None, Some([0; 16]), Some([0xff; 16])]
                    .repeat(5)
                    .into_iter(),
                16,
            )
            .expect("16 bytes each"),
        ),
        Arc::new(TimestampMillisecondArray::from(
            [Some(1_506_942_993_000), None, Some(-1), Some(0)].repeat(5),
        )),
        Arc::new(Date32Array::from([Some(17_441), None, Some(-1), Some(0)].repeat(5))),
    ];
    let plugin = configured("echo", Limits::default()).expect("it echoes");
    let mut instance = plugin.instantiate().expect("an instance");
    for (start, rows) in [(0, 20), (0, 7), (3, 11), (8, 8), (19, 1), (20, 0)] {
        let batch = Batch {
            rows,
            columns: columns.iter().map(|column| column.slice(start, rows)).collect(),
        };
        let outcome = instance.transform(&batch).expect("an outcome");
        let returned = &outcome.rows[0].batch;
        assert_eq!(returned.rows, rows);
        for (returned, given) in returned.columns.iter().zip(&batch.columns) {
            assert_eq!(returned.data_type(), given.data_type());
            assert_eq!(returned.as_ref(), given.as_ref(), "{start} + {rows}");
        }
    }
}

#[test]
fn the_same_batch_gives_the_same_outcome_in_any_instance() {
    let plugin = plugin(Limits::default());
    let behaviours = ["ok", "two-rows", "reject", "ok", "filter", "unaccounted"];
    let first = format!("{:?}", call(&plugin, &behaviours).expect("an outcome"));
    let mut instance = plugin.instantiate().expect("an instance");
    for _ in 0..3 {
        let again = instance.transform(&batch(&behaviours)).expect("an outcome");
        assert_eq!(format!("{again:?}"), first);
    }
}

#[test]
fn threads_call_instances_of_one_plugin_side_by_side() {
    let plugin = plugin(Limits::default());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(call(&plugin, &["ok"; 30]).expect("an outcome").rows[0].source.len(), 30);
                }
            });
        }
    });
}
