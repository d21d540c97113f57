//! Tests the table of conversions, both values that fit and values that do not.

use proptest::prelude::*;

use super::*;

fn fit(found: RecordValue<'_>, wanted: DataType) -> Result<Cell<'_>, RecordValue<'_>> {
    super::fit(found, wanted, &mut Spare::default())
}

fn of(text: &str, wanted: DataType) -> Option<Cell<'_>> {
    fit(RecordValue::Text(text.into()), wanted).ok()
}

fn number(text: &str, wanted: DataType) -> Option<Cell<'_>> {
    fit(RecordValue::Number(text.into()), wanted).ok()
}

#[test]
fn a_string_fits_where_it_parses_exactly() {
    assert_eq!(of("true", DataType::Boolean), Some(Cell::Boolean(true)));
    assert_eq!(of("-7", DataType::Int32), Some(Cell::Int32(-7)));
    assert_eq!(of("9223372036854775807", DataType::Int64), Some(Cell::Int64(i64::MAX)));
    assert_eq!(of("1.5e3", DataType::Float64), Some(Cell::Float64(1500.0)));
    assert_eq!(of("2017-10-02", DataType::Date), Some(Cell::Date(17_441)));
    assert_eq!(of("1969-12-31", DataType::Date), Some(Cell::Date(-1)));
    assert_eq!(of("0x00ff", DataType::Blob), Some(Cell::Blob(vec![0, 255].into())));
    let bytes = Cell::Uuid(*b"\xe4\x81\xf5\x1c\xbd\xc5\x4d\x67\x8a\xf7\x39\xf0\xb4\xad\x5b\x81");
    assert_eq!(
        of("e481f51cbdc54d678af739f0b4ad5b81", DataType::Uuid),
        Some(bytes.clone())
    );
    assert_eq!(of("e481f51c-bdc5-4d67-8af7-39f0b4ad5b81", DataType::Uuid), Some(bytes));
}

#[test]
fn a_string_that_does_not_parse_exactly_does_not_fit() {
    let misfits = [
        (DataType::Boolean, &["TRUE", "yes", "1", ""][..]),
        (DataType::Int32, &["2147483648", "1.0", " 1", "1e3", ""]),
        (DataType::Int64, &["9223372036854775808", "0x1", "ten"]),
        (DataType::Float64, &["nan", "inf", "-infinity", "1e999", "1,5", ""]),
        (
            DataType::Uuid,
            &[
                "{e481f51cbdc54d678af739f0b4ad5b8}",
                "e481",
                "zz81f51cbdc54d678af739f0b4ad5b81",
            ],
        ),
        (
            DataType::Timestamp,
            &[
                "2017-1-2",
                "02-10-2017 10:56",
                "1506941793000",
                "2017-10-02 25:00:00",
                "2017-10-02T",
                "",
            ],
        ),
        (
            DataType::Date,
            &[
                "2017-02-30",
                "2017-1-2",
                "+017-01-02",
                "2017-10-02T00:00:00",
                "20171002",
            ],
        ),
        (DataType::Blob, &["00ff", "0x0", "0xzz", "0xéé"]),
        (DataType::Json, &["{", "abc"]),
    ];
    for (wanted, texts) in misfits {
        for text in texts {
            assert_eq!(of(text, wanted), None, "{text:?} as {wanted}");
        }
    }
}

#[test]
fn timestamps_are_iso_8601_and_utc_where_they_name_no_offset() {
    let expected = Some(Cell::Timestamp(1_506_941_793_000));
    for text in [
        "2017-10-02 10:56:33",
        "2017-10-02T10:56:33",
        "2017-10-02T10:56:33Z",
        "2017-10-02T10:56:33.000Z",
        "2017-10-02T07:56:33-03:00",
        "2017-10-02 12:56:33+0200",
        "2017-10-02T12:56:33.000+02",
    ] {
        assert_eq!(of(text, DataType::Timestamp), expected, "{text}");
    }
    assert_eq!(
        of("2017-10-02T10:56", DataType::Timestamp),
        Some(Cell::Timestamp(1_506_941_760_000))
    );
    assert_eq!(
        of("2017-10-02", DataType::Timestamp),
        Some(Cell::Timestamp(1_506_902_400_000))
    );
    assert_eq!(
        of("2017-10-02T10:56:33.123456", DataType::Timestamp),
        Some(Cell::Timestamp(1_506_941_793_123))
    );
}

