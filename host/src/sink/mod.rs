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

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::record::Record;
use crate::record::causes::BoxError;
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
    /// For an output to a topic: the place of row i among the rows that its record gives that topic, counted from 0. It
    /// does not depend on how records are grouped into batches. Empty for a table.
    pub numbers: Vec<u32>,
    /// For an output to a table: what is written of rows that share their key with others of their record. Empty until
    /// [`Sink::arrange`] was asked.
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

/// The order in which rows of tables have to be handed to a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Any order: write timestamps decide, and the notes of [`Sink::arrange`].
    Any,
    /// The order of their records, and within a record the plugin's.
    Given,
}

/// Where rows go. A sink is made for one plugin's descriptor: it has found the table of each output and its columns.
pub trait Sink: Send + Sync {
    /// Batches of one partition being written at one time. More hides a slower server and holds more memory; what the
    /// server sees is bounded by the sink itself. 1 where the order of the rows shows.
    fn batches_in_flight(&self) -> usize {
        4
    }

    /// In which order rows have to be given to [`Self::write`].
    fn order(&self) -> Order {
        Order::Any
    }

    /// Notes in the writes of one batch of records, which stand in the plugin's order, what rows of one record and one
    /// key do to one another: see [`one_key`]. Asked once, before the first of them is written. A sink to which rows
    /// are given in their order has nothing to note.
    fn arrange(&self, writes: &mut [WriteBatch]) {
        let _ = writes;
    }

    /// Writes the rows of `batch` that `which` names (all of them the first time, the failed ones again later), and
    /// answers one result for each, in the order of `which`, once a server has acknowledged it.
    ///
    /// Writing a row again is harmless: the same write timestamp goes with it, and in a topic the same place of its
    /// record.
    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>>;
}

/// Why a row was not written.
#[derive(Debug)]
pub struct SinkError {
    /// Decides what happens to the record: the table is in `pipeline/trouble/fault.rs`.
    pub fault: SinkFault,
    /// The column or the topic, where the error concerns one.
    pub at: Option<String>,
    /// The sink's text about it, with all its causes.
    pub cause: BoxError,
}

/// The kinds of trouble that a row can meet, whatever it is written to. Each sink maps the errors of its product onto
/// these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkFault {
    /// A value does not fit its column.
    Value,
    /// The row has no value for a column of the primary key.
    NullKey,
    /// The server has read the row and calls it invalid.
    Refused,
    /// There is too much to do: the answer did not come in time, or the server asks for patience. Whether the row was
    /// written may be unknown.
    Busy,
    /// Server or disk cannot be reached, or cannot write at the moment.
    Away,
    /// The table, a column or the topic is not there any more.
    Gone,
    /// The server does not allow the write.
    Forbidden,
    /// The server does not take this host's time.
    Clock,
}

/// A value that does not fit its column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {reason}")]
pub struct Misfit {
    pub column: String,
    pub reason: String,
}

#[derive(Debug, thiserror::Error)]
#[error("column {column} is part of the primary key and the row has no value for it")]
struct NullKey {
    column: String,
}

/// Words for an error, and the error.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
struct Said {
    words: Cow<'static, str>,
    #[source]
    cause: BoxError,
}

impl SinkError {
    /// `words` is what the error says, `cause` what is behind it.
    pub fn new(fault: SinkFault, words: impl Into<Cow<'static, str>>, cause: impl Into<BoxError>) -> Self {
        let (words, cause) = (words.into(), cause.into());
        Self {
            fault,
            at: None,
            cause: Box::new(Said { words, cause }),
        }
    }

    /// The server calls the row invalid.
    pub fn refused(cause: impl Into<BoxError>) -> Self {
        Self::new(SinkFault::Refused, "the server refuses the row as invalid", cause)
    }

    /// The table or a column was dropped.
    pub fn table_gone(cause: impl Into<BoxError>) -> Self {
        Self::new(SinkFault::Gone, "the table or a column is not there any more", cause)
    }

    /// A file, or standard output, does not take what is written.
    pub fn file(cause: impl Into<BoxError>) -> Self {
        Self::new(SinkFault::Away, "the file cannot be written", cause)
    }

    /// The row has no value for a column of the primary key.
    pub fn null_key(column: &str) -> Self {
        let column = column.to_owned();
        Self {
            fault: SinkFault::NullKey,
            at: Some(column.clone()),
            cause: Box::new(NullKey { column }),
        }
    }
}

impl From<Misfit> for SinkError {
    fn from(misfit: Misfit) -> Self {
        Self {
            fault: SinkFault::Value,
            at: Some(misfit.column.clone()),
            cause: Box::new(misfit),
        }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for SinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}
