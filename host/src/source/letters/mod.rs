//! Dead letters as a source: read one by one to be looked at ([`read`]), or as the records that they were, for the usual
//! pipeline ([`replay`] from a topic, [`file`] from a file).
//!
//! [`session`] says where a replay begins and with which generation; [`selection`] which letters it takes; [`original`] reads
//! what a letter holds by reference.

mod error;
pub mod file;
mod original;
pub mod read;
pub mod replay;
mod selection;
mod session;
mod topic;

use std::path::PathBuf;

use crate::connection::KafkaConnection;

pub use selection::{CountedSelection, Counts, Tally};

/// Where dead letters are.
#[derive(Debug, Clone)]
pub enum LettersLocation {
    Topic(LettersTopic),
    File(PathBuf),
}

/// A dead-letter topic, with the brokers it is on.
#[derive(Debug, Clone)]
pub struct LettersTopic {
    pub connection: KafkaConnection,
    pub name: String,
    /// The consumer group in which replays commit; it has no members.
    pub group: String,
}
