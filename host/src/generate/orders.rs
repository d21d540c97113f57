//! Makes orders with a plausible life: bought, approved, shipped, delivered, some cancelled on the way. Now and then an
//! order comes again with a later status.

use super::calendar::{day, text};
use super::random::Random;

/// The orders fall into the two years from 2016-09-01 on, as in Olist's data.
const FIRST_SECOND: u64 = 1_472_688_000;
const SECONDS: u64 = 2 * 365 * 86_400;
const HOUR: u64 = 3600;

/// The statuses, each with its share of 1,000 orders.
const STATUSES: [(&str, u64); 7] = [
    ("delivered", 970),
    ("shipped", 11),
    ("canceled", 6),
    ("unavailable", 6),
    ("invoiced", 3),
    ("processing", 3),
    ("created", 1),
];

/// One in 50 rows is a later status of an order that came before.
const REPEAT_SHARE: f64 = 0.02;

/// The most unfinished orders that are kept to come again.
const OPEN_ORDERS: usize = 100;

/// A sequence of orders.
pub struct Orders {
    random: Random,
    /// The later rows of orders that came with an earlier status.
    open: Vec<Cells>,
}

/// One row: id, customer, status, bought, approved, shipped, delivered, estimated.
pub type Cells = [String; 8];

impl Orders {
    /// Starts the sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            open: Vec::new(),
        }
    }

    /// The next row: a new order, or an earlier one with a later status.
    pub fn next_row(&mut self) -> Cells {
        if !self.open.is_empty() && self.random.chance(REPEAT_SHARE) {
            let place = self.random.below(self.open.len() as u64);
            return self.open.swap_remove(usize::try_from(place).unwrap_or(0));
        }
        let order = self.order();
        // The order comes now as shipped only. Its whole life is kept for a repeat.
        if self.open.len() < OPEN_ORDERS && self.random.chance(REPEAT_SHARE * 2.0) {
            let mut earlier = order.clone();
            if earlier[2] == "delivered" {
                "shipped".clone_into(&mut earlier[2]);
                earlier[6].clear();
            }
            self.open.push(order);
            return earlier;
        }
        order
    }

    fn order(&mut self) -> Cells {
        let random = &mut self.random;
        let status = status(random.below(1000));
        let bought = FIRST_SECOND + random.below(SECONDS);
        let approval = if random.chance(0.2) { 48 * HOUR } else { HOUR };
        let approved = bought + 300 + random.below(approval);
        let shipped = approved + 6 * HOUR + random.below(5 * 24 * HOUR);
        let delivered = shipped + 24 * HOUR + random.below(14 * 24 * HOUR);
        let estimated = day(bought + 10 * 24 * HOUR + random.below(25 * 24 * HOUR));
        let reached = match status {
            "delivered" => 3,
            "shipped" => 2,
            "created" => 0,
            "canceled" => random.below(3),
            _ => 1,
        };
        let date = |stage: u64, seconds: u64| if reached >= stage { text(seconds) } else { String::new() };
        [
            random.id(),
            random.id(),
            status.to_owned(),
            text(bought),
            date(1, approved),
            date(2, shipped),
            date(3, delivered),
            text(estimated),
        ]
    }
}

fn status(mut number: u64) -> &'static str {
    for (status, share) in STATUSES {
        if number < share {
            return status;
        }
        number -= share;
    }
    "delivered"
}
