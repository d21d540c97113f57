//! Tests that lowering and lifting undo each other, and that no returned column makes lifting panic or accept bad data.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, FixedSizeBinaryArray, Float64Array, Int32Array,
    Int64Array, StringArray, TimestampMillisecondArray,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::bindings::exports::host::transform::transformer as wit;
use super::bindings::host::transform::columns::{
    ColumnParam, ColumnResult, ValuesParam, ValuesResult, VariableParam, VariableResult,
};
use super::limits::Limits;
use super::lower::Lowered;
use super::{lift, lift_column};
use crate::record::columns::{Batch, DataType};
use crate::record::descriptor::{Descriptor, Effect, Field, Input, Origin, Output, Target};

const MAX_ROWS: usize = 40;

/// A change that damages a good column.
#[derive(Debug, Clone)]
enum Damage {
    Drop,
    Repeat,
    Offset(Index, i32),
    Byte(Index, u8),
    Validity(Option<Vec<u8>>),
    Type(DataType),
}

proptest! {
    #[test]
    fn what_is_lowered_and_lifted_is_what_it_was((batch, start, rows) in batch_and_slice()) {
        for batch in [batch.clone(), slice(&batch, start, rows)] {
            let inputs = inputs();
            let lowered = Lowered::new(&batch, &inputs);
            for ((column, input), expected) in lowered.columns().iter().zip(&inputs).zip(&batch.columns) {
                let lifted = lift_column::column(returned(column), &input.field, batch.rows);
                let lifted = lifted.expect("a column that holds");
                prop_assert_eq!(lifted.data_type(), &input.field.data_type.to_arrow());
                prop_assert_eq!(lifted.as_ref(), expected.as_ref());
            }
        }
    }

    #[test]
    fn a_damaged_column_is_refused_or_holds(
        (batch, ..) in batch_and_slice(),
        which in 0..DataType::ALL.len(),
        damages in vec(damage(), 1..4),
        rows in prop_oneof![4 => Just(None), 1 => (0..=MAX_ROWS).prop_map(Some)],
        nullable in any::<bool>(),
    ) {
        let inputs = inputs();
        let mut column = returned(&Lowered::new(&batch, &inputs).columns()[which]);
        let mut field = Field { nullable, ..inputs[which].field.clone() };
        for damage in damages {
            apply(damage, &mut column, &mut field);
        }
        let rows = rows.unwrap_or(batch.rows);
        if let Ok(array) = lift_column::column(column, &field, rows) {
            prop_assert_eq!(array.len(), rows);
            prop_assert_eq!(array.data_type(), &field.data_type.to_arrow());
            prop_assert!(nullable || array.null_count() == 0);
            prop_assert!(array.to_data().validate_full().is_ok());
        }
    }

    #[test]
    fn an_accepted_outcome_accounts_for_every_record_once(
        records in 0_usize..8,
        sources in vec(vec(0_u32..9, 0..6), 0..3),
        filtered in vec(0_u32..9, 0..4),
        rejects in vec((0_u32..9, "[a-z-]{0,3}"), 0..4),
    ) {
        let source_rows: Vec<u32> = sources.concat();
        let returned = wit::Outcome {
            rows: sources.into_iter().map(numbers).collect(),
            filtered: filtered.clone(),
            rejects: rejects
                .iter()
                .map(|(row, code)| wit::Reject { row: *row, code: code.clone(), message: String::new() })
                .collect(),
        };
        let accepted = lift::outcome(returned, records, &descriptor(), Limits::default());
        let times_settled = |row: u32| {
            let is_row = |other: &&u32| **other == row;
            usize::from(source_rows.contains(&row))
                + filtered.iter().filter(is_row).count()
                + rejects.iter().filter(|(other, _)| *other == row).count()
        };
        let named = || source_rows.iter().chain(&filtered).copied().chain(rejects.iter().map(|(row, _)| *row));
        let holds = named().all(|row| (row as usize) < records && times_settled(row) == 1)
            && rejects.iter().all(|(_, code)| !code.is_empty());
        prop_assert_eq!(accepted.is_ok(), holds);
        if let Ok(outcome) = accepted {
            let count = |code: &str| outcome.rejects.iter().filter(|(_, reject)| reject.code == code).count();
            let left_out = (0..).take(records).filter(|&row| times_settled(row) == 0).count();
            prop_assert_eq!(count("unaccounted"), left_out);
            prop_assert_eq!(outcome.rejects.len(), rejects.len() + left_out);
        }
    }
}

