//! The whole plugin: one order at a time, and a batch as the host gives it.

use proptest::prelude::*;
use transform_sdk::abi::{Batch, Column, DataType, Target, Values, Variable};
use transform_sdk::{Plugin, plugin};

use super::*;

const DAY_FIRST: OrderSettings = OrderSettings {
    date_order: DateOrder::DayFirst,
};

fn order() -> Order<'static> {
    Order {
        order_id: Some("0a1b2c3d4e5f46078899aabbccddeef7"),
        customer_id: Some("1f2e3d4c-5b6a-4978-8695-a4b3c2d1e0f9"),
        order_status: Some(" delivered "),
        order_purchase_timestamp: Some("2017-10-02 10:56:33"),
        order_approved_at: Some("NaT"),
        order_estimated_delivery_date: Some("2017-10-18 00:00:00"),
        ..Order::default()
    }
}

#[test]
fn an_order_is_cleaned_and_enriched() {
    let row = enrich(order(), &DAY_FIRST).unwrap();
    assert_eq!(row.order_id.to_string(), "0a1b2c3d-4e5f-4607-8899-aabbccddeef7");
    assert_eq!(row.customer_id.to_string(), "1f2e3d4c-5b6a-4978-8695-a4b3c2d1e0f9");
    assert_eq!(row.order_status, Some("delivered"));
    assert_eq!(row.order_purchase_timestamp, Timestamp(1_506_941_793_000));
    assert_eq!(row.order_approved_at, None);
    assert_eq!(row.order_delivered_carrier_date, None);
    assert_eq!(row.order_estimated_delivery_date, Some(Timestamp(1_508_284_800_000)));
    assert_eq!((row.order_hour, row.order_day_of_week), (10, "Monday"));
}

#[test]
fn a_null_key_column_rejects_and_is_named() {
    for (order, column) in [
        (
            Order {
                customer_id: None,
                ..order()
            },
            "customer_id",
        ),
        (
            Order {
                order_id: Some(" "),
                ..order()
            },
            "order_id",
        ),
        (
            Order {
                order_purchase_timestamp: Some("NULL"),
                ..order()
            },
            "order_purchase_timestamp",
        ),
    ] {
        let reject = enrich(order, &DAY_FIRST).unwrap_err();
        assert_eq!(reject.code, "missing-key");
        assert_eq!(reject.message, format!("{column} is part of the key and has no value"));
    }
}

#[test]
fn a_bad_time_outside_the_key_rejects_too() {
    let bad = Order {
        order_delivered_carrier_date: Some("soon"),
        ..order()
    };
    let reject = enrich(bad, &DAY_FIRST).unwrap_err();
    assert_eq!(reject.code, "bad-timestamp");
    assert!(
        reject.message.starts_with("order_delivered_carrier_date: `soon`"),
        "{}",
        reject.message
    );
}

#[test]
fn an_id_is_plain_or_dashed_digits() {
    let plain = id("order_id", "0a1b2c3d4e5f46078899aabbccddeef7").unwrap();
    assert_eq!(plain.0[..3], [0x0a, 0x1b, 0x2c]);
    assert_eq!(id("order_id", "0A1B2C3D-4E5F-4607-8899-AABBCCDDEEF7"), Ok(plain));
    for text in [
        "0a1b2c3d4e5f46078899aabbccddeef",
        "0a1b2c3d4e5f46078899aabbccddeef77",
        "ga1b2c3d4e5f46078899aabbccddeef7",
        "0a1b2c3d4-e5f-4607-8899-aabbccddeef7",
        "{0a1b2c3d-4e5f-4607-8899-aabbccddeef}",
        "{0a1b2c3d-4e5f-4607-8899-aabbccddeef7}",
        "urn:uuid:0a1b2c3d-4e5f-4607-8899-aabbccddeef7",
        "12345",
    ] {
        let reject = id("order_id", text).unwrap_err();
        assert_eq!(
            reject.to_string(),
            format!("bad-uuid: order_id: `{text}` is neither 32 hexadecimal digits nor a dashed uuid")
        );
    }
}

#[test]
fn the_message_names_the_setting_only_where_it_would_help() {
    let message = |text, order| {
        let reject = timestamp("order_approved_at", text, order).unwrap_err();
        assert_eq!(reject.code, "bad-timestamp");
        reject.message
    };
    assert_eq!(
        message("10/13/2017 9:05", DateOrder::DayFirst),
        "order_approved_at: `10/13/2017 9:05` is not a time (date-order=dmy); it is one with the other order of day and \
         month, try the setting date-order=mdy"
    );
    let message_of_month_first = message("13/10/2017", DateOrder::MonthFirst);
    assert!(
        message_of_month_first.ends_with("try the setting date-order=dmy"),
        "{message_of_month_first}"
    );
    assert_eq!(
        message("32/13/2017", DateOrder::DayFirst),
        "order_approved_at: `32/13/2017` is not a time (date-order=dmy)"
    );
    let long = message(&"ü".repeat(5000), DateOrder::DayFirst);
    assert!(long.len() < 250 && long.contains("ü…`"), "{long}");
}

