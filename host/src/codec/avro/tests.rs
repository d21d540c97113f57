//! What is read straight is what apache-avro reads: the same rows, the same rejects, for any schema and any bytes.

use std::collections::HashMap;

use apache_avro::Schema;
use proptest::prelude::*;

use super::*;
use crate::codec::rows::{PlanOrReject, Reads, Rows};
use crate::record::Record;
use crate::record::descriptor::Field;
use crate::record::position::{Offset, Partition, Position};
use crate::record::reject::Reject;
use kinds::{Entropy, Kind};

mod kinds;

const ID: u32 = 7;

fn record(datum: &[u8]) -> Record {
    let partition = Partition {
        topic: "t".into(),
        number: 0,
    };
    Record {
        position: Position {
            partition: Arc::new(partition),
            offset: Offset(5),
            line: None,
        },
        timestamp_ms: None,
        key: None,
        value: Some([&[0], ID.to_be_bytes().as_slice(), datum].concat().into()),
        headers: Vec::new(),
        redriven: None,
    }
}

fn input(name: &str, data_type: DataType, nullable: bool, origin: Origin) -> Input {
    Input {
        field: Field {
            name: name.to_owned(),
            data_type,
            nullable,
        },
        origin,
    }
}

/// The rows as their columns show them, and each record's reject, if it is one.
fn decode(reads: &Reads, plan: Plan, records: &[Record]) -> (String, Vec<Option<Reject>>) {
    let plans: HashMap<u32, PlanOrReject> = HashMap::from([(ID, Ok(Arc::new(plan)))]);
    let mut rows = Rows::new(reads, &plans, records.len());
    let rejects = records.iter().map(|record| rows.push(record).err()).collect();
    (format!("{:?}", rows.finish()), rejects)
}

/// Inputs for fields `f0`, `f1`, …, some of which the schema has, some twice, some for other origins.
fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let origin = prop_oneof![
        12 => (0..5_usize).prop_map(|field| Origin::Value(format!("f{field}"))),
        1 => Just(Origin::Key),
        1 => Just(Origin::Offset),
        1 => Just(Origin::WholeValue),
    ];
    // Nearly anything fits text, and a row with one value that does not fit says nothing of the others.
    let wanted = prop_oneof![
        6 => Just(DataType::Text),
        1 => Just(DataType::Blob),
        1 => Just(DataType::Int64),
        1 => Just(DataType::Timestamp),
        1 => prop::sample::select(DataType::ALL.as_slice()),
    ];
    let one = (wanted, prop::bool::weighted(0.9), origin);
    prop::collection::vec(
        one.prop_map(|(data_type, nullable, origin)| input("i", data_type, nullable, origin)),
        1..4,
    )
}

/// The datum as it is, cut, followed by more, and with bytes changed.
fn spoilt(datum: &[u8], places: &[(prop::sample::Index, u8)]) -> Vec<Vec<u8>> {
    let mut data = vec![datum.to_vec(), [datum, &[0]].concat()];
    for (place, byte) in places {
        data.push(datum.get(..place.index(datum.len() + 1)).unwrap_or_default().to_vec());
        if !datum.is_empty() {
            let mut flipped = datum.to_vec();
            flipped[place.index(datum.len())] ^= byte;
            data.push(flipped);
        }
    }
    data
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn straight_and_tree_give_the_same_rows_and_rejects(
        fields in prop::collection::vec(kinds::kind(), 1..5),
        inputs in inputs(),
        entropy in prop::collection::vec(any::<u8>(), 64),
        places in prop::collection::vec((any::<prop::sample::Index>(), 1..=u8::MAX), 8),
    ) {
        bound_allocations();
        let whole = Kind::Record(fields);
        let schema = Schema::parse_str(&whole.schema()).map_err(|error| TestCaseError::fail(format!("{error}: {}", whole.schema())))?;
        let schema = Arc::new(schema);
        let Ok(plan) = Plan::new(ID, Arc::clone(&schema), &inputs) else {
            return Ok(());
        };
        let datum = whole.datum(&mut Entropy::new(&entropy));
        let records: Vec<_> = spoilt(&datum, &places).iter().map(|datum| record(datum)).collect();
        let tree = Plan { straight: None, ..Plan::new(ID, schema, &inputs).expect("as before") };
        let reads = Reads::new(&inputs);

        let wants_json = plan.straight.is_none();
        let read_straight: Vec<bool> = records.iter().map(|record| {
            let datum = &record.value.as_deref().unwrap_or_default()[5..];
            plan.read(datum, &mut vec![Cell::Null; inputs.len()], &mut Spare::default()).is_some()
        }).collect();
        let ours = decode(&reads, plan, &records);
        let theirs = decode(&reads, tree, &records);
        prop_assert_eq!(&ours, &theirs, "{}", whole.schema());
        // And what is a row is read straight, but for what only the library reads.
        for (reject, straight) in theirs.1.iter().zip(read_straight) {
            prop_assert!(straight || reject.is_some() || wants_json || !reads.avro || whole.has_big_decimal());
        }
    }
}

#[test]
fn an_order_is_read_straight() {
    let schema = Schema::parse_str(include_str!("../../../../schemas/ecommerce-orders-value.avsc")).expect("a schema");
    let inputs: Vec<_> = ["order_status", "order_id"]
        .map(|name| input(name, DataType::Text, true, Origin::Value(name.to_owned())))
        .into();
    let plan = Plan::new(ID, Arc::new(schema), &inputs).expect("a plan");
    let datum = b"\x02\x04id\0\x02\x06new\0\0\0\0\0";
    let mut row = vec![Cell::Null; 2];
    assert_eq!(plan.read(datum, &mut row, &mut Spare::default()), Some(()));
    assert_eq!(row, [Cell::Text("new".into()), Cell::Text("id".into())]);
    for length in 0..datum.len() {
        assert_eq!(
            plan.read(&datum[..length], &mut row, &mut Spare::default()),
            None,
            "{length}"
        );
    }
}

#[test]
fn what_would_need_much_memory_is_not_even_tried() {
    let schema = r#"{"type": "record", "name": "R", "fields": [
        {"name": "s", "type": "string"}, {"name": "m", "type": {"type": "map", "values": "null"}}]}"#;
    let schema = Arc::new(Schema::parse_str(schema).expect("a schema"));
    let plan = Plan::new(
        ID,
        schema,
        &[input("s", DataType::Text, false, Origin::Value("s".to_owned()))],
    )
    .expect("a plan");
    let read = |datum: &[u8]| plan.read(datum, &mut [Cell::Null], &mut Spare::default());
    assert_eq!(read(b"\x02a\0"), Some(()));
    // A string of 2^40 bytes, a map of as many members, a map whose blocks never end, i64::MIN members.
    assert_eq!(read(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]), None);
    assert_eq!(read(&[2, b'a', 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]), None);
    assert_eq!(read(&[[2, b'a'].as_slice(), &[2, 0].repeat(1_000_000)].concat()), None);
    assert_eq!(
        read(&[
            2, b'a', 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0, 0
        ]),
        None
    );
}
