//! Produces a CSV file to a Kafka topic. [`key`] makes each row's key and [`avro`] its value, [`send`] counts what the
//! brokers acknowledge, and [`rate`] keeps the pace.

pub mod avro;
pub mod cell;
pub mod key;
pub mod rate;
pub mod send;