#[test]
fn the_table_is_declared_as_it_is() {
    let (_, descriptor) = plugin::configure::<enrich>(&[]).unwrap();
    assert_eq!(descriptor.name, "order_enrich");
    assert!(
        descriptor
            .inputs
            .iter()
            .all(|input| input.field.data_type == DataType::Text && input.field.nullable)
    );
    assert_eq!(descriptor.inputs.len(), 8);
    let [output] = &descriptor.outputs[..] else {
        panic!("{:?}", descriptor.outputs)
    };
    assert!(matches!(&output.target, Target::Table(name) if name == "orders"));
    let fields: Vec<_> = output
        .fields
        .iter()
        .map(|field| (field.name.as_str(), field.data_type, field.nullable))
        .collect();
    let expected = [
        ("order_id", DataType::Uuid, false),
        ("customer_id", DataType::Uuid, false),
        ("order_status", DataType::Text, true),
        ("order_purchase_timestamp", DataType::Timestamp, false),
        ("order_approved_at", DataType::Timestamp, true),
        ("order_delivered_carrier_date", DataType::Timestamp, true),
        ("order_delivered_customer_date", DataType::Timestamp, true),
        ("order_estimated_delivery_date", DataType::Timestamp, true),
        ("OrderHour", DataType::Int32, false),
        ("OrderDayOfWeek", DataType::Text, false),
    ];
    assert_eq!(fields, expected);
}

#[test]
fn an_unknown_date_order_is_refused_with_the_known_ones() {
    let message = plugin::configure::<enrich>(&[("date-order".into(), "ymd".into())])
        .err()
        .unwrap();
    assert_eq!(
        message,
        "setting `date-order` = `ymd`: neither dmy (day first) nor mdy (month first)"
    );
}

/// Eight text columns, null where the field is None.
fn batch(orders: &[[Option<String>; 8]]) -> Batch {
    let columns = (0..8).map(|column| {
        let mut values = Variable {
            offsets: vec![0],
            data: Vec::new(),
        };
        let mut validity = vec![0_u8; orders.len().div_ceil(8)];
        for (row, order) in orders.iter().enumerate() {
            if let Some(text) = &order[column] {
                values.data.extend_from_slice(text.as_bytes());
                validity[row / 8] |= 1 << (row % 8);
            }
            values.offsets.push(i32::try_from(values.data.len()).unwrap());
        }
        Column {
            validity: Some(validity),
            values: Values::Text(values),
        }
    });
    Batch {
        rows: u32::try_from(orders.len()).unwrap(),
        columns: columns.collect(),
    }
}

fn field() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        Just(Some("0a1b2c3d4e5f46078899aabbccddeef7".to_owned())),
        Just(Some("2017-10-02 10:56:33".to_owned())),
        ".{0,12}".prop_map(Some),
    ]
}

proptest! {
    #[test]
    fn every_order_of_a_batch_is_a_row_or_a_reject(
        mut orders in prop::collection::vec(prop::array::uniform8(field()), 0..40),
    ) {
        let [id, time] = [order().order_id, order().order_purchase_timestamp].map(|text| text.map(str::to_owned));
        orders.push([id.clone(), id, None, time, None, None, None, None]);
        let outcome = enrich::transform(&DAY_FIRST, &batch(&orders));
        let rows = &outcome.rows[0];
        let mut accounted: Vec<u32> = rows.source.iter().copied().chain(outcome.rejects.iter().map(|r| r.row)).collect();
        accounted.sort_unstable();
        prop_assert_eq!(accounted, (0..u32::try_from(orders.len()).unwrap()).collect::<Vec<_>>());
        prop_assert!(outcome.filtered.is_empty());
        let Values::Uuid(ids) = &rows.columns[0].values else { panic!() };
        prop_assert_eq!(ids.len(), 16 * rows.source.len());
    }
}

/// The fixture is a record as `host explain TOPIC/PARTITION@OFFSET --save FILE.ndjson` writes it.
#[test]
fn a_saved_record_comes_out_as_it_did() {
    let record: serde_json::Value =
        serde_json::from_str(include_str!("../fixtures/nulls_of_all_kinds.ndjson")).expect("one JSON object");
    let field = |name: &str| record[name].as_str();
    let order = Order {
        order_id: field("order_id"),
        customer_id: field("customer_id"),
        order_status: field("order_status"),
        order_purchase_timestamp: field("order_purchase_timestamp"),
        order_approved_at: field("order_approved_at"),
        order_delivered_carrier_date: field("order_delivered_carrier_date"),
        order_delivered_customer_date: field("order_delivered_customer_date"),
        order_estimated_delivery_date: field("order_estimated_delivery_date"),
    };
    let row = enrich(order, &DAY_FIRST).expect("a row");
    assert_eq!((row.order_hour, row.order_day_of_week), (10, "Monday"));
    assert_eq!((row.order_status, row.order_delivered_carrier_date), (None, None));
}
