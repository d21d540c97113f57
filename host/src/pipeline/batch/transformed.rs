//! A batch that went through the plugin and is not settled yet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::version::Version;
use crate::pipeline::watch::trace::Trace;
use crate::record::Record;
use crate::record::position::WriteTime;
use crate::record::reject::Reject;
use crate::record::trail::Raise;
use crate::sink::WriteBatch;

/// A batch that went through the guest.
pub struct Transformed {
    pub version: Arc<Version>,
    /// Added to the write timestamps of records that another plugin may already have written.
    pub raise: Option<Raise>,
    pub records: Arc<Vec<Record>>,
    /// One for each record.
    pub write_times: Vec<WriteTime>,
    pub writes: Vec<Arc<WriteBatch>>,
    pub filtered: u64,
    /// By record.
    pub rejects: BTreeMap<usize, Reject>,
    pub guest_time: Duration,
    pub trace: Trace,
}
