use transform_sdk::{Input, Row, transform};

struct Customer;

#[derive(Input)]
struct Order<'a> {
    id: &'a str,
    customer: Customer,
    other: Option<Customer>,
    range: std::ops::Range<u8>,
}

#[derive(Row)]
#[row(table = "orders")]
struct Stored<'a> {
    id: &'a str,
    customer: Customer,
    range: std::ops::Range<u8>,
}

#[transform]
fn store<'a>(_: Order<'a>) -> Option<Stored<'a>> {
    None
}

fn main() {}