#[test]
fn numbers_fit_as_written() {
    assert_eq!(number("1.50", DataType::Text), Some(Cell::Text("1.50".into())));
    assert_eq!(number("10", DataType::Float64), Some(Cell::Float64(10.0)));
    assert_eq!(number("10", DataType::Int32), Some(Cell::Int32(10)));
    assert_eq!(
        number("1506941793000", DataType::Timestamp),
        Some(Cell::Timestamp(1_506_941_793_000))
    );
    assert_eq!(number("10.5", DataType::Int32), None);
    assert_eq!(number("1e400", DataType::Float64), None);
    assert_eq!(number("1", DataType::Uuid), None);
}

#[test]
fn integers_are_promoted_and_never_cut() {
    assert_eq!(fit(RecordValue::Integer(5), DataType::Float64), Ok(Cell::Float64(5.0)));
    assert_eq!(fit(RecordValue::Integer(5), DataType::Text), Ok(Cell::Text("5".into())));
    assert!(fit(RecordValue::Integer(i64::MAX), DataType::Int32).is_err());
    assert!(fit(RecordValue::Double(5.0), DataType::Int64).is_err());
    assert_eq!(
        fit(RecordValue::Single(0.1), DataType::Text),
        Ok(Cell::Text("0.1".into()))
    );
}

#[test]
fn an_integer_that_no_double_is_does_not_fit_one() {
    const EXACT: i64 = 1 << 53;
    for value in [0, -1, EXACT - 1, EXACT, -EXACT, EXACT + 2, 3 << 61, i64::MIN] {
        let fitted = fit(RecordValue::Integer(value), DataType::Float64);
        assert_eq!(fitted, Ok(Cell::Float64(value as f64)), "{value}");
    }
    for value in [EXACT + 1, -EXACT - 1, 2 * EXACT + 2, i64::MAX, i64::MIN + 1] {
        let misfit = fit(RecordValue::Integer(value), DataType::Float64);
        assert_eq!(misfit, Err(RecordValue::Integer(value)));
    }
    assert_eq!(
        number("9007199254740993", DataType::Float64),
        Some(Cell::Float64(EXACT as f64))
    );
}

#[test]
fn times_out_of_every_calendar_are_no_text() {
    assert!(fit(RecordValue::Timestamp(i64::MAX), DataType::Text).is_err());
    assert!(fit(RecordValue::Date(i32::MAX), DataType::Text).is_err());
    assert_eq!(
        fit(RecordValue::Timestamp(-1), DataType::Text),
        Ok(Cell::Text("1969-12-31T23:59:59.999Z".into()))
    );
}

#[test]
fn a_message_quotes_the_start_of_a_long_value_only() {
    let long = "x\n".repeat(10_000);
    let message = RecordValue::Text(long.as_str().into()).to_string();
    assert!(message.len() < 200 && message.ends_with("…\""), "{message}");
}

proptest! {
    #[test]
    fn any_text_fits_or_not_without_panic(text in "\\PC{0,40}", shaped in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]?[0-9:.+Zz-]{0,20}") {
        for wanted in DataType::ALL {
            of(&text, wanted);
            of(&shaped, wanted);
            number(&text, wanted);
        }
    }

    #[test]
    fn a_timestamp_shown_is_the_timestamp_read(milliseconds in -62_135_596_800_000_i64..253_402_300_799_999) {
        let shown = show_timestamp(milliseconds).expect("within the calendar");
        prop_assert_eq!(of(&shown, DataType::Timestamp), Some(Cell::Timestamp(milliseconds)));
    }

    #[test]
    fn the_plain_form_of_a_timestamp_means_what_the_long_way_reads(
        text in "[0-2][0-9]{3}[-][01][0-9][-/][0-3][0-9][ T][0-2][0-9]:[0-6][0-9][:.][0-6][0-9](|Z|z|[.]5|[+]01)"
    ) {
        if let Some(time) = plain_timestamp(&text) {
            prop_assert_eq!(parse_timestamp(&text), Some(time), "{}", text);
        }
    }

    #[test]
    fn bytes_shown_are_the_bytes_read(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        let shown = show_hex(&bytes);
        prop_assert_eq!(of(&shown, DataType::Blob), Some(Cell::Blob(bytes.into())));
    }
}
