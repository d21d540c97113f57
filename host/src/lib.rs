//! Reads Kafka records, runs sandboxed WebAssembly components on them, and writes Cassandra rows at QUORUM.
//!
//! A record takes this way: [`source`] polls it and hands it out by partition. [`codec`] turns its bytes into Arrow
//! columns by the plugin's declared fields. [`plugin`] calls the guest with the columns and checks the outcome.
//! [`sink`] writes the rows. A record that any of them refuses goes to [`dead_letter`]. Only [`pipeline`] calls these
//! stages: it retries, settles and commits. [`config`] reads the settings, [`app`] wires the real parts for each verb,
//! [`admin`] serves a running pipeline's state, and [`cli`] reads the command line.
//!
//! Imports go down only, which `tests/layers` checks:
//! `main > cli > app > admin > config > telemetry > pipeline, produce, generate, fleet > {source, codec, plugin, sink,
//! dead_letter} > progress > cassandra, kafka > record, connection, csv_file`.

pub mod admin;
pub mod app;
pub mod cassandra;
pub mod cli;
pub mod codec;
pub mod config;
pub mod connection;
pub mod csv_file;
pub mod dead_letter;
pub mod failpoint;
pub mod fleet;
pub mod generate;
pub mod kafka;
pub mod pipeline;
pub mod plugin;
pub mod produce;
pub mod progress;
pub mod record;
pub mod sink;
pub mod source;
pub mod telemetry;
