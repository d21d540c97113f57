//! Reads tables with the plain driver.

use std::collections::BTreeMap;

use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::value::{CqlValue, Row};

use super::orders::{Order, time_text};

const COLUMNS: [&str; 10] = [
    "order_id",
    "customer_id",
    "order_status",
    "order_purchase_timestamp",
    "order_approved_at",
    "order_delivered_carrier_date",
    "order_delivered_customer_date",
    "order_estimated_delivery_date",
    "orderhour",
    "orderdayofweek",
];

pub async fn session(nodes: &str) -> Session {
    SessionBuilder::new()
        .known_nodes(nodes.split(','))
        // A test beside this one may make a type whose name the driver cannot read.
        .fetch_schema_metadata(false)
        .build()
        .await
        .unwrap()
}

pub async fn query(session: &Session, cql: &str) -> Vec<Vec<Option<CqlValue>>> {
    let mut rows = Vec::new();
    let result = session.query_unpaged(cql, ()).await.unwrap();
    if let Ok(result) = result.into_rows_result() {
        rows.extend(result.rows::<Row>().unwrap().map(|row| row.unwrap().columns));
    }
    rows
}

/// The whole table `orders` of a keyspace, by order id.
pub async fn orders(session: &Session, keyspace: &str) -> BTreeMap<String, Order> {
    let rows = query(
        session,
        &format!("SELECT {} FROM {keyspace}.orders", COLUMNS.join(", ")),
    )
    .await;
    let mut orders = BTreeMap::new();
    for row in rows {
        let cells: Vec<_> = row.into_iter().map(|value| value.map(text)).collect();
        let id = cells[0].clone().unwrap();
        let earlier = orders.insert(id.clone(), Order { cells });
        assert!(earlier.is_none(), "{id} has one row");
    }
    orders
}

pub async fn has_orders(session: &Session, keyspace: &str) -> bool {
    !query(session, &format!("SELECT order_id FROM {keyspace}.orders LIMIT 1"))
        .await
        .is_empty()
}

/// The write timestamp of every cell that is no key, by order id.
pub async fn write_times(session: &Session, keyspace: &str) -> BTreeMap<String, Vec<Option<i64>>> {
    let times: Vec<_> = COLUMNS
        .iter()
        .filter(|column| !["order_id", "customer_id", "order_purchase_timestamp"].contains(column))
        .map(|column| format!("WRITETIME({column})"))
        .collect();
    let rows = query(
        session,
        &format!("SELECT order_id, {} FROM {keyspace}.orders", times.join(", ")),
    )
    .await;
    let time = |value: Option<CqlValue>| value.and_then(|value| value.as_bigint());
    rows.into_iter()
        .map(|row| {
            let mut row = row.into_iter();
            let id = text(row.next().unwrap().unwrap());
            (id, row.map(time).collect())
        })
        .collect()
}

pub fn text(value: CqlValue) -> String {
    match value {
        CqlValue::Uuid(id) => id.to_string(),
        CqlValue::Text(text) | CqlValue::Ascii(text) => text,
        CqlValue::Int(number) => number.to_string(),
        CqlValue::BigInt(number) => number.to_string(),
        CqlValue::Timestamp(time) => time_text(time.0),
        other => panic!("{other:?} is no type of this table"),
    }
}
