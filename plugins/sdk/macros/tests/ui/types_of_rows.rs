use std::collections::HashMap;

use transform_sdk::{Input, Row, transform};

mod chrono {
    pub struct NaiveDateTime;
    pub struct NaiveDate;
}

mod uuid {
    pub struct Uuid;
}

#[derive(Input)]
struct Order<'a> {
    id: &'a str,
}

#[derive(Row)]
#[row(table = "orders")]
struct Stored<'a> {
    id: &'a str,
    quantity: u64,
    weight: f32,
    letter: char,
    tags: Vec<String>,
    names: Option<HashMap<String, String>>,
    bought: chrono::NaiveDateTime,
    day: chrono::NaiveDate,
    customer: uuid::Uuid,
}

#[transform]
fn store<'a>(_: Order<'a>) -> Option<Stored<'a>> {
    None
}

fn main() {}
