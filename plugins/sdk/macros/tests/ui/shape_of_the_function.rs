use transform_sdk::{Input, transform};

#[derive(Input)]
struct Order<'a> {
    id: &'a str,
}

#[transform]
async fn store(_: Order<'_>) {}

fn main() {
    let order = Order { id: "1" };
    drop(order.id);
    drop(store(order));
}