fn inputs() -> Vec<Input> {
    let field = |data_type: DataType| Field {
        name: data_type.name().to_owned(),
        data_type,
        nullable: true,
    };
    let input = |data_type| Input {
        field: field(data_type),
        origin: Origin::WholeValue,
    };
    DataType::ALL.map(input).into()
}

/// A descriptor with one output of one number.
fn descriptor() -> Descriptor {
    Descriptor {
        name: "numbers".to_owned(),
        version: "1".to_owned(),
        inputs: Vec::new(),
        lookups: Vec::new(),
        outputs: vec![Output {
            name: "numbers".to_owned(),
            target: Target::Table("numbers".to_owned()),
            effect: Effect::Upsert,
            fields: vec![Field {
                name: "number".to_owned(),
                data_type: DataType::Int32,
                nullable: false,
            }],
        }],
    }
}

fn numbers(source: Vec<u32>) -> wit::Rows {
    let values = ValuesResult::Int32(vec![7; source.len()]);
    let column = ColumnResult { validity: None, values };
    wit::Rows {
        output: 0,
        source,
        columns: vec![column],
    }
}

/// A batch with a column of each type, and a slice of it.
fn batch_and_slice() -> impl Strategy<Value = (Batch, usize, usize)> {
    let batch = (0..=MAX_ROWS).prop_flat_map(|rows| {
        let columns: Vec<_> = DataType::ALL.iter().map(|&data_type| column(data_type, rows)).collect();
        columns.prop_map(move |columns| Batch { rows, columns })
    });
    (batch, any::<Index>(), any::<Index>()).prop_map(|(batch, start, rows)| {
        let start = start.index(batch.rows + 1);
        let rows = rows.index(batch.rows - start + 1);
        (batch, start, rows)
    })
}

fn slice(batch: &Batch, start: usize, rows: usize) -> Batch {
    Batch {
        rows,
        columns: batch.columns.iter().map(|column| column.slice(start, rows)).collect(),
    }
}

fn column(data_type: DataType, rows: usize) -> BoxedStrategy<ArrayRef> {
    fn of<T: Strategy + 'static, A: Array + From<Vec<Option<T::Value>>> + 'static>(
        value: T,
        rows: usize,
    ) -> BoxedStrategy<ArrayRef> {
        // Few nulls, some nulls, or few values: proptest takes no probability of 0 or 1.
        let nulls = prop_oneof![Just(0.999), Just(0.7), Just(0.001)];
        let value = Arc::new(value);
        nulls
            .prop_flat_map(move |some| vec(proptest::option::weighted(some, Arc::clone(&value)), rows))
            .prop_map(|values| Arc::new(A::from(values)) as ArrayRef)
            .boxed()
    }
    match data_type {
        DataType::Boolean => of::<_, BooleanArray>(any::<bool>(), rows),
        DataType::Int32 => of::<_, Int32Array>(any::<i32>(), rows),
        DataType::Int64 => of::<_, Int64Array>(any::<i64>(), rows),
        DataType::Float64 => of::<_, Float64Array>(any::<f64>(), rows),
        DataType::Text => of::<_, StringArray>(any::<String>(), rows),
        DataType::Json => of::<_, StringArray>(
            any::<String>().prop_map(|text| serde_json::json!([text]).to_string()),
            rows,
        ),
        DataType::Timestamp => of::<_, TimestampMillisecondArray>(any::<i64>(), rows),
        DataType::Date => of::<_, Date32Array>(any::<i32>(), rows),
        DataType::Blob => vec(proptest::option::of(vec(any::<u8>(), 0..20)), rows)
            .prop_map(|blobs| {
                let blobs: Vec<_> = blobs.iter().map(Option::as_deref).collect();
                Arc::new(BinaryArray::from(blobs)) as ArrayRef
            })
            .boxed(),
        DataType::Uuid => vec(proptest::option::of(any::<[u8; 16]>()), rows)
            .prop_map(|ids| {
                let array = FixedSizeBinaryArray::try_from_sparse_iter_with_size(ids.into_iter(), 16);
                Arc::new(array.expect("16 bytes each")) as ArrayRef
            })
            .boxed(),
    }
}

