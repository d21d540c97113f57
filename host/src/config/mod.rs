//! Settings have two shapes. [`given`] has them as flags, the environment, `.env` and `host.toml` give them, and
//! refuses unknown keys. [`settings::Settings`] has them as the program uses them, validated and typed; [`build`] makes
//! it. A file each reads the sections of systems ([`kafka`], [`cassandra`], [`registry`]). The caller says which
//! [`ends`] a run may have.
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
