//! Cleans Olist orders: words that stand for nothing become null, ids become UUIDs, and times become UTC timestamps.
//! Adds the hour and the day of the week of the purchase. Each rule is in a file of its own below.

use transform_sdk::{Input, Reject, Row, Settings, Timestamp, Uuid, transform};

pub mod calendar;
pub mod id;
pub mod null;
pub mod time;

use time::DateOrder;

/// An order as the data set has it: every field is text, and any field may be missing.
#[derive(Input, Clone, Copy, Default)]
#[expect(
    clippy::struct_field_names,
    reason = "the fields are named as the columns of the data set"
)]
pub struct Order<'a> {
    order_id: Option<&'a str>,
    customer_id: Option<&'a str>,
    order_status: Option<&'a str>,
    order_purchase_timestamp: Option<&'a str>,
    order_approved_at: Option<&'a str>,
    order_delivered_carrier_date: Option<&'a str>,
    order_delivered_customer_date: Option<&'a str>,
    order_estimated_delivery_date: Option<&'a str>,
}

/// A row of the table. Its key is customer, order and purchase time; the other columns of the order may be null.
#[derive(Row, Debug, PartialEq, Eq)]
#[row(table = "orders")]
pub struct EnrichedOrder<'a> {
    order_id: Uuid,
    customer_id: Uuid,
    order_status: Option<&'a str>,
    order_purchase_timestamp: Timestamp,
    order_approved_at: Option<Timestamp>,
    order_delivered_carrier_date: Option<Timestamp>,
    order_delivered_customer_date: Option<Timestamp>,
    order_estimated_delivery_date: Option<Timestamp>,
    #[row(column = "OrderHour")]
    order_hour: i32,
    #[row(column = "OrderDayOfWeek")]
    order_day_of_week: &'static str,
}

#[derive(Settings)]
pub struct OrderSettings {
    /// The order of day and month in dates whose year comes last.
    #[setting(default = "dmy")]
    date_order: DateOrder,
}

#[transform]
pub fn enrich<'a>(order: Order<'a>, settings: &OrderSettings) -> Result<EnrichedOrder<'a>, Reject> {
    let timestamp = |column, text| time::parse(column, text, settings.date_order);
    let optional = |column, text| null::present(text).map(|text| timestamp(column, text)).transpose();

    let customer_id = id::parse("customer_id", required("customer_id", order.customer_id)?)?;
    let order_id = id::parse("order_id", required("order_id", order.order_id)?)?;
    let purchase = required("order_purchase_timestamp", order.order_purchase_timestamp)?;
    let purchase = timestamp("order_purchase_timestamp", purchase)?;
    Ok(EnrichedOrder {
        order_id,
        customer_id,
        order_status: null::present(order.order_status),
        order_purchase_timestamp: purchase,
        order_approved_at: optional("order_approved_at", order.order_approved_at)?,
        order_delivered_carrier_date: optional("order_delivered_carrier_date", order.order_delivered_carrier_date)?,
        order_delivered_customer_date: optional("order_delivered_customer_date", order.order_delivered_customer_date)?,
        order_estimated_delivery_date: optional("order_estimated_delivery_date", order.order_estimated_delivery_date)?,
        order_hour: calendar::hour(purchase),
        order_day_of_week: calendar::day_of_week(purchase),
    })
}

/// A part of the key. Without it the row has no place in the table, so the order is rejected.
fn required<'a>(column: &str, text: Option<&'a str>) -> Result<&'a str, Reject> {
    null::present(text)
        .ok_or_else(|| Reject::new("missing-key", format!("{column} is part of the key and has no value")))
}

/// The column's text, shortened for a message, since a field may be as long as a whole record.
fn shown(text: &str) -> String {
    const MOST_CHARACTERS: usize = 60;
    let mut shown: String = text.chars().take(MOST_CHARACTERS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