/// The column of a guest that returns what it was given.
fn returned(column: &ColumnParam<'_>) -> ColumnResult {
    let variable = |variable: &VariableParam<'_>| VariableResult {
        offsets: variable.offsets.to_vec(),
        data: variable.data.to_vec(),
    };
    ColumnResult {
        validity: column.validity.map(<[u8]>::to_vec),
        values: match &column.values {
            ValuesParam::Boolean(bits) => ValuesResult::Boolean(bits.to_vec()),
            ValuesParam::Int32(values) => ValuesResult::Int32(values.to_vec()),
            ValuesParam::Int64(values) => ValuesResult::Int64(values.to_vec()),
            ValuesParam::Float64(values) => ValuesResult::Float64(values.to_vec()),
            ValuesParam::Text(text) => ValuesResult::Text(variable(text)),
            ValuesParam::Blob(blob) => ValuesResult::Blob(variable(blob)),
            ValuesParam::Json(json) => ValuesResult::Json(variable(json)),
            ValuesParam::Uuid(bytes) => ValuesResult::Uuid(bytes.to_vec()),
            ValuesParam::Timestamp(values) => ValuesResult::Timestamp(values.to_vec()),
            ValuesParam::Date(values) => ValuesResult::Date(values.to_vec()),
        },
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let offset = prop_oneof![-2..60_i32, Just(i32::MIN), Just(i32::MAX)];
    prop_oneof![
        Just(Damage::Drop),
        Just(Damage::Repeat),
        (any::<Index>(), offset).prop_map(|(index, offset)| Damage::Offset(index, offset)),
        (any::<Index>(), any::<u8>()).prop_map(|(index, byte)| Damage::Byte(index, byte)),
        proptest::option::of(vec(any::<u8>(), 0..8)).prop_map(Damage::Validity),
        (0..DataType::ALL.len()).prop_map(|index| Damage::Type(DataType::ALL[index])),
    ]
}

fn apply(damage: Damage, column: &mut ColumnResult, field: &mut Field) {
    match (damage, &mut column.values) {
        (Damage::Validity(validity), _) => column.validity = validity,
        (Damage::Type(data_type), _) => field.data_type = data_type,
        (damage, ValuesResult::Boolean(bytes) | ValuesResult::Uuid(bytes)) => resize_or_set(&damage, bytes),
        (damage, ValuesResult::Int32(values) | ValuesResult::Date(values)) => resize(&damage, values),
        (damage, ValuesResult::Int64(values) | ValuesResult::Timestamp(values)) => resize(&damage, values),
        (damage, ValuesResult::Float64(values)) => resize(&damage, values),
        (damage, ValuesResult::Text(variable) | ValuesResult::Blob(variable) | ValuesResult::Json(variable)) => {
            match damage {
                Damage::Offset(index, offset) if !variable.offsets.is_empty() => {
                    *index.get_mut(&mut variable.offsets) = offset;
                }
                Damage::Drop => _ = variable.data.pop(),
                Damage::Repeat => resize(&damage, &mut variable.offsets),
                damage => resize_or_set(&damage, &mut variable.data),
            }
        }
    }
}

fn resize<T: Copy>(damage: &Damage, values: &mut Vec<T>) {
    match damage {
        Damage::Drop => _ = values.pop(),
        Damage::Repeat => values.extend(values.last().copied()),
        _ => {}
    }
}

fn resize_or_set(damage: &Damage, bytes: &mut Vec<u8>) {
    match damage {
        Damage::Byte(index, byte) if !bytes.is_empty() => *index.get_mut(bytes) = *byte,
        damage => resize(damage, bytes),
    }
}
