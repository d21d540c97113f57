//! A candidate beside the current plugin on a share of the live batches. Its outcome is compared with the current
//! plugin's, and goes nowhere else.
//!
//! A batch is compared after it was handed to settling, and one batch at a time. While the candidate is busy, batches
//! are passed over and counted. So a slow candidate delays nothing, and holds one batch in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::pipeline::batch::make::{MakeError, Warm, make};
use crate::pipeline::batch::transformed::Transformed;
use crate::pipeline::batch::version::Version;
use crate::pipeline::commit::write_time::FUTURE_TIMESTAMP;
use crate::pipeline::compare::report::ComparisonReport;
use crate::pipeline::compare::{Answer, Comparer, Subject};
use crate::pipeline::watch::shadowing::ShadowReport;
use crate::pipeline::watch::share::Share;
use crate::plugin::PluginError;
use crate::plugin::isolate::GuestError;
use crate::record::Record;
use crate::record::causes::chain;
use crate::record::descriptor::Rows;

/// The candidate, if there is one.
#[derive(Default)]
pub struct Shadow(Mutex<Option<Arc<Session>>>);

/// One candidate, from its start until it is stopped or replaced.
struct Session {
    candidate: Arc<Version>,
    share: Share,
    /// Per cent of a batch that are due. Whenever they reach a hundred, a batch is compared.
    due: AtomicU32,
    passed_over: AtomicU64,
    /// Permits one batch at a time.
    free: Arc<Semaphore>,
    found: Mutex<ShadowComparison>,
}

/// The result against one current plugin.
struct ShadowComparison {
    current: Arc<Version>,
    comparer: Arc<Comparer>,
    since: SystemTime,
    batches: u64,
    ended: Option<String>,
    report: ComparisonReport,
    warm: Warm,
}

/// A batch to compare with.
pub struct Sample {
    session: Arc<Session>,
    comparer: Arc<Comparer>,
    current: Arc<Version>,
    records: Arc<Vec<Record>>,
    answer: Answer,
    /// Held until the batch is compared.
    _turn: OwnedSemaphorePermit,
}

impl Shadow {
    /// Begins with this candidate, in place of another one. It was checked as it is for a swap.
    pub fn start(&self, candidate: Arc<Version>, current: &Arc<Version>, share: Share) {
        let found = ShadowComparison::new(current, &candidate);
        tracing::info!(version = %candidate.identity().version, digest = %candidate.digest(), %share, "shadowing");
        *self.lock() = Some(Arc::new(Session {
            candidate,
            share,
            // The first batch is looked at, so that there is something to see at once.
            due: AtomicU32::new(u32::from(100 - u8::from(share))),
            passed_over: AtomicU64::new(0),
            free: Arc::new(Semaphore::new(1)),
            found: Mutex::new(found),
        }));
    }

    /// Ends the shadow, if there is one, and returns what it found.
    pub fn stop(&self) -> Option<ShadowReport> {
        let session = self.lock().take()?;
        Some(session.report())
    }

    /// The version that is being shadowed, `None` while there is none.
    pub fn candidate(&self) -> Option<Arc<Version>> {
        self.lock().as_ref().map(|session| Arc::clone(&session.candidate))
    }

    /// What the comparison has found so far, `None` while nothing is being shadowed.
    pub fn report(&self) -> Option<ShadowReport> {
        let session = self.lock().clone()?;
        Some(session.report())
    }

    /// Keeps what is needed to compare this batch later, if it is its turn and the candidate is free. `current` is the
    /// slot's.
    pub fn sample(&self, batch: &Transformed, current: &Arc<Version>) -> Option<Sample> {
        let session = self.lock().clone()?;
        if Arc::ptr_eq(&session.candidate, current) {
            // The candidate was promoted, and there is nothing to see beside itself.
            self.end(&session);
            return None;
        }
        // A batch that began before a swap says nothing about the plugin that is current now.
        if !Arc::ptr_eq(&batch.version, current) || !session.is_due() {
            return None;
        }
        let Ok(turn) = Arc::clone(&session.free).try_acquire_owned() else {
            session.pass_over();
            return None;
        };
        let mut found = session.found();
        if !Arc::ptr_eq(&found.current, current) {
            *found = ShadowComparison::new(current, &session.candidate);
            session.passed_over.store(0, Ordering::Relaxed);
        }
        if found.ended.is_some() {
            return None;
        }
        let comparer = Arc::clone(&found.comparer);
        drop(found);
        Some(Sample {
            session,
            comparer,
            current: Arc::clone(current),
            records: Arc::clone(&batch.records),
            answer: live(batch),
            _turn: turn,
        })
    }

