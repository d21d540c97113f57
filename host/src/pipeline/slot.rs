//! Where the current plugin is held: workers take it from here at every batch, and whoever swaps it puts the next one
//! here. It watches a swapped-in plugin for a while, and goes back to the one before by itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};

use crate::record::Record;
use crate::record::descriptor::Digest;
use crate::record::reject::Reject;
use crate::record::trail::Writers;

use super::isolate::GuestError;
use super::outage::chain;
use super::probation::{Probation, Standing, Tally, Watch, Worse};
use super::swap::{History, Outcome, Swap};
use super::version::Version;

/// Holds the version that the next batch of every partition goes through.
pub struct PluginSlot {
    current: watch::Sender<Arc<Version>>,
    coming: Mutex<Option<Coming>>,
    commit_wanted: Notify,
    watched: Mutex<Watched>,
    pub history: History,
}

/// A plugin that is about to be swapped in.
struct Coming {
    digest: Digest,
    /// Used once every partition's commit names it.
    named: Option<oneshot::Sender<()>>,
}

/// What is known of the current version, and where to go back to.
#[derive(Default)]
struct Watched {
    tally: Tally,
    /// `None` where the current version is not on probation.
    watch: Option<Watch>,
    /// Warm: compiled, its statements prepared.
    previous: Option<Arc<Version>>,
}

/// What a batch came to at one version.
pub struct Observed<'a> {
    pub records: &'a [Record],
    pub guest_time: Duration,
}

impl PluginSlot {
    pub fn new(version: Version) -> Self {
        Self {
            current: watch::Sender::new(Arc::new(version)),
            coming: Mutex::new(None),
            commit_wanted: Notify::new(),
            watched: Mutex::default(),
            history: History::default(),
        }
    }

    pub fn current(&self) -> Arc<Version> {
        Arc::clone(&self.current.borrow())
    }

    /// The version before the current one, if there was a swap.
    pub fn previous(&self) -> Option<Arc<Version>> {
        self.watched().previous.clone()
    }

    pub fn is_on_probation(&self) -> bool {
        self.watched().watch.is_some()
    }

    /// Tells of every swap.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Version>> {
        self.current.subscribe()
    }

    /// Who takes the next batches: the current plugin, and the one that is coming.
    pub fn writers(&self) -> Writers {
        // In this order: what is coming becomes the current one first, and then is coming no more.
        let coming = self.coming().as_ref().map(|coming| coming.digest);
        let current = Writers::One(self.current.borrow().digest());
        coming.map_or(current, |coming| current.and(Writers::One(coming)))
    }

    /// A commit is to be made at once, since somebody waits for the name in it.
    pub fn want_commit(&self) {
        self.commit_wanted.notify_one();
    }

    /// Completes when somebody wants a commit.
    pub async fn commit_wanted(&self) {
        self.commit_wanted.notified().await;
    }

    /// Has every partition's commit name this plugin; completes when the brokers have them.
    pub async fn announce(&self, digest: Digest) {
        let (named, is_named) = oneshot::channel();
        *self.coming() = Some(Coming {
            digest,
            named: Some(named),
        });
        self.want_commit();
        // Dropped when another one is announced, which does not happen while this one is waited for.
        let _ = is_named.await;
    }

    /// What is announced and not yet named everywhere.
    pub fn announced(&self) -> Option<Digest> {
        let coming = self.coming();
        let waiting = coming.as_ref().filter(|coming| coming.named.is_some());
        waiting.map(|coming| coming.digest)
    }

    /// Every partition's commit names what was announced.
    pub fn note_named(&self) {
        if let Some(named) = self.coming().as_mut().and_then(|coming| coming.named.take()) {
            // Whoever waited has given up.
            let _ = named.send(());
        }
    }

    /// What was announced does not come.
    pub fn withdraw(&self) {
        *self.coming() = None;
    }

    /// From the next batch on, this is the plugin. With a probation it is compared with the one before it.
    pub fn put(&self, version: Arc<Version>, probation: Option<Probation>) {
        let mut watched = self.watched();
        let earlier = std::mem::take(&mut watched.tally);
        watched.watch = probation.map(|probation| Watch::new(probation, earlier));
        watched.previous = Some(self.current.send_replace(version));
        drop(watched);
        self.withdraw();
    }

    /// Takes note of what a batch came to. Whether the slot went back because of it: then the batch is to be made anew.
    pub fn observe(&self, version: &Arc<Version>, observed: &Observed<'_>, rejects: &[(usize, &Reject)]) -> bool {
        let mut watched = self.watched();
        if !Arc::ptr_eq(version, &self.current.borrow()) {
            return false; // A batch of an earlier version says nothing about this one.
        }
        let records = observed.records;
        let by_record = rejects
            .iter()
            .map(|&(record, reject)| (records[record].position.to_string(), reject));
        watched.tally.add(records.len() as u64, observed.guest_time, by_record);
        let watched = &mut *watched;
        let Some(watch) = &watched.watch else { return false };
        match watch.standing(&watched.tally) {
            Standing::Watched => false,
            Standing::Passed => {
                watched.watch = None;
                tracing::info!(version = %version.identity().version, digest = %version.digest(), records = watched.tally.records, "probation passed");
                false
            }
            Standing::Worse(worse) => self.go_back(watched, worse),
        }
    }

    /// Takes note of a version that gave no outcome for a batch. On probation it is gone back from at once: nothing of it
    /// comes through by which it could be judged. Whether another version has its place, by this or by then: then the batch
    /// is to be made anew.
    pub fn observe_broken(&self, version: &Arc<Version>, error: &GuestError) -> bool {
        let mut watched = self.watched();
        if !Arc::ptr_eq(version, &self.current.borrow()) {
            return true;
        }
        if watched.watch.is_none() || !error.is_of_the_plugin() {
            return false;
        }
        let worse = Worse {
            what: chain(error),
            examples: Vec::new(),
        };
        self.go_back(&mut watched, worse)
    }

    /// Rejects that came of a batch after it was observed: rows that the sink refused.
    pub fn observe_late(&self, version: &Arc<Version>, records: &[Record], rejects: &[(usize, &Reject)]) {
        if !rejects.is_empty() {
            let observed = Observed {
                records: &[],
                guest_time: Duration::ZERO,
            };
            let mut watched = self.watched();
            if !Arc::ptr_eq(version, &self.current.borrow()) {
                return;
            }
            let by_record = rejects
                .iter()
                .map(|&(record, reject)| (records[record].position.to_string(), reject));
            watched.tally.add(0, observed.guest_time, by_record);
            let watched = &mut *watched;
            if let Some(watch) = &watched.watch
                && let Standing::Worse(worse) = watch.standing(&watched.tally)
            {
                self.go_back(watched, worse);
            }
        }
    }

    fn go_back(&self, watched: &mut Watched, worse: Worse) -> bool {
        watched.watch = None;
        let Some(previous) = watched.previous.take() else {
            return false;
        };
        watched.tally = Tally::default();
        let to = previous.identity().clone();
        let from = self.current.send_replace(previous);
        tracing::error!(from = %from.identity().version, from_digest = %from.digest(), to = %to.version, to_digest = %to.digest,
            "rolled back: {}", worse.what);
        watched.previous = Some(Arc::clone(&from));
        self.history.add(Swap::by_itself(
            from.identity(),
            &to,
            Outcome::RolledBack {
                reason: worse.what,
                examples: worse.examples,
            },
        ));
        true
    }

    fn coming(&self) -> MutexGuard<'_, Option<Coming>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
