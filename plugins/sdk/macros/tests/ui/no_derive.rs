use transform_sdk::{Reject, transform};

struct Order<'a> {
    id: &'a str,
}

struct Stored<'a> {
    id: &'a str,
}

#[transform]
fn store<'a>(order: Order<'a>) -> Result<Stored<'a>, Reject> {
    Ok(Stored { id: order.id })
}

fn main() {}
