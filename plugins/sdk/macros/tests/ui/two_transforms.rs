use transform_sdk::{Input, Row, transform};

#[derive(Input)]
struct Order<'a> {
    id: &'a str,
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

#[transform]
fn store_again<'a>(order: Order<'a>) -> Stored<'a> {
    Stored { id: order.id }
}

fn main() {}
