//! A CSV file into a Kafka topic: [`key`] renders each row's key, [`avro`] its value, [`send`] counts what
//! the brokers acknowledge, [`rate`] keeps the pace.

pub mod avro;
pub mod cell;
pub mod key;
pub mod rate;
pub mod send;
