//! The table of conversions in `docs/types.md`, cell by cell, and what a value must be to pass.

mod lists;
mod maps;

use proptest::prelude::*;
use scylla::value::{CqlDecimal, CqlTime, CqlVarint};
use uuid::Uuid;

use super::*;

const NATIVES: [NativeType; 20] = [
    NativeType::Ascii,
    NativeType::BigInt,
    NativeType::Blob,
    NativeType::Boolean,
    NativeType::Counter,
    NativeType::Date,
    NativeType::Decimal,
    NativeType::Double,
    NativeType::Duration,
    NativeType::Float,
    NativeType::Inet,
    NativeType::Int,
    NativeType::SmallInt,
    NativeType::Text,
    NativeType::Time,
    NativeType::Timestamp,
    NativeType::Timeuuid,
    NativeType::TinyInt,
    NativeType::Uuid,
    NativeType::Varint,
];

fn native(to: NativeType) -> ColumnType<'static> {
    ColumnType::Native(to)
}

fn list(item: ColumnType<'static>) -> ColumnType<'static> {
    collection(CollectionType::List(Box::new(item)))
}

fn set(item: ColumnType<'static>) -> ColumnType<'static> {
    collection(CollectionType::Set(Box::new(item)))
}

fn map(key: NativeType, value: ColumnType<'static>) -> ColumnType<'static> {
    collection(CollectionType::Map(Box::new(native(key)), Box::new(value)))
}

fn collection(typ: CollectionType<'static>) -> ColumnType<'static> {
    ColumnType::Collection { frozen: false, typ }
}

fn frozen(mut column: ColumnType<'static>) -> ColumnType<'static> {
    if let ColumnType::Collection { frozen, .. } = &mut column {
        *frozen = true;
    }
    column
}

fn to(value: Value<'_>, column: NativeType) -> Result<CqlValue, Misfit> {
    convert(value, &native(column))
}

fn text(words: &str, column: NativeType) -> Result<CqlValue, Misfit> {
    to(Value::Text(words), column)
}

fn json(words: &str, column: &ColumnType<'_>) -> Result<CqlValue, Misfit> {
    convert(Value::Json(words), column)
}

/// The rows of the first table in the documentation: column type, then the data types that may go into it.
fn documented() -> Vec<(&'static str, Vec<&'static str>)> {
    let document = include_str!("../../../../docs/types.md");
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let names = |cell: &'static str| cell.split('`').skip(1).step_by(2).collect::<Vec<_>>();
    rows.map(cells)
        .map(|cells| (names(cells[0])[0], names(cells[1])))
        .collect()
}

#[test]
fn the_document_and_the_code_allow_the_same() {
    let documented = documented();
    for column in NATIVES {
        let name = native_name(&column);
        let allowed: Vec<&str> = DataType::ALL
            .into_iter()
            .filter(|from| can_convert(*from, &native(column.clone())).is_ok())
            .map(DataType::name)
            .collect();
        let (_, written) = documented.iter().find(|(column, _)| *column == name).expect(name);
        assert_eq!(*written, allowed, "docs/types.md says otherwise of {name}");
    }
}

#[test]
fn what_the_types_forbid_no_value_can_do() {
    let values = [
        Value::Boolean(true),
        Value::Integer(1),
        Value::Float(1.0),
        Value::Text("1"),
        Value::Blob(b"1"),
        Value::Json("1"),
        Value::Uuid(Uuid::nil()),
        Value::Timestamp(0),
        Value::Date(0),
    ];
    for value in values {
        for column in NATIVES.map(native) {
            if can_convert(value.data_type(), &column).is_err() {
                assert!(
                    convert(value, &column).is_err(),
                    "{value:?} became {}",
                    type_name(&column)
                );
            }
        }
    }
}

#[test]
fn a_counter_is_refused_with_the_reason() {
    let mismatch = can_convert(DataType::Int64, &native(NativeType::Counter)).unwrap_err();
    assert_eq!(
        mismatch.to_string(),
        "int64 cannot become counter (a counter cannot be set, nor written twice without harm)"
    );
}

#[test]
fn integers_go_in_whole_or_not_at_all() {
    assert_eq!(
        to(Value::Integer(-128), NativeType::TinyInt),
        Ok(CqlValue::TinyInt(-128))
    );
    assert_eq!(
        to(Value::Integer(32767), NativeType::SmallInt),
        Ok(CqlValue::SmallInt(32767))
    );
    let misfit = to(Value::Integer(2_147_483_648), NativeType::Int).unwrap_err();
    assert_eq!(misfit.to_string(), "2147483648 does not fit int");
    assert!(to(Value::Integer(128), NativeType::TinyInt).is_err());
    assert!(to(Value::Integer(-32769), NativeType::SmallInt).is_err());
}

#[test]
fn integers_beyond_the_significand_have_no_double() {
    let exact = 1_i64 << 53;
    assert_eq!(
        to(Value::Integer(-exact), NativeType::Double),
        Ok(CqlValue::Double(-9_007_199_254_740_992.0))
    );
    assert!(to(Value::Integer(exact + 1), NativeType::Double).is_err());
    assert_eq!(
        to(Value::Integer(1 << 24), NativeType::Float),
        Ok(CqlValue::Float(16_777_216.0))
    );
    assert!(to(Value::Integer((1 << 24) + 1), NativeType::Float).is_err());
}

#[test]
fn floats_are_rounded_to_a_float_but_never_to_infinity() {
    assert_eq!(to(Value::Float(0.1), NativeType::Float), Ok(CqlValue::Float(0.1)));
    assert_eq!(
        to(Value::Float(f64::INFINITY), NativeType::Float),
        Ok(CqlValue::Float(f32::INFINITY))
    );
    assert_eq!(
        to(Value::Float(1e39), NativeType::Float).unwrap_err().to_string(),
        "1e39 does not fit float"
    );
}

#[test]
fn ascii_names_the_letter_that_is_none() {
    assert_eq!(text("abc", NativeType::Ascii), Ok(CqlValue::Ascii("abc".into())));
    let misfit = text("São Paulo", NativeType::Ascii).unwrap_err();
    assert_eq!(misfit.to_string(), "\"São Paulo\" holds 'ã', which is not ASCII");
}

#[test]
fn uuids_are_dashed_or_bare() {
    let uuid = Uuid::from_u128(0xe481_f51c_bdc5_4678_bb18_c49d_2d6c_f9f7);
    for words in [
        "e481f51cbdc54678bb18c49d2d6cf9f7",
        "E481F51C-bdc5-4678-bb18-c49d2d6cf9f7",
    ] {
        assert_eq!(text(words, NativeType::Uuid), Ok(CqlValue::Uuid(uuid)), "{words}");
    }
    for words in [
        "",
        "{e481f51c-bdc5-4678-bb18-c49d2d6cf9f7}",
        "e481f51c",
        " e481f51cbdc54678bb18c49d2d6cf9f7",
    ] {
        assert!(text(words, NativeType::Uuid).is_err(), "{words:?}");
    }
}

#[test]
fn a_timeuuid_is_of_version_1() {
    let first: Uuid = "50554d6e-29bb-11e5-b345-feff819cdc9f".parse().unwrap();
    assert_eq!(
        to(Value::Uuid(first), NativeType::Timeuuid),
        Ok(CqlValue::Timeuuid(first.into()))
    );
    let fourth: Uuid = "e481f51c-bdc5-4678-bb18-c49d2d6cf9f7".parse().unwrap();
    let misfit = to(Value::Uuid(fourth), NativeType::Timeuuid).unwrap_err();
    assert!(
        misfit
            .to_string()
            .ends_with("is a uuid of version 4, a timeuuid is of version 1"),
        "{misfit}"
    );
}

#[test]
fn numbers_as_text_keep_every_digit() {
    let decimal = |unscaled: i64, scale| {
        CqlValue::Decimal(CqlDecimal::from_signed_be_bytes_and_exponent(
            num_bigint::BigInt::from(unscaled).to_signed_bytes_be(),
            scale,
        ))
    };
    assert_eq!(text("-12.340", NativeType::Decimal), Ok(decimal(-12340, 3)));
    assert_eq!(text("5e3", NativeType::Decimal), Ok(decimal(5, -3)));
    let large = "123456789012345678901234567890";
    let varint = CqlVarint::from(large.parse::<num_bigint::BigInt>().unwrap());
    assert_eq!(text(large, NativeType::Varint), Ok(CqlValue::Varint(varint)));
    for words in [
        "",
        "-",
        ".",
        "e5",
        "1_000",
        "1,5",
        "0x10",
        "1e99999999999",
        " 1",
        "NaN",
        &"9".repeat(1001),
    ] {
        assert!(text(words, NativeType::Decimal).is_err(), "decimal {words:?}");
        assert!(text(words, NativeType::Varint).is_err(), "varint {words:?}");
    }
    assert!(text("1.0", NativeType::Varint).is_err());
}

#[test]
fn addresses_are_of_both_families() {
    assert_eq!(
        text("10.1.2.3", NativeType::Inet),
        Ok(CqlValue::Inet([10, 1, 2, 3].into()))
    );
    assert!(matches!(text("::1", NativeType::Inet), Ok(CqlValue::Inet(address)) if address.is_ipv6()));
    assert!(text("localhost", NativeType::Inet).is_err());
}

#[test]
fn timestamps_are_iso_8601_and_utc_without_an_offset() {
    let at = |ms| Ok(CqlValue::Timestamp(CqlTimestamp(ms)));
    for words in [
        "2017-10-02T10:56:33",
        "2017-10-02T10:56:33Z",
        "2017-10-02T12:56:33+02:00",
        "2017-10-02T10:56:33.000000",
    ] {
        assert_eq!(text(words, NativeType::Timestamp), at(1_506_941_793_000), "{words}");
    }
    assert_eq!(text("1969-12-31T23:59:59.999Z", NativeType::Timestamp), at(-1));
    for words in [
        "2017-10-02 10:56:33",
        "2017-10-02",
        "02-10-2017T10:56",
        "2017-10-02T25:00:00",
        "2017-10-02T10:56:60Z",
        "1506941793000",
        "",
        "2017-10-02T1:2:3",
    ] {
        assert!(text(words, NativeType::Timestamp).is_err(), "{words}");
    }
    let misfit = text("2017-10-02T10:56:33.1234Z", NativeType::Timestamp).unwrap_err();
    assert!(misfit.to_string().contains("finer than the millisecond"), "{misfit}");
}

#[test]
fn dates_and_times_are_written_in_full() {
    assert_eq!(
        text("1970-01-02", NativeType::Date),
        Ok(CqlValue::Date(CqlDate((1 << 31) + 1)))
    );
    assert_eq!(
        to(Value::Date(1), NativeType::Date),
        Ok(CqlValue::Date(CqlDate((1 << 31) + 1)))
    );
    assert_eq!(
        to(Value::Date(i32::MIN), NativeType::Date),
        Ok(CqlValue::Date(CqlDate(0)))
    );
    assert_eq!(
        to(Value::Date(i32::MAX), NativeType::Date),
        Ok(CqlValue::Date(CqlDate(u32::MAX)))
    );
    let nanoseconds = ((10 * 60 + 56) * 60 + 33) * 1_000_000_000 + 5;
    assert_eq!(
        text("10:56:33.000000005", NativeType::Time),
        Ok(CqlValue::Time(CqlTime(nanoseconds)))
    );
    for words in ["1970-1-2", "02.01.1970", "1970-02-30"] {
        assert!(text(words, NativeType::Date).is_err(), "{words}");
    }
    for words in [
        "10:56",
        "24:00:00",
        "23:59:60",
        "1:02:03",
        "10:56:33.",
        "10:56:33.0000000001",
    ] {
        assert!(text(words, NativeType::Time).is_err(), "{words}");
    }
}

#[test]
fn json_becomes_collections_by_the_types_of_their_elements() {
    let ints = list(native(NativeType::Int));
    assert_eq!(
        json("[1, -2]", &ints),
        Ok(CqlValue::List(vec![CqlValue::Int(1), CqlValue::Int(-2)]))
    );
    let texts = set(native(NativeType::Text));
    assert_eq!(
        json(r#"["a"]"#, &texts),
        Ok(CqlValue::Set(vec![CqlValue::Text("a".into())]))
    );
    let nested = map(NativeType::Int, list(native(NativeType::Boolean)));
    assert_eq!(
        json(r#"{"7": [true]}"#, &nested),
        Ok(CqlValue::Map(vec![(
            CqlValue::Int(7),
            CqlValue::List(vec![CqlValue::Boolean(true)])
        )]))
    );
    let blobs = list(native(NativeType::Blob));
    assert_eq!(
        json(r#"["0x00fF"]"#, &blobs),
        Ok(CqlValue::List(vec![CqlValue::Blob(vec![0, 255])]))
    );
}

#[test]
fn json_elements_are_as_strict_as_columns() {
    let ints = list(native(NativeType::Int));
    for words in [
        "[2147483648]",
        "[1.0]",
        r#"["1"]"#,
        "[null]",
        "[true]",
        "{}",
        "1",
        "null",
        "[1",
        "",
    ] {
        assert!(json(words, &ints).is_err(), "{words}");
    }
    let misfit = json("[null]", &ints).unwrap_err();
    assert_eq!(misfit.to_string(), "null cannot stand in a collection as int");
    let decimals = list(native(NativeType::Decimal));
    assert!(
        json("[0.1]", &decimals)
            .unwrap_err()
            .to_string()
            .contains("give a decimal as a string")
    );
    assert!(json(r#"["0.1"]"#, &decimals).is_ok());
    assert!(json("[18446744073709551615]", &decimals).is_ok());
    for words in [r#"["00"]"#, r#"["0x0"]"#, r#"["0xgg"]"#, r#"["0x+1"]"#] {
        assert!(json(words, &list(native(NativeType::Blob))).is_err(), "{words}");
    }
}

#[test]
fn json_stays_as_it_is_in_a_text_column() {
    assert_eq!(
        json("{ \"b\": 1 }", &native(NativeType::Text)),
        Ok(CqlValue::Text("{ \"b\": 1 }".into()))
    );
}

#[test]
fn collections_take_json_only_and_no_counters() {
    let frozen_list = |item| frozen(list(native(item)));
    assert!(can_convert(DataType::Json, &frozen_list(NativeType::Text)).is_ok());
    assert!(can_convert(DataType::Text, &frozen_list(NativeType::Text)).is_err());
    assert!(can_convert(DataType::Json, &frozen_list(NativeType::Duration)).is_err());
    let keyed_by_list = collection(CollectionType::Map(
        Box::new(list(native(NativeType::Int))),
        Box::new(native(NativeType::Int)),
    ));
    assert!(can_convert(DataType::Json, &keyed_by_list).is_err());
    assert!(can_convert(DataType::Json, &ColumnType::Tuple(vec![])).is_err());
}

#[test]
fn an_error_shows_the_beginning_of_a_long_value_on_one_line() {
    let misfit = text(&"é\n".repeat(1000), NativeType::Uuid).unwrap_err().to_string();
    assert!(misfit.starts_with("\"é\\né"), "{misfit}");
    assert!(misfit.contains("…") && misfit.chars().count() < 150, "{misfit}");
    assert!(!misfit.contains('\n'));
}

fn any_column() -> impl Strategy<Value = ColumnType<'static>> {
    let leaf = prop::sample::select(NATIVES.to_vec()).prop_map(ColumnType::Native);
    leaf.prop_recursive(2, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(list),
            inner.clone().prop_map(set),
            (prop::sample::select(NATIVES.to_vec()), inner).prop_map(|(key, value)| map(key, value)),
        ]
    })
}

proptest! {
    /// Whatever the text, the answer is a value or a misfit, and a misfit is short.
    #[test]
    fn no_text_panics(words in any::<String>(), column in any_column()) {
        for value in [Value::Text(&words), Value::Json(&words)] {
            if let Err(misfit) = convert(value, &column) {
                prop_assert!(misfit.to_string().len() < 1200);
            }
        }
    }

    /// Texts of the shapes that parsers look for.
    #[test]
    fn no_number_or_date_like_text_panics(words in "[-+0-9.:eETZx ]{0,40}", column in any_column()) {
        let _ = convert(Value::Text(&words), &column);
        let _ = convert(Value::Json(&format!("[{words}]")), &column);
        let _ = convert(Value::Json(&format!("{{\"{words}\": \"{words}\"}}")), &column);
    }

    #[test]
    fn an_integer_comes_back_from_every_type_that_takes_it(number in any::<i64>()) {
        for column in [NativeType::TinyInt, NativeType::SmallInt, NativeType::Int, NativeType::BigInt, NativeType::Varint, NativeType::Double, NativeType::Float] {
            let back: i128 = match to(Value::Integer(number), column) {
                Ok(CqlValue::TinyInt(value)) => value.into(),
                Ok(CqlValue::SmallInt(value)) => value.into(),
                Ok(CqlValue::Int(value)) => value.into(),
                Ok(CqlValue::BigInt(value)) => value.into(),
                Ok(CqlValue::Varint(value)) => i64::try_from(num_bigint::BigInt::from(value)).unwrap().into(),
                #[expect(clippy::cast_possible_truncation, reason = "whole by the rule under test")]
                Ok(CqlValue::Double(value)) => value as i128,
                #[expect(clippy::cast_possible_truncation, reason = "whole by the rule under test")]
                Ok(CqlValue::Float(value)) => value as i128,
                Ok(other) => panic!("{number} became {other:?}"),
                Err(_) => continue,
            };
            prop_assert_eq!(back, i128::from(number));
        }
    }

    #[test]
    fn a_timestamp_comes_back_from_its_text(ms in -62_135_596_800_000_i64..253_402_300_800_000) {
        let words = chrono::DateTime::from_timestamp_millis(ms).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        prop_assert_eq!(text(&words, NativeType::Timestamp), Ok(CqlValue::Timestamp(CqlTimestamp(ms))));
    }

    #[test]
    fn a_time_comes_back_from_its_text(nanoseconds in 0..86_400_000_000_000_i64) {
        let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
        let words = format!("{:02}:{:02}:{:02}.{fraction:09}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        prop_assert_eq!(text(&words, NativeType::Time), Ok(CqlValue::Time(CqlTime(nanoseconds))));
    }

    #[test]
    fn uuids_and_addresses_come_back_from_their_text(bits in any::<u128>()) {
        let uuid = Uuid::from_u128(bits);
        prop_assert_eq!(text(&uuid.to_string(), NativeType::Uuid), Ok(CqlValue::Uuid(uuid)));
        let address = std::net::IpAddr::from(bits.to_be_bytes());
        prop_assert_eq!(text(&address.to_string(), NativeType::Inet), Ok(CqlValue::Inet(address)));
    }

    #[test]
    fn a_list_comes_back_from_its_json(numbers in prop::collection::vec(any::<i64>(), 0..20)) {
        let words = serde_json::to_string(&numbers).unwrap();
        let expected = numbers.into_iter().map(CqlValue::BigInt).collect();
        prop_assert_eq!(json(&words, &list(native(NativeType::BigInt))), Ok(CqlValue::List(expected)));
    }
}
