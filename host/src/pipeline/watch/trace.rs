//! Hands the times of single batches and of swaps to a [`Tracer`], which exports them. Records never wait for it.
//! Without a tracer, a batch costs a look at an `Option`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::lap::Lap;
use super::share::Share;
use super::swaps::Swap;
use super::totals::Counts;
use crate::record::Record;
use crate::record::descriptor::PluginIdentity;
use crate::record::stage::Stage;
use crate::record::trace_parent::TraceParent;

/// Takes what it is handed and passes it on. It must never wait, since it is called where records flow.
pub trait Tracer: Send + Sync {
    /// Takes a batch that is settled and that is to have a span.
    fn batch(&self, batch: &SettledBatch<'_>);
    /// Takes a swap that has ended, whatever its outcome.
    fn swap(&self, swap: &Swap);
}

/// A batch that is settled.
pub struct SettledBatch<'a> {
    pub begun: SystemTime,
    pub took: Duration,
    /// The phases in the order in which they ended, each once.
    pub phases: &'a [Phase],
    /// The plugin that the records went through last.
    pub plugin: &'a PluginIdentity,
    /// At least one.
    pub records: &'a [Record],
    pub counts: &'a Counts,
}

/// A stage's part of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    pub stage: Stage,
    pub begun: SystemTime,
    pub took: Duration,
}

/// Where traces go, if anywhere.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Telling>>);

struct Telling {
    tracer: Arc<dyn Tracer>,
    turns: Turns,
}

/// A batch under way, if it is a traced one.
#[derive(Default)]
pub struct Trace(Option<Box<Begun>>);

struct Begun {
    telling: Arc<Telling>,
    /// One instant on the wall clock and on the monotonic clock. Durations use the monotonic one.
    at: (SystemTime, Instant),
    phases: Vec<Phase>,
}

/// Which batches are traced: a share of all, preferably those whose records already belong to a sampled trace.
///
/// Each batch adds the share to the credit, and a traced one takes [`A_BATCH`]. While the credit allows one, a batch
/// with a record of a sampled trace is traced. If none comes until the credit is [`FULL`], any batch is. So both
/// together stay within the share, however many records have a trace.
struct Turns {
    share: Share,
    /// The credit in hundredths of a batch.
    credit: AtomicU32,
}

const A_BATCH: u32 = 100;

/// One batch more than a single turn needs, and no more: a quiet partition does not save up credit.
const FULL: u32 = 2 * A_BATCH;

impl Traces {
    /// Hands this share of the batches to the tracer, and every batch with a record whose own trace is sampled.
    pub fn new(tracer: Arc<dyn Tracer>, share: Share) -> Self {
        let turns = Turns::new(share);
        Self(Some(Arc::new(Telling { tracer, turns })))
    }

    /// Called for every batch, before anything is done with it.
    pub fn begin(&self, records: &[Record]) -> Trace {
        let Some(telling) = &self.0 else { return Trace(None) };
        let is_followed = || {
            let mut parents = records.iter().filter_map(TraceParent::of);
            parents.any(|parent| parent.is_sampled())
        };
        if !telling.turns.take(is_followed) {
            return Trace(None);
        }
        Trace(Some(Box::new(Begun {
            telling: Arc::clone(telling),
            at: (SystemTime::now(), Instant::now()),
            phases: Vec::with_capacity(Stage::ALL.len()),
        })))
    }

    /// Called for every swap, whatever its outcome.
    pub fn swap(&self, swap: &Swap) {
        if let Some(telling) = &self.0 {
            telling.tracer.swap(swap);
        }
    }
}

impl Trace {
    /// The batch goes through the guest once more, because the plugin was swapped or gave no outcome. That may go on
    /// for as long as the plugin is not repaired, so only the last pass is traced, with a gap before it.
    pub fn begin_anew(&mut self) {
        if let Some(begun) = &mut self.0 {
            begun.phases.clear();
        }
    }

    /// Adds a stage that the batch has been through. Nothing is kept for a batch without a span.
    pub fn note(&mut self, stage: Stage, lap: Lap) {
        if let Some(begun) = &mut self.0 {
            let (wall, clock) = begun.at;
            begun.phases.push(Phase {
                stage,
                begun: wall + lap.begun.saturating_duration_since(clock),
                took: lap.took,
            });
        }
    }

    /// The batch is settled. A batch that is cut off is never traced, since its records are read again.
    pub fn end(self, plugin: &PluginIdentity, records: &[Record], counts: &Counts) {
        if let Some(begun) = self.0 {
            let (wall, clock) = begun.at;
            begun.telling.tracer.batch(&SettledBatch {
                begun: wall,
                took: clock.elapsed(),
                phases: &begun.phases,
                plugin,
                records,
                counts,
            });
        }
    }
}

impl Turns {
    fn new(share: Share) -> Self {
        // The first batch is traced, so that there is something to see at once.
        let credit = AtomicU32::new(FULL - u32::from(u8::from(share)));
        Self { share, credit }
    }

    /// Whether it is this batch's turn.
    fn take(&self, is_followed: impl FnOnce() -> bool) -> bool {
        let share = u32::from(u8::from(self.share));
        let add = |credit: u32| Some((credit + share).min(FULL));
        let before = self.credit.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        let credit = before.map_or(0, |before| (before + share).min(FULL));
        if credit < A_BATCH || (credit < FULL && !is_followed()) {
            return false;
        }
        // Another partition's batch may have been faster to take the credit.
        let spend = |credit: u32| credit.checked_sub(A_BATCH);
        self.credit
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend)
            .is_ok()
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traces").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(percent: u8) -> Turns {
        Turns::new(Share::try_from(percent).expect("a share"))
    }

    /// Which of this many batches are traced, counted from 1.
    fn taken(turns: &Turns, batches: u32, is_followed: impl Fn(u32) -> bool) -> Vec<u32> {
        (1..=batches)
            .filter(|&batch| turns.take(|| is_followed(batch)))
            .collect()
    }

    #[test]
    fn without_traces_it_is_every_hundredth_batch_beginning_with_the_first() {
        assert_eq!(taken(&turns(1), 301, |_| false), [1, 101, 201, 301]);
        assert_eq!(taken(&turns(100), 4, |_| false), [1, 2, 3, 4]);
    }

    #[test]
    fn a_batch_that_somebody_follows_goes_first() {
        assert_eq!(taken(&turns(10), 31, |batch| batch % 10 == 5), [1, 5, 15, 25]);
    }

    #[test]
    fn traces_are_followed_within_the_share_only() {
        let all = taken(&turns(1), 10_000, |_| true);
        assert!((100..=102).contains(&all.len()), "{}", all.len());
    }

    #[test]
    fn batches_of_many_partitions_at_once_stay_within_the_share() {
        let turns = turns(10);
        let count: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| taken(&turns, 10_000, |_| true).len()))
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("counted")).sum()
        });
        assert!((3990..=4002).contains(&count), "{count} of 40,000");
    }

    #[test]
    fn nobody_is_told_where_nobody_asks() {
        let mut trace = Traces::default().begin(&[]);
        trace.note(Stage::Decode, Lap::since(Instant::now()));
        assert!(trace.0.is_none());
    }
}
