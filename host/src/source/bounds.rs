//! How far a source reads ahead of the pipeline.

/// The bounds of every source, whatever it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Records sent to the pipeline at one time, at most.
    pub chunk_records: usize,
    /// Records of one partition that are read and not yet settled. With this many, the partition is not read.
    pub queue_records: usize,
    /// The same in bytes, but of all partitions together: each that is assigned has an equal share.
    pub queue_bytes: usize,
}
