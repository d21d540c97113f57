//! A CSV file into a Kafka topic: [`key`] renders each row's key, [`avro`] and [`json`] its value, [`send`] counts what
//! the brokers acknowledge, [`rate`] keeps the pace.

pub mod avro;
pub mod cell;
pub mod json;
pub mod key;
pub mod rate;
pub mod send;
