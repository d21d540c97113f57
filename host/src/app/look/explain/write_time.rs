//! Works out the write timestamp of a record, and explains it.

use std::fmt;

use crate::kafka::fetch::KnownBefore;
use crate::pipeline::commit::write_time::{MAX_AHEAD_MS, WriteClock, now_ms};
use crate::record::Record;
use crate::record::position::WriteTime;

/// A write timestamp with its origin in words.
#[derive(Debug)]
pub struct Explained {
    pub time: WriteTime,
    /// Seconds that the record is stamped ahead of this host's clock, if they are too many.
    pub ahead_s: Option<i64>,
    generation: u8,
    drift_micros: i64,
    records: usize,
    known: KnownBefore,
}

/// Works it out from the records before it, as a run would.
pub fn of(record: &Record, before: &[Option<i64>], known: KnownBefore, generation: u8) -> Explained {
    let base = match &known {
        KnownBefore::Committed(commit) => commit.base,
        KnownBefore::Beginning | KnownBefore::Nothing => None,
    };
    let mut clock = WriteClock::new(base, generation);
    let now = now_ms();
    for timestamp in before {
        // Records that are stamped too far ahead advance the clock, too.
        let _ = clock.next(*timestamp, now);
    }
    let (time, verdict) = clock.next(record.timestamp_ms, now);
    Explained {
        time,
        ahead_s: verdict.err().map(|ahead| ahead.ahead_ms / 1000),
        generation,
        drift_micros: clock.drift_micros().unwrap_or(0),
        records: before.len(),
        known,
    }
}

impl Explained {
    /// Why a run would reject the record before it looks into it.
    pub fn too_far_ahead(&self) -> Option<String> {
        self.ahead_s.map(|seconds| {
            format!(
                "the record is stamped {seconds} s ahead of this host's clock (at most {} s are accepted)",
                MAX_AHEAD_MS / 1000
            )
        })
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match self.drift_micros {
            0 => "the record's own timestamp".to_owned(),
            micros => format!("{micros} us after the record's own timestamp, to stay behind the records before it"),
        };
        let how = match &self.known {
            KnownBefore::Beginning => format!("exact: counted over all {} records before it", self.records),
            KnownBefore::Committed(commit) => format!(
                "exact: counted from what the group committed at {}, over {} records",
                commit.point.0, self.records
            ),
            KnownBefore::Nothing => format!(
                "counted over the {} records before it (--behind); higher only if a record before those was stamped later",
                self.records
            ),
        };
        write!(f, "write timestamp  {}: {from}; {how}", self.time.0)?;
        if self.generation > 0 {
            write!(f, "; generation {}", self.generation)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::commit::Commit;
    use crate::record::position::{CommitPoint, Offset, Partition, Position};
    use crate::record::trail::Trail;
    use std::sync::Arc;

    fn partition() -> Arc<Partition> {
        Arc::new(Partition {
            topic: "orders".into(),
            number: 0,
        })
    }

    fn record(timestamp_ms: i64) -> Record {
        Record {
            position: Position {
                partition: partition(),
                offset: Offset(5),
                line: None,
            },
            timestamp_ms: Some(timestamp_ms),
            key: None,
            value: None,
            headers: Vec::new(),
            redriven: None,
        }
    }

    #[test]
    fn counts_as_a_run_does() {
        let own = of(&record(7), &[Some(1), Some(2)], KnownBefore::Beginning, 0);
        assert_eq!(own.time, WriteTime(7000));
        assert!(own.to_string().contains("exact: counted over all 2 records"), "{own}");
        let crowded = of(&record(7), &[Some(7), Some(7)], KnownBefore::Nothing, 1);
        assert_eq!(crowded.time, WriteTime(7033));
        assert!(crowded.to_string().contains("32 us after"), "{crowded}");
        let commit = Commit {
            partition: partition(),
            point: CommitPoint(4),
            base: Some(WriteTime(9000)),
            trail: Trail::default(),
            topic: None,
        };
        let committed = of(&record(7), &[Some(7)], KnownBefore::Committed(commit), 0);
        assert_eq!(committed.time, WriteTime(9032));
    }
}
