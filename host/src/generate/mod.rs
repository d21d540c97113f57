//! Makes up orders in the shape of Olist's data set, so that the pipeline can be tried without the data set.
//!
//! The same seed gives the same bytes on every machine and in every later version. A test pins them.

mod calendar;
mod dirt;
mod orders;
mod random;

use std::io::{self, Write};

use orders::Orders;

/// The columns of the file, in order.
pub const HEADER: [&str; 8] = [
    "order_id",
    "customer_id",
    "order_status",
    "order_purchase_timestamp",
    "order_approved_at",
    "order_delivered_carrier_date",
    "order_delivered_customer_date",
    "order_estimated_delivery_date",
];

/// What to make up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    pub rows: u64,
    pub seed: u64,
    /// Share of rows that are dirty: bad ids, bad dates, blanks. 0.0 to 1.0.
    pub dirty: f64,
}

/// Writes a CSV with a header line and `plan.rows` orders. Dirt adds blank lines, which do not count as rows.
pub fn orders(plan: Plan, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", HEADER.join(","))?;
    let mut orders = Orders::new(plan.seed);
    let mut dirt = dirt::Dirt::new(plan.seed, plan.dirty);
    for _ in 0..plan.rows {
        let mut cells = orders.next_row();
        if dirt.soil(&mut cells) {
            writeln!(out)?;
        }
        writeln!(out, "{}", cells.join(","))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn csv(rows: u64, seed: u64, dirty: f64) -> String {
        let mut out = Vec::new();
        orders(Plan { rows, seed, dirty }, &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_for_ever() {
        let digest: String = Sha256::digest(csv(2000, 1, 0.02))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            digest,
            "778ad09f1872f1345616754fc79fdf9314116f732a5c2c4571ed19259aeec7be"
        );
        assert_ne!(csv(10, 1, 0.0), csv(10, 2, 0.0));
    }

    #[test]
    fn clean_orders_are_whole() {
        let csv = csv(5000, 7, 0.0);
        let mut lines = csv.lines();
        assert_eq!(lines.next(), Some(HEADER.join(",").as_str()));
        let mut repeats = 0;
        let mut seen = std::collections::HashSet::new();
        for line in lines {
            let cells: Vec<_> = line.split(',').collect();
            assert_eq!(cells.len(), 8, "{line}");
            assert!(
                cells[0].len() == 32 && cells[1].len() == 32 && cells[3].len() == 19 && cells[7].len() == 19,
                "{line}"
            );
            let dates: Vec<_> = cells[3..7].iter().filter(|cell| !cell.is_empty()).collect();
            assert!(dates.is_sorted(), "{line}");
            assert_eq!(cells[2] == "delivered", !cells[6].is_empty(), "{line}");
            if !seen.insert(cells[0].to_owned()) {
                repeats += 1;
            }
        }
        assert!((50..500).contains(&repeats), "{repeats} repeats");
    }

    #[test]
    fn dirt_hits_about_the_share_asked_for() {
        let (clean, dirty) = (csv(10_000, 3, 0.0), csv(10_000, 3, 0.1));
        let dirty_rows: Vec<_> = dirty.lines().filter(|line| !line.is_empty()).collect();
        let changed = clean
            .lines()
            .zip(&dirty_rows)
            .filter(|(clean, dirty)| clean != *dirty)
            .count();
        assert!((700..1100).contains(&changed), "{changed} of 10000");
        assert_eq!(dirty_rows.len(), 10_001);
    }
}
