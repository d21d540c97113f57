//! Compares the codec with apache-avro: the same rows and the same rejects for any schema and any bytes, except for
//! faults in a field that no input asks for.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::codec::builder::Columns;
use crate::codec::rows::{BatchRows, PlanOrReject, Reads, beside, cell};
use crate::record::Record;
use crate::record::descriptor::Field;
use crate::record::position::{Offset, Partition, Position};
use crate::record::reject::Reject;
use kinds::{Entropy, Kind};

mod kinds;
mod oracle;

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

/// The record as its columns show it, or its reject.
fn decode(schema: &Arc<Schema>, inputs: &[Input], record: &Record) -> Result<String, Reject> {
    let plan = Plan::new(ID, Arc::clone(schema), inputs).map(Arc::new);
    let plans: HashMap<u32, PlanOrReject> = HashMap::from([(ID, plan)]);
    let reads = Reads::new(inputs);
    let mut rows = BatchRows::new(&reads, &plans, 1);
    rows.push(record)?;
    Ok(format!("{:?}", rows.finish()))
}

/// The same by apache-avro, or `None` if it refuses the datum.
fn by_the_library(
    library: &apache_avro::Schema,
    schema: &Schema,
    inputs: &[Input],
    record: &Record,
) -> Option<Result<String, Reject>> {
    let values = oracle::read(library, &record.value.as_deref().unwrap_or_default()[5..])?;
    let &Shape::Record(root) = schema.root() else {
        return None;
    };
    let fields = &schema.record(root).expect("a record").fields;
    let of_input = |input: &Input| match &input.origin {
        Origin::Value(name) => {
            let place = fields.iter().position(|field| field.name == *name);
            let found =
                |place: usize| oracle::found(&values[place], &fields[place].shape, schema, input.field.data_type);
            cell(input, place.map(found), &mut Spare::default())
        }
        Origin::WholeValue if input.field.data_type == DataType::Json => {
            let members = fields.iter().zip(&values);
            let member = |(field, value): (&crate::codec::schema::Field, _)| {
                Some((field.name.clone(), oracle::to_json(value, &field.shape, schema)?))
            };
            let whole = members
                .map(member)
                .collect::<Option<_>>()
                .map(serde_json::Value::Object);
            let whole = whole.map_or(oracle::TOO_LONG, |whole| RecordValue::Json(whole.to_string().into()));
            cell(input, Some(whole), &mut Spare::default())
        }
        _ => cell(input, beside(record, input)?, &mut Spare::default()),
    };
    let row: Result<Vec<Cell<'_>>, Reject> = inputs.iter().map(of_input).collect();
    Some(row.map(|row| {
        let mut columns = Columns::new(inputs, 1);
        columns.push(&row).expect("room");
        format!("{:?}", columns.finish())
    }))
}

/// Whether the schema has arrays of nulls, which the codec skips and never makes JSON of.
fn has_items_of_nothing(shape: &Shape, schema: &Schema) -> bool {
    let inside = |shape: &Shape| has_items_of_nothing(shape, schema);
    match shape {
        Shape::Array(items) => schema.takes_no_bytes(items) || inside(items),
        Shape::Map(values) => inside(values),
        Shape::Union(branches) => branches.iter().any(inside),
        Shape::Record(index) => {
            let fields = &schema.record(*index).expect("a record").fields;
            fields.iter().any(|field| inside(&field.shape))
        }
        _ => false,
    }
}

