//! Rows to servers: what every sink does, and what can go wrong with a row.

pub mod cassandra;
#[cfg(test)]
mod fixture;
pub mod object;
pub mod one_key;
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
use one_key::{Part, Parts};

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
    /// Of an output that goes to a table: what is written of rows that share their key with others of their record. Empty
    /// until [`Sink::arrange`] was asked.
    pub parts: Parts,
}

impl WriteBatch {
    /// The one that the row came from.
    pub fn record(&self, row: usize) -> &Record {
        &self.records[self.source[row] as usize]
    }

    /// Whether the row is written, all of it or a part: see [`one_key`].
    pub fn is_written(&self, row: u32) -> bool {
        match self.parts.get(&row) {
            None | Some(Part::Without(_)) => true,
            Some(Part::Earlier) => one_key::earlier(self.write_times[row as usize]).is_some(),
            Some(Part::Nothing | Part::Refused(_)) => false,
        }
    }

    /// The row's write timestamp, and the fields that are left out of it.
    pub fn written(&self, row: u32) -> (WriteTime, &[usize]) {
        let time = self.write_times[row as usize];
        match self.parts.get(&row) {
            Some(Part::Earlier) => (one_key::earlier(time).unwrap_or(time), &[]),
            Some(Part::Without(fields)) => (time, fields),
            Some(Part::Nothing | Part::Refused(_)) | None => (time, &[]),
        }
    }

    /// Refuses a row that is refused with the others of its key.
    pub fn refusal(&self, row: u32) -> Result<(), SinkError> {
        let refusal = self.parts.get(&row).and_then(Part::refusal);
        refusal.map_or(Ok(()), Err)
    }
}

/// In which order the rows of tables have to be handed to a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// In any: write timestamps decide, and what [`Sink::arrange`] noted.
    Any,
    /// In that of their records, and of one record in the plugin's.
    Given,
}

/// Where rows go. A sink is made for one plugin's descriptor: it has found the table of each output and its columns.
pub trait Sink: Send + Sync {
    /// Batches of one partition being written at one time. More hides a slower server and holds more memory; what the
    /// server sees is bounded by the sink itself. 1 where the order of the rows shows.
    fn batches_in_flight(&self) -> usize {
        4
    }

    fn order(&self) -> Order {
        Order::Any
    }

    /// Notes in the writes of one batch of records, which stand in the plugin's order, what rows of one record and one key
    /// do to one another: see [`one_key`]. Asked once, before the first of them is written. A sink to which rows are given
    /// in their order has nothing to note.
    fn arrange(&self, writes: &mut [WriteBatch]) {
        let _ = writes;
    }

    /// Writes the rows of `batch` that `which` names (all of them the first time, the failed ones again later), and
    /// answers one result for each, in the order of `which`, once a server has acknowledged it.
    ///
    /// Writing a row again is harmless: the same write timestamp goes with it, and in a topic the same place of its record.
    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>>;
}

/// Why a row was not written. `pipeline/trouble/fault.rs` says what each means for its record.
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
    #[error(
        "topic {topic} does not take this host's time; set the clocks of host and brokers, or the topic's \
         message.timestamp.before.max.ms and message.timestamp.after.max.ms"
    )]
    TopicTime {
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
