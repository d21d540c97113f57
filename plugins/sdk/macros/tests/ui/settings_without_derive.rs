use transform_sdk::{Input, Row, transform};

struct Bounds;

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
fn store<'a>(order: Order<'a>, _: &Bounds) -> Stored<'a> {
    Stored { id: order.id }
}

fn main() {}
