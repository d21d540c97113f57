//! Settings in two shapes: what was said, by flag, environment, `.env` and `host.toml` ([`given`], strict), and what
//! the program works with ([`settings::Settings`], validated and typed, made in [`build`]).
//!
//! [`table`] lists every setting once: its key, where else it may be said, its default. Reading, checking and
//! `docs/configuration.md` all go by that list. No I/O but reading the two files; all problems are reported at once.

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
