//! Which keys are one key to the server.

use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeBinaryArray, StringArray};

use super::*;
use crate::cassandra::types::{ColumnType, NativeType};
use crate::record::columns::DataType;

fn bytes(part: KeyPart, data_type: DataType, column_type: ColumnType<'static>, values: ArrayRef) -> Vec<Vec<u8>> {
    let binding = Binding {
        field: 0,
        data_type,
        column: "key".into(),
        column_type,
        role: Role::Key,
    };
    let batch = Batch {
        rows: values.len(),
        columns: vec![values],
    };
    let value = |row| {
        let mut bytes = Vec::new();
        put_value(&binding, part, &batch, row, &mut bytes).map(|()| bytes)
    };
    (0..batch.rows).filter_map(value).collect()
}

#[test]
fn a_key_is_the_same_from_whichever_type_it_was_converted() {
    let id = "0a1b2c3d-4e5f-4607-8899-aabbccddeef7";
    let of_text = Arc::new(StringArray::from(vec![id, &id.to_uppercase(), "nothing"]));
    let of_text = bytes(
        KeyPart::Partition,
        DataType::Text,
        ColumnType::Native(NativeType::Uuid),
        of_text,
    );
    let binary = of_text[0].clone();
    let of_bytes = FixedSizeBinaryArray::try_from_iter([binary.as_slice()].into_iter()).unwrap();
    let of_bytes = bytes(
        KeyPart::Partition,
        DataType::Uuid,
        ColumnType::Native(NativeType::Uuid),
        Arc::new(of_bytes),
    );
    assert_eq!(
        of_text,
        [binary.clone(), binary.clone()],
        "what does not fit has no key"
    );
    assert_eq!(of_bytes, [binary]);
}

#[test]
fn decimals_are_one_clustering_key_by_value_and_one_partition_key_by_their_digits() {
    let decimals = |part| {
        let texts = Arc::new(StringArray::from(vec![
            "1.0", "1.00", "10e-1", "0", "0.00", "100", "-1.0",
        ]));
        bytes(part, DataType::Text, ColumnType::Native(NativeType::Decimal), texts)
    };
    let clustering = decimals(KeyPart::Clustering);
    assert!(clustering[0] == clustering[1] && clustering[1] == clustering[2]);
    assert_eq!(clustering[3], clustering[4]);
    assert!(clustering[5] != clustering[0] && clustering[6] != clustering[0]);
    let partition = decimals(KeyPart::Partition);
    assert_ne!(partition[0], partition[1]);
}
