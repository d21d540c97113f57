//! Settings have two shapes. [`given`] has them as they were given by flag, environment, `.env` and `host.toml`; it is
//! strict. [`settings::Settings`] has them as the program uses them, validated and typed; [`build`] makes it.
//!
//! [`table`] lists every setting once: its key, where else it may be given, and its default. Reading, checking and
//! `docs/configuration.md` all use that list. The only I/O is reading the two files. All problems are reported at once.

pub mod address;
pub mod brokers;
pub mod build;
mod collect;
mod environment;
mod file;
pub mod given;
mod kafka;
mod pairs;
pub mod problem;
pub mod reference;
pub mod settings;
pub mod table;
pub mod text;
mod values;
