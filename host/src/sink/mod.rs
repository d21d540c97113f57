//! Rows to servers: what every sink does, and what can go wrong with a row.

pub mod cassandra;
#[cfg(test)]
mod fixture;
pub mod object;
pub mod print;
pub mod read_back;
pub mod router;
pub mod sqlite;
pub mod topic;

use std::error::Error;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::record::Record;
use crate::record::columns::Batch;
use crate::record::position::WriteTime;

/// Rows for one output of the plugin.
#[derive(Debug)]
pub struct WriteBatch {
    /// Index into the descriptor's outputs.
    pub output: usize,
    pub batch: Batch,
    /// One for each row of `batch`.
    pub write_times: Vec<WriteTime>,
    pub records: Arc<Vec<Record>>,
    /// `source[i]` is the record that row i came from, an index into `records`.
    pub source: Vec<u32>,
    /// Of an output that goes to a topic: row i is so far among the rows that its record gives that topic, counted from
    /// 0, however records are grouped into batches. Empty for a table.
    pub numbers: Vec<u32>,
}

impl WriteBatch {
    /// The one that the row came from.
    pub fn record(&self, row: usize) -> &Record {
        &self.records[self.source[row] as usize]
    }
}

/// Where rows go. A sink is made for one plugin's descriptor: it has found the table of each output and its columns.
pub trait Sink: Send + Sync {
    /// Batches of one partition being written at one time. More hides a slower server and holds more memory; what the
    /// server sees is bounded by the sink itself. 1 where the order of the rows shows.
    fn batches_in_flight(&self) -> usize {
        4
    }

    /// Writes the rows of `batch` that `which` names (all of them the first time, the failed ones again later), and
    /// answers one result for each, in the order of `which`, once a server has acknowledged it.
    ///
    /// Writing a row again is harmless: the same write timestamp goes with it, and in a topic the same place of its record.
    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>>;
}

/// Why a row was not written. `pipeline/fault.rs` says what each means for its record.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    #[error("column {column}: {reason}")]
    Value { column: String, reason: String },
    #[error("column {column} is part of the primary key and the row has no value for it")]
    NullKey { column: String },
    #[error("the server refuses the row as invalid")]
    Refused(#[source] Cause),
    #[error("not enough replicas are alive for the consistency level")]
    Unavailable(#[source] Cause),
    #[error("the replicas did not answer in time")]
    Timeout(#[source] Cause),
    #[error("the server is overloaded")]
    Overloaded(#[source] Cause),
    #[error("no connection to the server")]
    Connection(#[source] Cause),
    #[error("the table or a column is not there any more")]
    TableGone(#[source] Cause),
    #[error("the server does not allow this write")]
    Unauthorized(#[source] Cause),
    #[error("the file cannot be written")]
    File(#[source] Cause),
    #[error("topic {topic} did not take the row")]
    Topic {
        topic: String,
        #[source]
        cause: Cause,
    },
    #[error("topic {topic} is not there any more; `host setup --plugin FILE` creates it")]
    TopicGone {
        topic: String,
        #[source]
        cause: Cause,
    },
    #[error("the brokers refuse to write to topic {topic}; check the login and the ACLs")]
    TopicUnauthorized {
        topic: String,
        #[source]
        cause: Cause,
    },
}

pub type Cause = Box<dyn Error + Send + Sync>;
