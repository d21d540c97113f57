//! Cleans Olist orders: words that stand for nothing become null, ids become UUIDs, and times become UTC timestamps.
//! Adds the hour and the day of the week of the purchase.

use transform_sdk::{
    DateOrder, Input, Reject, Row, Settings, Timestamp, Uuid, present, required_key, shortened, transform,
};

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
    let date_order = settings.date_order;
    let optional = |column, text: Option<&str>| {
        present(text)
            .map(|text| timestamp(column, text, date_order))
            .transpose()
    };
    // Without a part of its key the row has no place in the table, so the order is rejected.
    let key = |column, text: Option<&'a str>| required_key(column, present(text));

    let customer_id = id("customer_id", key("customer_id", order.customer_id)?)?;
    let order_id = id("order_id", key("order_id", order.order_id)?)?;
    let purchase = key("order_purchase_timestamp", order.order_purchase_timestamp)?;
    let purchase = timestamp("order_purchase_timestamp", purchase, date_order)?;
    Ok(EnrichedOrder {
        order_id,
        customer_id,
        order_status: present(order.order_status),
        order_purchase_timestamp: purchase,
        order_approved_at: optional("order_approved_at", order.order_approved_at)?,
        order_delivered_carrier_date: optional("order_delivered_carrier_date", order.order_delivered_carrier_date)?,
        order_delivered_customer_date: optional("order_delivered_customer_date", order.order_delivered_customer_date)?,
        order_estimated_delivery_date: optional("order_estimated_delivery_date", order.order_estimated_delivery_date)?,
        order_hour: purchase.hour(),
        order_day_of_week: purchase.weekday().name(),
    })
}

/// Reads an id: 32 hexadecimal digits, or a uuid with its dashes. The SDK also takes braces and `urn:uuid:`, which no
/// order has; their lengths tell them apart.
fn id(column: &str, text: &str) -> Result<Uuid, Reject> {
    match Uuid::parse(text) {
        Ok(id) if text.len() <= 36 => Ok(id),
        _ => Err(bad_uuid(column, text)),
    }
}

/// Reads a time as exports write it, in UTC.
fn timestamp(column: &str, text: &str, order: DateOrder) -> Result<Timestamp, Reject> {
    Timestamp::parse(text, order).map_err(|_| bad_timestamp(column, text, order))
}

#[cold]
fn bad_uuid(column: &str, text: &str) -> Reject {
    let text = shortened(text);
    Reject::new(
        "bad-uuid",
        format!("{column}: `{text}` is neither 32 hexadecimal digits nor a dashed uuid"),
    )
}

/// The message names the setting only where it would help.
#[cold]
fn bad_timestamp(column: &str, text: &str, order: DateOrder) -> Reject {
    let other = order.other();
    let advice = match Timestamp::parse(text, other) {
        Ok(_) => format!("; it is one with the other order of day and month, try the setting date-order={other}"),
        Err(_) => String::new(),
    };
    let text = shortened(text);
    Reject::new(
        "bad-timestamp",
        format!("{column}: `{text}` is not a time (date-order={order}){advice}"),
    )
}

#[cfg(test)]
mod tests;
