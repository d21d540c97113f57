//! What goes into the frame, byte by byte.

use std::sync::Arc;

use arrow_array::{
    BinaryArray, Date32Array, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMillisecondArray,
};

use super::*;
use crate::cassandra::prepared::{put_cell, put_row};
use crate::cassandra::types::{ColumnType, CqlValue, NativeType};
use crate::record::columns::DataType;
use crate::record::position::WriteTime;
use crate::sink::one_key::Parts;

const ROWS: usize = 2;

/// A value and a null of each data type.
fn column(data_type: DataType) -> ArrayRef {
    match data_type {
        DataType::Boolean => Arc::new(BooleanArray::from(vec![Some(true), None])),
        DataType::Int32 => Arc::new(Int32Array::from(vec![Some(-7), None])),
        DataType::Int64 => Arc::new(Int64Array::from(vec![Some(1 << 40), None])),
        DataType::Float64 => Arc::new(Float64Array::from(vec![Some(-0.5), None])),
        DataType::Text => Arc::new(StringArray::from(vec![Some("test"), None])),
        DataType::Json => Arc::new(StringArray::from(vec![Some(r#"{"a":1}"#), None])),
        DataType::Blob => Arc::new(BinaryArray::from(vec![Some(&b"\0\xff"[..]), None])),
        DataType::Uuid => {
            let values = [Some([9; 16]), None];
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(values.into_iter(), 16).unwrap())
        }
        DataType::Timestamp => Arc::new(TimestampMillisecondArray::from(vec![Some(-1), None])),
        DataType::Date => Arc::new(Date32Array::from(vec![Some(-1), None])),
    }
}

fn binding(field: usize, data_type: DataType, native: NativeType, role: Role) -> Binding {
    Binding {
        field,
        data_type,
        column: format!("c{field}"),
        column_type: ColumnType::Native(native),
        role,
    }
}

fn markers(bindings: Vec<Binding>) -> Markers {
    let keys = bindings
        .iter()
        .enumerate()
        .filter(|(_, binding)| binding.role == Role::Key);
    Markers {
        partition_key: keys.map(|(index, _)| index).collect(),
        bindings,
        write_time: TimestampMarker::Last,
        nulls: Nulls::Unset,
        cells: Cells::Kept,
    }
}

fn batch(columns: Vec<ArrayRef>) -> WriteBatch {
    WriteBatch {
        output: 0,
        batch: Batch { rows: ROWS, columns },
        write_times: vec![WriteTime(5), WriteTime(6)],
        records: Arc::default(),
        source: vec![0, 1],
        numbers: Vec::new(),
        parts: Parts::new(),
    }
}

fn frame(bound: &Bound<'_>, row: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_row(&bound.row(row), &mut bytes).unwrap();
    bytes
}

/// A value as the driver writes it; `None` as an unset one.
fn value(value: Option<(CqlValue, NativeType)>) -> Vec<u8> {
    let value = value.map(|(value, native)| (value, ColumnType::Native(native)));
    put_cell(value.as_ref().map(|(value, column_type)| (value, column_type)))
}

const PAIRS: [(DataType, NativeType); 20] = [
    (DataType::Boolean, NativeType::Boolean),
    (DataType::Int32, NativeType::Int),
    (DataType::Int32, NativeType::BigInt),
    (DataType::Int32, NativeType::TinyInt),
    (DataType::Int32, NativeType::Varint),
    (DataType::Int64, NativeType::BigInt),
    (DataType::Int64, NativeType::Decimal),
    (DataType::Float64, NativeType::Double),
    (DataType::Float64, NativeType::Float),
    (DataType::Text, NativeType::Text),
    (DataType::Text, NativeType::Ascii),
    (DataType::Json, NativeType::Text),
    (DataType::Blob, NativeType::Blob),
    (DataType::Uuid, NativeType::Uuid),
    (DataType::Timestamp, NativeType::Timestamp),
    (DataType::Date, NativeType::Date),
    (DataType::Int64, NativeType::Varint),
    (DataType::Int32, NativeType::Decimal),
    (DataType::Int32, NativeType::SmallInt),
    (DataType::Int32, NativeType::Double),
];

#[test]
fn every_value_has_the_bytes_that_its_conversion_has() {
    for (data_type, native) in PAIRS {
        let markers = markers(vec![binding(0, data_type, native.clone(), Role::Value)]);
        let batch = batch(vec![column(data_type)]);
        let (bound, misfits) = markers.bind(&batch, &[0, 1]);
        assert!(misfits.is_empty(), "{data_type} as {native:?}: {misfits:?}");
        for row in 0..2 {
            let converted = markers.bindings[0].value(&batch.batch, row as usize).unwrap();
            let mut expected = value(converted.map(|value| (value, native.clone())));
            let time = CqlValue::BigInt(5 + i64::from(row));
            expected.extend(value(Some((time, NativeType::BigInt))));
            assert_eq!(frame(&bound, row), expected, "{data_type} as {native:?}, row {row}");
        }
    }
}

#[test]
fn the_write_timestamp_stands_where_its_marker_is_and_nulls_are_as_wanted() {
    let with = |write_time, nulls| Markers {
        write_time,
        nulls,
        ..markers(vec![binding(0, DataType::Int32, NativeType::Int, Role::Value)])
    };
    let batch = batch(vec![column(DataType::Int32)]);
    let time = [&[0, 0, 0, 8][..], &6_i64.to_be_bytes()].concat();
    let (unset, null) = ([255, 255, 255, 254], [255, 255, 255, 255]);
    let last = with(TimestampMarker::Last, Nulls::Unset);
    assert_eq!(frame(&last.bind(&batch, &[1]).0, 1), [&unset[..], &time].concat());
    let first = with(TimestampMarker::First, Nulls::Tombstone);
    assert_eq!(frame(&first.bind(&batch, &[1]).0, 1), [&time[..], &null].concat());
}

#[test]
fn a_ttl_stands_last_and_is_what_is_left_of_the_rows_life() {
    let hour = Ttl::of_table(3600).unwrap();
    let markers = Markers {
        cells: Cells::Expiring(hour),
        ..markers(vec![binding(0, DataType::Int32, NativeType::Int, Role::Value)])
    };
    let mut batch = batch(vec![column(DataType::Int32)]);
    let begun = ttl::now();
    // Half an hour old, and of 1970: by then it was to be taken away by another statement.
    batch.write_times[0] = WriteTime((begun - 1800) * 1_000_000);
    let (bound, _) = markers.bind(&batch, &[0, 1]);
    let left = |row: u32| {
        let bytes = frame(&bound, row);
        let (length, left) = bytes[bytes.len() - 8..].split_at(4);
        assert_eq!(length, [0, 0, 0, 4]);
        i64::from(i32::from_be_bytes(left.try_into().unwrap()))
    };
    let taken = ttl::now() - begun;
    assert!((1800 - taken..=1800).contains(&left(0)), "{}", left(0));
    assert_eq!(left(1), 1);
}

#[test]
fn an_erased_row_has_its_key_tombstones_for_values_and_leaves_nulls_alone() {
    let key = binding(0, DataType::Int32, NativeType::Int, Role::Key);
    let value = |field| binding(field, DataType::Int64, NativeType::BigInt, Role::Value);
    let erasing = |nulls| Markers {
        write_time: TimestampMarker::First,
        nulls,
        cells: Cells::Erased,
        ..markers(vec![value(1), key.clone()])
    };
    let keys: ArrayRef = Arc::new(Int32Array::from(vec![-7, -7]));
    let batch = batch(vec![keys, column(DataType::Int64)]);
    let time = |row: i64| [&[0, 0, 0, 8][..], &(5 + row).to_be_bytes()].concat();
    let (unset, null) = ([255, 255, 255, 254], [255, 255, 255, 255]);
    let key = [&[0, 0, 0, 4][..], &(-7_i32).to_be_bytes()].concat();
    for (nulls, row, cell) in [
        (Nulls::Unset, 0, null),
        (Nulls::Unset, 1, unset),
        (Nulls::Tombstone, 0, null),
        (Nulls::Tombstone, 1, null),
    ] {
        let markers = erasing(nulls);
        let (bound, _) = markers.bind(&batch, &[0, 1]);
        let expected = [time(i64::from(row)), cell.to_vec(), key.clone()].concat();
        assert_eq!(frame(&bound, row), expected, "{nulls:?}, row {row}");
    }
}

#[test]
fn a_row_that_does_not_fit_is_named_by_its_place_in_the_question() {
    let markers = markers(vec![
        binding(0, DataType::Uuid, NativeType::Uuid, Role::Key),
        binding(1, DataType::Int64, NativeType::Int, Role::Value),
    ]);
    let batch = batch(vec![column(DataType::Uuid), column(DataType::Int64)]);
    let misfits = |which: &[u32]| {
        let (_, misfits) = markers.bind(&batch, which);
        let said = misfits.iter().map(|(at, error)| format!("{at}: {error}"));
        said.collect::<Vec<_>>()
    };
    let (null, large) = (
        "column c0 is part of the primary key and the row has no value for it",
        "column c1: 1099511627776 does not fit int",
    );
    assert_eq!(misfits(&[0, 1]), [format!("1: {null}"), format!("0: {large}")]);
    assert_eq!(misfits(&[1]), [format!("0: {null}")]);
}

/// The first is known from Cassandra's `SELECT token('test')`; with two columns it is that of lengths, bytes and zeros.
#[test]
fn the_token_is_that_of_the_partition_key() {
    let text = binding(0, DataType::Text, NativeType::Text, Role::Key);
    let batch = batch(vec![column(DataType::Text), column(DataType::Int32)]);
    let one = markers(vec![text.clone()]);
    assert_eq!(one.bind(&batch, &[0]).0.token(0), -6_017_608_668_500_074_083);
    let two = markers(vec![text, binding(1, DataType::Int32, NativeType::Int, Role::Key)]);
    let composite = b"\0\x04test\0\0\x04\xff\xff\xff\xf9\0";
    let mut hasher = TokenHasher::default();
    hasher.write(composite);
    assert_eq!(two.bind(&batch, &[0]).0.token(0), hasher.token());
}

#[test]
fn a_row_counts_as_much_as_its_values_and_what_the_server_keeps_beside_them() {
    let markers = markers(vec![
        binding(0, DataType::Uuid, NativeType::Uuid, Role::Key),
        binding(1, DataType::Text, NativeType::Text, Role::Value),
    ]);
    let batch = batch(vec![column(DataType::Uuid), column(DataType::Text)]);
    let (bound, _) = markers.bind(&batch, &[0, 1]);
    assert_eq!(bound.size(0), ROW_BYTES + 2 * CELL_BYTES + 16 + 4);
    assert_eq!(bound.size(1), ROW_BYTES);
}