    /// Takes this session away, unless another one has begun meanwhile.
    fn end(&self, session: &Arc<Session>) {
        let mut running = self.lock();
        if running.as_ref().is_some_and(|running| Arc::ptr_eq(running, session)) {
            *running = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Session>>> {
        self.0.lock()
    }
}

/// What the current plugin made of the batch.
fn live(batch: &Transformed) -> Answer {
    let made = batch.writes.iter().map(|write| Rows {
        output: write.output,
        source: write.source.clone(),
        batch: write.batch.clone(),
    });
    Answer {
        made: made.collect(),
        rejects: batch.rejects.clone(),
        took: batch.guest_time,
    }
}

impl Session {
    fn is_due(&self) -> bool {
        let share = u32::from(u8::from(self.share));
        self.due.fetch_add(share, Ordering::Relaxed) % 100 + share >= 100
    }

    fn pass_over(&self) {
        self.passed_over.fetch_add(1, Ordering::Relaxed);
    }

    fn found(&self) -> MutexGuard<'_, ShadowComparison> {
        self.found.lock()
    }

    fn report(&self) -> ShadowReport {
        let found = self.found();
        ShadowReport {
            since: DateTime::<Utc>::from(found.since).to_rfc3339_opts(SecondsFormat::Millis, true),
            share_percent: self.share,
            batches: found.batches,
            batches_passed_over: self.passed_over.load(Ordering::Relaxed),
            ended: found.ended.clone(),
            differences: found.report.clone(),
        }
    }
}

impl ShadowComparison {
    fn new(current: &Arc<Version>, candidate: &Arc<Version>) -> Self {
        let comparer = Comparer::new(subject(current), subject(candidate));
        Self {
            current: Arc::clone(current),
            since: SystemTime::now(),
            batches: 0,
            ended: None,
            report: comparer.blank().clone(),
            comparer: Arc::new(comparer),
            warm: Warm::default(),
        }
    }
}

fn subject(version: &Version) -> Subject<'_> {
    Subject {
        identity: version.identity(),
        descriptor: version.plugin.descriptor(),
    }
}

impl Sample {
    /// Calls the candidate and compares, on threads where it delays nothing. It ends by itself.
    pub fn start(self) {
        drop(tokio::spawn(self.run()));
    }

    /// Does what [`Self::start`] starts, to its end.
    pub async fn run(self) {
        let session = Arc::clone(&self.session);
        let mut warm = std::mem::take(&mut session.found().warm);
        let candidate = &session.candidate;
        let made = match make(&candidate.plugin, &candidate.decoder, &self.records, &mut warm).await {
            Ok(made) => made,
            Err(error @ (MakeError::Codec(_) | MakeError::Guest(GuestError::Start(PluginError::Thread(_))))) => {
                tracing::debug!(error = chain(&error), "a shadowed batch is passed over");
                return session.pass_over();
            }
            Err(error) => return end(&session, &self.current, &chain(&error)),
        };
        session.found().warm = warm;
        let compared = tokio::task::spawn_blocking(move || self.compare(made.into())).await;
        if let Err(error) = compared {
            tracing::debug!(%error, "a shadowed batch is passed over");
            session.pass_over();
        }
    }

    /// Compares the outcomes, and ends the turn.
    fn compare(self, mut candidates: Answer) {
        // The pipeline rejects records from the future, whatever a plugin makes of them.
        let live = self.answer.rejects.iter();
        for (&record, reject) in live.filter(|(_, reject)| reject.code == FUTURE_TIMESTAMP) {
            candidates.rejects.insert(record, reject.clone());
        }
        let report = self.comparer.compare(&self.records, &self.answer, &candidates);
        let mut found = self.session.found();
        // Another plugin may have become the current one meanwhile.
        if Arc::ptr_eq(&found.current, &self.current) {
            found.batches += 1;
            found.report.merge(report);
        }
    }
}

/// A candidate that cannot be called at all, or that breaks on every record, is not called again.
fn end(session: &Session, current: &Arc<Version>, reason: &str) {
    tracing::warn!(digest = %session.candidate.digest(), reason, "shadowing ended");
    let mut found = session.found();
    if Arc::ptr_eq(&found.current, current) {
        found.ended = Some(reason.to_owned());
    }
}
