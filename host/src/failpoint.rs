//! Points on a record's way at which the torture tests kill the process, and promises that they break on purpose, to
//! see that the check finds it. Only their builds have the feature `failpoints`; in all others, nothing of this is
//! compiled in.

/// A place on a record's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A batch has reached its worker.
    Received,
    Decoded,
    Transformed,
    /// The sink has acknowledged the rows; the dead letters are still to be published.
    Written,
    /// The dead letters are acknowledged; the batch does not count as settled yet.
    Published,
    /// Settled; the offsets are still to be committed.
    Settled,
    /// The brokers have acknowledged the offsets.
    Committed,
    /// A revocation has come.
    Revoking,
    /// The revoked partitions are drained; the brokers still wait for the answer.
    Revoked,
}

/// A promise that a test can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// Offsets are committed once what they cover is settled.
    CommitAfterWrite,
    /// Write timestamps come from the record, not from the clock.
    WriteTimeOfRecord,
    /// An instance that trapped is never called again.
    FreshInstanceAfterTrap,
}

/// If a test has armed this point, the process dies here as it would by kill -9.
pub fn reached(point: Point) {
    fail::fail_point!(point.name(), |_| std::process::abort());
    let _ = point;
}

/// Whether a test has broken this promise.
pub fn is_broken(promise: Promise) -> bool {
    fail::fail_point!(promise.name(), |_| true);
    let _ = promise;
    false
}

#[cfg(feature = "failpoints")]
impl Point {
    fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Decoded => "decoded",
            Self::Transformed => "transformed",
            Self::Written => "written",
            Self::Published => "published",
            Self::Settled => "settled",
            Self::Committed => "committed",
            Self::Revoking => "revoking",
            Self::Revoked => "revoked",
        }
    }
}

#[cfg(feature = "failpoints")]
impl Promise {
    fn name(self) -> &'static str {
        match self {
            Self::CommitAfterWrite => "mutant-commit-before-write",
            Self::WriteTimeOfRecord => "mutant-wall-clock",
            Self::FreshInstanceAfterTrap => "mutant-keep-trapped-instance",
        }
    }
}
