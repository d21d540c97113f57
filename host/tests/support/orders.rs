//! What the table must hold, read from a CSV in a way that shares nothing with the plugin: the `csv` crate, `uuid` and
//! `chrono`.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use uuid::Uuid;

/// One row as text: the eight columns of the file, then hour and day of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub cells: Vec<Option<String>>,
}

/// The rows that clean orders become, by order id; a later row of one order wins where it has a value.
pub fn expected(csv: &str) -> BTreeMap<String, Order> {
    let mut orders: BTreeMap<String, Order> = BTreeMap::new();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    for record in reader.records() {
        let record = record.unwrap();
        let mut cells: Vec<_> = record
            .iter()
            .enumerate()
            .map(|(place, text)| cell(place, text))
            .collect();
        let bought = NaiveDateTime::parse_from_str(&record[3], "%Y-%m-%d %H:%M:%S").unwrap();
        cells.push(Some(bought.hour().to_string()));
        cells.push(Some(
            format!("{:?}", bought.weekday())
                .replace("Mon", "Monday")
                .replace("Tue", "Tuesday")
                .replace("Wed", "Wednesday")
                .replace("Thu", "Thursday")
                .replace("Fri", "Friday")
                .replace("Sat", "Saturday")
                .replace("Sun", "Sunday"),
        ));
        let id = cells[0].clone().unwrap();
        match orders.get_mut(&id) {
            None => {
                orders.insert(id, Order { cells });
            }
            Some(order) => {
                for (old, new) in order.cells.iter_mut().zip(cells) {
                    *old = new.or(old.take());
                }
            }
        }
    }
    orders
}

fn cell(place: usize, text: &str) -> Option<String> {
    match (text, place) {
        ("", _) => None,
        (id, 0 | 1) => Some(Uuid::try_parse(id).unwrap().to_string()),
        (status, 2) => Some(status.to_owned()),
        (time, _) => {
            let time = NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").unwrap();
            Some(time_text(time.and_utc().timestamp_millis()))
        }
    }
}

pub fn time_text(millis: i64) -> String {
    DateTime::from_timestamp_millis(millis)
        .unwrap()
        .format("%Y-%m-%d %H:%M:%S%.f")
        .to_string()
}
