//! A dead-letter topic as a source: its records, as they were, up to the log ends seen at the start.
//!
//! The pipeline's partitions are those of the dead-letter topic, and the offsets of letters are committed. Letters that
//! are passed over count as settled with the one before them. There is no rebalancing: one replay reads all partitions,
//! and stops when it sees that another one has begun.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::LettersTopic;
use super::error::LettersError;
use super::read::Ranges;
use super::selection::{CountedSelection, Tally};
use super::session::{self, Mark, Session};
use super::topic::Letters;
use crate::kafka::error::{ClientError, guarded};
use crate::progress::error::{ProgressError, ProgressFault};
use crate::progress::{AssignedPartition, Progress};
use crate::record::commit::Commit;
use crate::record::letter::replay::{MAX_GENERATION, Selection};
use crate::record::position::CommitPoint;
use crate::record::trail::Trail;
use crate::source::bounds::Bounds;
use crate::source::error::SourceError;
use crate::source::gauge::Gauge;
use crate::source::{Control, Event, Running};

mod reader;

use reader::{Lane, Reader};

/// The pause between two tries to commit what must be committed before anything is written.
const COMMIT_AGAIN: Duration = Duration::from_millis(500);

/// A replay that is about to begin; nothing is committed yet.
pub struct Prepared {
    letters: Letters,
    session: Session,
    /// The offsets to read, by partition.
    ranges: Ranges,
}

/// Finds out where this replay begins and with which generation. Asks the brokers, and waits for their answers.
///
/// # Errors
/// Brokers or topic are not there, or there is no generation left.
pub fn prepare(topic: &LettersTopic, fingerprint: &str, given: Option<u8>) -> Result<Prepared, SourceError> {
    let letters = Letters::open(topic)?;
    let run = format!("{:016x}", fastrand::u64(..));
    let session = session::open(&letters.committed()?, fingerprint, &run, given);
    let session = session.map_err(|session::Spent| LettersError::GenerationsSpent {
        topic: topic.name.clone(),
        count: MAX_GENERATION,
    })?;
    let mut ranges = letters.ranges.clone();
    for (number, range) in &mut ranges {
        match session.points.get(number) {
            Some(&point) if point > range.end => {
                let partition = letters.reader.partition(*number);
                tracing::warn!(%partition, committed = point,
                    "the committed offset is beyond the log's end (was the topic made anew?), reading from its beginning");
            }
            Some(&point) => range.start = range.start.max(point),
            None => {}
        }
    }
    Ok(Prepared {
        letters,
        session,
        ranges,
    })
}

impl Prepared {
    /// The lowest generation that the replay writes with.
    pub fn floor(&self) -> u8 {
        self.session.mark.floor
    }

    /// Whether this run continues an earlier one of the same session.
    pub fn is_resumed(&self) -> bool {
        self.session.is_resumed
    }

    /// The offsets that are to be read of each partition, from the first one to before the last one.
    pub fn ranges(&self) -> &Ranges {
        &self.ranges
    }

