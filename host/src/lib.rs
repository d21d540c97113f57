//! Kafka records in, sandboxed WebAssembly components in the middle, Cassandra rows out at QUORUM.
//!
//! A record's way: [`source`] polls it and hands it out in batches per partition; [`codec`] turns its bytes into Arrow
//! columns by the plugin's declared fields; [`plugin`] calls the guest with the columns and checks what comes back;
//! [`sink`] writes the rows; a record that any of them refuses goes to [`dead_letter`]. [`pipeline`] is the only one
//! that calls these stages: it retries, settles and commits. [`config`] says with what settings, [`app`] wires the real
//! parts for each verb, [`admin`] answers for a run while it goes on, [`cli`] reads what was typed.
//!
//! Imports go down only, which `tests/layers` checks:
//! `main > cli > app > admin > config > telemetry > pipeline, produce, generate > {source, codec, plugin, sink,
//! dead_letter} > kafka_producer > record, connection, csv_file`.

pub mod admin;
pub mod app;
pub mod cli;
pub mod codec;
pub mod config;
pub mod connection;
pub mod csv_file;
pub mod dead_letter;
pub mod failpoint;
pub mod generate;
pub mod kafka_producer;
pub mod pipeline;
pub mod plugin;
pub mod produce;
pub mod record;
pub mod sink;
pub mod source;
pub mod telemetry;
