//! Types for positions, so that an offset, a commit point and a write timestamp are never mixed up.

use std::fmt;
use std::sync::Arc;

/// One partition of one topic. A file counts as partition 0 of a topic named like the file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    pub topic: Arc<str>,
    pub number: i32,
}

/// The offset of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Offset(pub i64);

/// The next offset to read. Every record before it is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitPoint(pub i64);

/// A write timestamp in microseconds since 1970-01-01T00:00Z, as `USING TIMESTAMP` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WriteTime(pub i64);

/// The position of one record, in a partition of a topic or on a line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    pub partition: Arc<Partition>,
    pub offset: Offset,
    /// The line of the file, counted from 1, or `None` for Kafka.
    pub line: Option<u64>,
}

impl Offset {
    /// The commit point after this record.
    pub fn next(self) -> CommitPoint {
        CommitPoint(self.0 + 1)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.number)
    }
}

/// Shows `topic/partition@offset`, or `file:line`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.partition.topic),
            None => write!(f, "{}@{}", self.partition, self.offset.0),
        }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