    /// Commits that this replay has begun, waits for the brokers' answer, and then starts to read.
    pub fn start(self, selection: Selection, bounds: &Bounds) -> Result<(Running, Arc<Tally>), SourceError> {
        let Self {
            letters,
            session,
            ranges,
        } = self;
        let points = ranges.iter().map(|(number, range)| (*number, range.start)).collect();
        letters.commit(&points, &session.mark)?;
        letters.assign(&ranges)?;
        let (events_in, events) = mpsc::unbounded_channel();
        let partitions = ranges
            .iter()
            .map(|(number, range)| (*number, Settling::at(range.start)));
        let shared = Arc::new(Shared {
            letters,
            state: Mutex::new(State {
                mark: session.mark,
                partitions: partitions.collect(),
                is_overtaken: false,
            }),
            events: events_in,
            is_quiet: AtomicBool::new(false),
        });
        let tally = Arc::new(Tally::default());
        let selection = CountedSelection {
            conditions: selection,
            tally: Arc::clone(&tally),
        };
        let count = ranges.len().max(1);
        let lane = |(number, range): (i32, std::ops::Range<i64>)| {
            let lane = Lane {
                partition: shared.letters.reader.partition(number),
                gauge: Arc::new(Gauge::new(bounds.queue_records, bounds.queue_bytes / count)),
                range,
                chunk: Vec::new(),
            };
            (number, lane)
        };
        let reader = Reader {
            lanes: ranges.into_iter().map(lane).collect(),
            shared: Arc::clone(&shared),
            selection,
            chunk_records: bounds.chunk_records,
            is_waiting: false,
        };
        let reading = tokio::task::spawn_blocking(move || {
            let shared = Arc::clone(&reader.shared);
            let ran: Result<(), SourceError> = guarded(|| {
                reader.run();
                Ok(())
            });
            if let Err(error) = ran {
                shared.send(Event::Failed(error));
            }
        });
        let progress = LettersProgress {
            shared: Arc::clone(&shared),
        };
        let control = LettersControl {
            shared,
            reading: Mutex::new(Some(reading)),
        };
        let running = Running {
            events,
            control: Arc::new(control),
            progress: Arc::new(progress),
        };
        Ok((running, tally))
    }
}

/// What the reading thread and the commits share.
struct Shared {
    letters: Letters,
    /// Held while something is committed, so that an older mark never comes after a newer one.
    state: Mutex<State>,
    events: mpsc::UnboundedSender<Event>,
    is_quiet: AtomicBool,
}

struct State {
    mark: Mark,
    partitions: BTreeMap<i32, Settling>,
    is_overtaken: bool,
}

/// How far one partition is read and settled.
#[derive(Debug, PartialEq, Eq)]
struct Settling {
    /// The offsets of letters that the pipeline has and that are not known to be settled.
    handed_out: VecDeque<i64>,
    /// Every letter before this offset was handed out or passed over.
    read_to: i64,
    committed: i64,
}

impl Settling {
    fn at(offset: i64) -> Self {
        Self {
            handed_out: VecDeque::new(),
            read_to: offset,
            committed: offset,
        }
    }

