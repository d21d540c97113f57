//! Typed rows as the plugin makes them of orders, in memory before the clock starts.

use scylla::SerializeRow;
use scylla::value::CqlTimestamp;
use uuid::Uuid;

/// The bind markers of the INSERT, in order.
#[derive(SerializeRow)]
#[scylla(flavor = "enforce_order", skip_name_checks)]
pub struct Order {
    order_id: Uuid,
    customer_id: Uuid,
    order_status: &'static str,
    purchased: CqlTimestamp,
    approved: CqlTimestamp,
    handed_over: CqlTimestamp,
    delivered: CqlTimestamp,
    estimated: CqlTimestamp,
    hour: i32,
    day_of_week: &'static str,
    write_time: i64,
}

pub const INSERT: &str = "INSERT INTO orders (order_id, customer_id, order_status, order_purchase_timestamp, \
     order_approved_at, order_delivered_carrier_date, order_delivered_customer_date, order_estimated_delivery_date, \
     orderhour, orderdayofweek) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const DAY_MS: i64 = 86_400_000;

/// Each order has its own customer, as nearly every order of Olist has.
pub fn orders(count: u64) -> Vec<Order> {
    let mut random = fastrand::Rng::with_seed(1);
    let order = |number: u64| {
        let at = 1_480_000_000_000 + i64::try_from(number % 600).unwrap_or(0) * DAY_MS + random.i64(0..DAY_MS);
        let later = |days: i64| CqlTimestamp(at + days * DAY_MS);
        Order {
            order_id: Uuid::from_u128(random.u128(..)),
            customer_id: Uuid::from_u128(random.u128(..)),
            order_status: "delivered",
            purchased: later(0),
            approved: later(1),
            handed_over: later(3),
            delivered: later(9),
            estimated: later(20),
            hour: random.i32(0..24),
            day_of_week: DAYS[random.usize(0..DAYS.len())],
            write_time: at * 1000,
        }
    };
    (0..count).map(order).collect()
}