/// Inputs for fields `f0`, `f1`, …. Some are in the schema, some come twice, some have other origins.
fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let origin = prop_oneof![
        12 => (0..5_usize).prop_map(|field| Origin::Value(format!("f{field}"))),
        1 => Just(Origin::Key),
        1 => Just(Origin::Offset),
        1 => Just(Origin::WholeValue),
    ];
    // Nearly everything fits text, and a row with one value that does not fit tells nothing about the others.
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
    fn rows_and_rejects_are_those_of_the_library(
        fields in prop::collection::vec(kinds::kind(), 1..5),
        inputs in inputs(),
        entropy in prop::collection::vec(any::<u8>(), 64),
        places in prop::collection::vec((any::<prop::sample::Index>(), 1..=u8::MAX), 8),
    ) {
        apache_avro::util::max_allocation_bytes(1 << 26);
        let whole = Kind::Record(fields);
        let text = whole.schema();
        let library = apache_avro::Schema::parse_str(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        let schema = Arc::new(Schema::parse(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?);
        let Ok(plan) = Plan::new(ID, Arc::clone(&schema), &inputs) else {
            return Ok(());
        };
        if has_items_of_nothing(schema.root(), &schema) {
            return Ok(());
        }
        let all = [inputs.as_slice(), &[input("all", DataType::Json, false, Origin::WholeValue)]].concat();
        let is_whole = |input: &Input| input.origin == Origin::WholeValue && input.field.data_type == DataType::Json;
        let is_direct = !inputs.iter().any(is_whole) && Reads::new(&inputs).avro;
        let datum = whole.datum(&mut Entropy::new(&entropy));
        for datum in spoilt(&datum, &places) {
            let record = record(&datum);
            let ours = decode(&schema, &inputs, &record);
            if !Reads::new(&inputs).avro {
                continue;
            }
            let theirs = by_the_library(&library, &schema, &inputs, &record);
            if let Some(theirs) = &theirs {
                prop_assert_eq!(&ours, theirs, "{}", text);
            }
            // A value that is asked for is judged as strictly as by the library.
            let all_theirs = by_the_library(&library, &schema, &all, &record);
            let all_ours = decode(&schema, &all, &record);
            let (is_row, is_theirs) = (all_ours.is_ok(), all_theirs.is_some_and(|row| row.is_ok()));
            prop_assert_eq!(is_row, is_theirs, "{}: {:02x?}: {:?}", text, datum, all_ours);
            // A record that becomes a row is read by `direct`.
            let read = plan.read(&datum, &mut vec![Cell::Null; inputs.len()], &mut Spare::default());
            prop_assert!(!is_direct || ours.is_err() || read.is_some());
        }
    }
}

#[test]
fn an_order_is_read_straight() {
    let schema = Schema::parse(include_str!("../../../../../schemas/ecommerce-orders-value.avsc")).expect("a schema");
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
    let schema = Arc::new(Schema::parse(schema).expect("a schema"));
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

/// A record whose fields are wrong one after the other, with a text at its end.
const ODD: &str = r#"{"type": "record", "name": "R", "fields": [
    {"name": "uuid", "type": {"type": "string", "logicalType": "uuid"}},
    {"name": "utf", "type": "string"},
    {"name": "flag", "type": "boolean"},
    {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A"]}},
    {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    {"name": "keys", "type": {"type": "map", "values": "int"}},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal"}},
    {"name": "nothing", "type": {"type": "array", "items": "null"}},
    {"name": "t", "type": "string"}]}"#;

const ODD_DATUM: &[u8] =
    b"\x02x\x02\xFF\x07\x12\x80\x80\x80\x80\x80\x01\x02\x02\xFE\x02\0\x02\x05\x80\x80\x80\x80\x80\x80\x01\0\x02t";

fn odd(inputs: &[Input]) -> Result<String, String> {
    let schema = Arc::new(Schema::parse(ODD).expect("a schema"));
    decode(&schema, inputs, &record(ODD_DATUM)).map_err(|reject| reject.to_string())
}

#[test]
fn what_stands_wrong_in_a_field_that_is_not_asked_for_is_of_no_concern() {
    let of = |name: &str, wanted| [input(name, wanted, false, Origin::Value(name.to_owned()))];
    let row = odd(&of("t", DataType::Text)).expect("a row");
    assert!(row.contains("\"t\""), "{row}");
    // A decimal without a precision is its bytes.
    assert!(odd(&of("price", DataType::Blob)).is_ok());
    let words = |name, wanted| odd(&of(name, wanted)).expect_err("a reject");
    let unread = |name, wanted, why: &str| {
        let expected = format!("bad-avro: the Avro record cannot be read: field {name}: {why}");
        assert!(words(name, wanted).starts_with(&expected), "{}", words(name, wanted));
    };
    unread("uuid", DataType::Text, "a uuid is not one");
    unread("utf", DataType::Text, "a string is not UTF-8");
    unread("flag", DataType::Boolean, "a boolean is 7");
    unread("kind", DataType::Text, "symbol 9 of 1 is asked for");
    unread("day", DataType::Date, "17179869184 is out of an int's range");
    unread("keys", DataType::Json, "a string is not UTF-8");
    unread("nothing", DataType::Json, "an array has items that take no bytes");
}

#[test]
fn of_a_union_each_value_is_read_as_its_branch() {
    let schema = Schema::parse(
        r#"["null", {"type": "record", "name": "A", "fields": [{"name": "x", "type": "int"}, {"name": "t", "type": "string"}]},
            {"type": "record", "name": "B", "fields": [{"name": "t", "type": "string"}]},
            {"type": "record", "name": "C", "fields": []}]"#,
    );
    let schema = Arc::new(schema.expect("a schema"));
    let inputs = [input("t", DataType::Text, false, Origin::Value("t".to_owned()))];
    let of = |datum: &[u8]| decode(&schema, &inputs, &record(datum)).map_err(|reject| reject.to_string());
    assert_eq!(of(b"\x02\x08\x02t"), of(b"\x04\x02t"));
    assert!(of(b"\x04\x02t").is_ok());
    let says = |datum: &[u8], words: &str| assert_eq!(of(datum).expect_err("a reject"), words);
    says(b"\0", "bad-avro: schema 7: a value is of type null, not a record");
    says(b"\x06", "missing-field: field t is missing");
    says(
        b"\x08",
        "bad-avro: the Avro value cannot be read: branch 4 of 4 is asked for",
    );
    let whole = [input("all", DataType::Json, false, Origin::WholeValue)];
    let row = decode(&schema, &whole, &record(b"\x02\x08\x02t")).expect("a row");
    assert!(row.contains(r#"{\"x\":4,\"t\":\"t\"}"#), "{row}");
}