    /// Returns the offset that may be committed once everything handed out before `point` is settled. Letters that were
    /// passed over count as settled with the one before them.
    fn settle(&mut self, point: Option<CommitPoint>) -> i64 {
        if let Some(point) = point {
            while self.handed_out.pop_front_if(|offset| *offset < point.0).is_some() {}
        }
        self.handed_out.front().copied().unwrap_or(self.read_to)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn send(&self, event: Event) {
        // An error means that the pipeline has gone and needs no answer.
        let _ = self.events.send(event);
    }

    /// Commits what is settled, unless another replay has begun meanwhile.
    fn commit(&self, commits: &[Commit]) -> Result<(), ClientError> {
        let mut state = self.state();
        if state.is_overtaken || self.is_overtaken(&mut state)? {
            return Ok(());
        }
        let mut points = BTreeMap::new();
        for (number, progress) in &mut state.partitions {
            let commit = commits.iter().find(|commit| commit.partition.number == *number);
            let point = progress.settle(commit.map(|commit| commit.point));
            if point > progress.committed {
                points.insert(*number, point);
            }
        }
        if points.is_empty() {
            return Ok(());
        }
        self.letters.commit(&points, &state.mark)?;
        for (number, point) in points {
            if let Some(progress) = state.partitions.get_mut(&number) {
                progress.committed = point;
            }
        }
        Ok(())
    }

    fn is_overtaken(&self, state: &mut State) -> Result<bool, ClientError> {
        let committed = self.letters.committed()?;
        let marks = committed.values().filter_map(|commit| commit.mark.as_ref());
        state.is_overtaken = marks.into_iter().any(|mark| mark.run != state.mark.run);
        if state.is_overtaken {
            self.is_quiet.store(true, Ordering::Relaxed);
            let topic = self.letters.topic.name.clone();
            self.send(Event::Failed(LettersError::Overtaken { topic }.into()));
        }
        Ok(state.is_overtaken)
    }

    /// Commits that rows of this generation may exist, before any of them is written.
    fn raise(&self, generation: u8) {
        let mut state = self.state();
        while generation > state.mark.top && !self.is_quiet.load(Ordering::Relaxed) {
            let mark = Mark {
                top: generation,
                ..state.mark.clone()
            };
            let committed = state.partitions.iter();
            let points = committed
                .map(|(number, progress)| (*number, progress.committed))
                .collect();
            // Another replay's mark must not be written over.
            let result = match self.is_overtaken(&mut state) {
                Ok(true) => return,
                Ok(false) => self.letters.commit(&points, &mark),
                Err(error) => Err(error),
            };
            match result {
                Ok(()) => state.mark = mark,
                Err(error) => {
                    tracing::warn!(%error, "cannot commit the generation, trying again");
                    std::thread::sleep(COMMIT_AGAIN);
                }
            }
        }
    }
}

/// The progress of a replay, which is committed with the replay's mark.
struct LettersProgress {
    shared: Arc<Shared>,
}

impl Progress for LettersProgress {
    fn restore(&self, of: Vec<AssignedPartition>) -> BoxFuture<'static, Result<Vec<Option<Commit>>, ProgressError>> {
        let state = self.shared.state();
        let restored = of.into_iter().map(|AssignedPartition { partition, topic }| {
            let committed = state.partitions.get(&partition.number)?.committed;
            Some(Commit {
                partition,
                point: CommitPoint(committed),
                base: None,
                trail: Trail::default(),
                topic,
            })
        });
        Box::pin(std::future::ready(Ok(restored.collect())))
    }

    fn keep(&self, commits: Vec<Commit>) -> BoxFuture<'static, Result<(), ProgressError>> {
        commit(&self.shared, commits)
    }
}

fn commit(shared: &Arc<Shared>, commits: Vec<Commit>) -> BoxFuture<'static, Result<(), ProgressError>> {
    let shared = Arc::clone(shared);
    Box::pin(async move {
        let committing = tokio::task::spawn_blocking(move || shared.commit(&commits));
        let committed = committing.await.map_err(ProgressError::aborted)?;
        committed.map_err(|error| ProgressError::new(ProgressFault::Away, error))
    })
}

struct LettersControl {
    shared: Arc<Shared>,
    reading: Mutex<Option<JoinHandle<()>>>,
}

impl Control for LettersControl {
    fn quiet(&self) {
        self.shared.is_quiet.store(true, Ordering::Relaxed);
    }

    /// Commits partitions whose letters were all passed over; no lane does that for them.
    fn close(&self) -> BoxFuture<'static, ()> {
        self.quiet();
        let reading = self.reading.lock().take();
        let last = commit(&self.shared, Vec::new());
        Box::pin(async move {
            if let Some(reading) = reading
                && reading.await.is_err()
            {
                tracing::debug!("the reading thread had failed");
            }
            if let Err(error) = last.await {
                tracing::warn!(%error, "letters that were passed over are not committed, the next replay looks at them again");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_passed_over_are_settled_with_those_before_them_and_never_sooner() {
        let mut progress = Settling::at(10);
        assert_eq!(progress.settle(None), 10);
        progress.read_to = 13;
        assert_eq!(progress.settle(None), 13, "three passed over");
        progress.handed_out.extend([13, 15]);
        progress.read_to = 20;
        assert_eq!(progress.settle(None), 13);
        assert_eq!(progress.settle(Some(CommitPoint(14))), 15);
        assert_eq!(progress.settle(Some(CommitPoint(14))), 15, "said twice");
        assert_eq!(progress.settle(Some(CommitPoint(16))), 20);
    }
}
