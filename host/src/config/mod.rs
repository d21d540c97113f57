//! Settings have two shapes. [`given`] has them as they were given by flag, environment, `.env` and `host.toml`; it is
//! strict. [`settings::Settings`] has them as the program uses them, validated and typed; [`build`] makes it.
//! The sections of systems are read by a file each ([`kafka`], [`cassandra`], [`registry`]), and which [`ends`] a run may have
//! is told from above.
//!
//! [`table`] lists every setting once: its key, where else it may be given, and its default. Reading, checking and
//! `docs/configuration.md` all use that list. The only I/O is reading the two files. All problems are reported at once.

pub mod address;
pub mod brokers;
pub mod build;
mod cassandra;
mod collect;
pub mod ends;
mod environment;
mod file;
pub mod given;
mod kafka;
mod pairs;
pub mod problem;
pub mod reference;
mod registry;
pub mod settings;
pub mod table;
pub mod text;
mod values;
