use std::collections::HashMap;

use transform_sdk::{Input, Json, Row, transform};

mod chrono {
    pub struct NaiveDateTime;
}

mod rust_decimal {
    pub struct Decimal;
}

#[derive(Input)]
struct Order<'a> {
    id: &'a str,
    quantity: u64,
    flags: u8,
    weight: Option<f32>,
    status: String,
    letter: char,
    tags: Vec<&'a str>,
    sizes: &'a [i64],
    raw: Vec<u8>,
    names: HashMap<String, String>,
    bought: chrono::NaiveDateTime,
    price: Option<rust_decimal::Decimal>,
    whole: Json<'a>,
}

#[derive(Row)]
#[row(table = "orders")]
struct Stored<'a> {
    id: &'a str,
}

#[transform]
fn store<'a>(order: Order<'a>) -> Stored<'a> {
    Stored { id: order.id }
}

fn main() {}
