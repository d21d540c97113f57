use transform_sdk::{Input, Row, Settings, transform};

#[derive(Input)]
struct Order<'a> {
    #[input(nmae = "Order-Id")]
    id: &'a str,
    #[input(key, offset)]
    offset: i64,
}

#[derive(Row)]
#[row(tabel = "orders")]
struct Stored<'a> {
    id: &'a str,
}

#[derive(Row)]
struct Alarm<'a> {
    id: &'a str,
}

#[derive(Row)]
enum Out<'a> {
    Stored(Stored<'a>),
    Alarm(Alarm<'a>),
}

#[derive(Settings)]
struct Bounds {
    #[setting(default = "1")]
    highest: Option<f64>,
    #[setting(key = "low")]
    lowest: f64,
}

#[transform]
fn store<'a>(order: Order<'a>, _: &Bounds) -> Out<'a> {
    Out::Stored(Stored { id: order.id })
}

fn main() {}
