//! Where the current plugin is held. Workers take it from here at every batch, and the swapper puts the next one here.
//! The slot watches a swapped-in plugin for a while, and goes back by itself to the last one that ran well.

use crate::pipeline::watch::status::Held;
use crate::pipeline::watch::trace::Traces;
use std::sync::{Arc, Once};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, oneshot, watch};

use super::probation::{Probation, Standing, Tally, WatchedSwap, Worse};
use super::way_back::{Ran, WayBack};
use crate::pipeline::batch::version::Version;
use crate::pipeline::watch::history::History;
use crate::pipeline::watch::swaps::Swap;
use crate::pipeline::watch::swaps::SwapOutcome;
use crate::plugin::isolate::GuestError;
use crate::record::Record;
use crate::record::causes::chain;
use crate::record::descriptor::Digest;
use crate::record::position::Partition;
use crate::record::reject::Reject;
use crate::record::trail::Writers;

/// Holds the version that the next batch of every partition goes through.
pub struct PluginSlot {
    current: watch::Sender<Arc<Version>>,
    coming: Mutex<Option<Coming>>,
    commit_wanted: Notify,
    watched: Mutex<Watched>,
    held: Mutex<Option<(String, Digest)>>,
    /// Used once it is logged that another plugin took the records before the start.
    has_said_other: Once,
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
    conduct: Conduct,
    /// `None` where the current version is not on probation.
    watch: Option<WatchedSwap>,
    /// What the current version made of its records when it ran before.
    past: Tally,
    way_back: WayBack,
}

/// How the current version has run so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Conduct {
    #[default]
    Unknown,
    Well,
    /// It turned out worse, and there was nothing to go back to.
    Badly,
}

/// A batch that went through one version.
pub struct Observed<'a> {
    pub records: &'a [Record],
    pub guest_time: Duration,
}

impl PluginSlot {
    /// Begins with this version, which counts as one that runs well. `traces` get each swap.
    pub fn new(version: Version, traces: Traces) -> Self {
        Self {
            current: watch::Sender::new(Arc::new(version)),
            coming: Mutex::new(None),
            commit_wanted: Notify::new(),
            watched: Mutex::new(Watched {
                conduct: Conduct::Well,
                ..Watched::default()
            }),
            held: Mutex::default(),
            has_said_other: Once::new(),
            history: History::new(traces),
        }
    }

    /// The version that the next batch goes through.
    pub fn current(&self) -> Arc<Version> {
        Arc::clone(&self.current.borrow())
    }

    /// Whether the next batch goes through this very version, rather than one of the same component.
    pub fn is_current(&self, version: &Arc<Version>) -> bool {
        Arc::ptr_eq(version, &self.current.borrow())
    }

    /// Where a rollback leads: the last version that ran well before the current one.
    pub fn way_back(&self) -> Option<Arc<Version>> {
        let watched = self.watched();
        let next = watched.way_back.next(self.current.borrow().digest());
        next.map(|ran| Arc::clone(&ran.version))
    }

    /// Versions that are compiled: the current one, and those that a rollback could lead to.
    pub fn compiled(&self) -> Vec<Arc<Version>> {
        let mut versions = vec![self.current()];
        versions.extend(self.watched().way_back.versions().cloned());
        versions
    }

    /// Notes which component now lies where the plugin came from at the start.
    pub fn note_held(&self, place: &str, digest: Digest) {
        *self.held.lock() = Some((place.to_owned(), digest));
    }

    /// Logs once that the process began with another plugin than the one that took a partition's records before. That
    /// may be wanted. Or the last process rolled this one back, which leaves its file as it is.
    pub fn note_earlier(&self, partition: &Partition, earlier: Digest) {
        let current = self.current();
        if earlier == current.digest() || !self.history.swaps().is_empty() {
            return;
        }
        self.has_said_other.call_once(|| {
            tracing::warn!(%partition, version = %current.identity().version, digest = %current.digest(), earlier_digest = %earlier,
                "this run began with another plugin than the one that took the records before; a plugin that was rolled back stays in its file, and is not tried at a start");
        });
    }

    /// The component that lay where the plugin came from at the start when that was last looked at; `None` if it never
    /// was.
    pub fn held(&self) -> Option<Held> {
        let held = self.held.lock().clone();
        held.map(|(place, digest)| Held {
            place,
            digest: digest.to_string(),
            runs: digest == self.current.borrow().digest(),
        })
    }

    /// Whether the current version is still being compared with the one before it.
    pub fn is_on_probation(&self) -> bool {
        self.watched().watch.is_some()
    }

    /// Receives every swap.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Version>> {
        self.current.subscribe()
    }

    /// The plugins that take the next batches: the current one, and the one that is coming.
    pub fn writers(&self) -> Writers {
        // The order matters: a coming plugin becomes the current one first, and stops coming after that.
        let coming = self.coming().as_ref().map(|coming| coming.digest);
        let current = Writers::One(self.current.borrow().digest());
        coming.map_or(current, |coming| current.and(Writers::One(coming)))
    }

    /// Asks for a commit at once, since a batch or a swap waits for the name in it.
    pub fn want_commit(&self) {
        self.commit_wanted.notify_one();
    }

    /// Completes when a commit is asked for.
    pub async fn commit_wanted(&self) {
        self.commit_wanted.notified().await;
    }

    /// Has every partition's commit name this plugin. Completes when the brokers have those commits.
    pub async fn announce(&self, digest: Digest) {
        let (named, is_named) = oneshot::channel();
        *self.coming() = Some(Coming {
            digest,
            named: Some(named),
        });
        self.want_commit();
        // It is dropped when another plugin is announced, which does not happen while this one is waited for.
        let _ = is_named.await;
    }

    /// The plugin that is announced and not yet named everywhere.
    pub fn announced(&self) -> Option<Digest> {
        let coming = self.coming();
        let waiting = coming.as_ref().filter(|coming| coming.named.is_some());
        waiting.map(|coming| coming.digest)
    }

    /// Notes that every partition's commit names the announced plugin.
    pub fn note_named(&self) {
        if let Some(named) = self.coming().as_mut().and_then(|coming| coming.named.take()) {
            // An error means that the swap has given up.
            let _ = named.send(());
        }
    }

    /// The announced plugin does not come.
    pub fn withdraw(&self) {
        *self.coming() = None;
    }

    /// Makes this the plugin from the next batch on. With a probation it is compared with the last one that ran well.
    /// `note` makes the history's entry from the version that is replaced.
    pub fn put(&self, version: Arc<Version>, probation: Option<Probation>, note: impl FnOnce(&Version) -> Swap) {
        let mut watched = self.watched();
        let replaced = self.current();
        watched.leave(&replaced);
        let baseline = watched.way_back.baseline();
        watched.begin(probation.map(|probation| WatchedSwap::new(probation, baseline)));
        self.current.send_replace(version);
        // This is noted before the plugin can turn out worse.
        self.history.add(note(&replaced));
        drop(watched);
        self.withdraw();
    }

    /// Goes back to [`Self::way_back`], if that is still this version. With a probation it is compared with its own
    /// tally from when it ran well.
    pub fn put_back(
        &self,
        to: &Arc<Version>,
        probation: Option<Probation>,
        note: impl FnOnce(&Version) -> Swap,
    ) -> bool {
        let mut watched = self.watched();
        let replaced = self.current();
        let is_next = |ran: &Ran| Arc::ptr_eq(&ran.version, to);
        if !watched.way_back.next(replaced.digest()).is_some_and(is_next) {
            return false;
        }
        let Some(Ran { version, tally }) = watched.way_back.take(replaced.digest()) else {
            return false;
        };
        let baseline = if tally.is_known() {
            tally.clone()
        } else {
            watched.way_back.baseline()
        };
        watched.begin(probation.map(|probation| WatchedSwap::new(probation, baseline)));
        (watched.conduct, watched.past) = (Conduct::Well, tally);
        self.current.send_replace(version);
        self.history.add(note(&replaced));
        drop(watched);
        self.withdraw();
        true
    }

    /// Notes the outcome of a batch. Returns whether the slot went back because of it; then the batch is to be made
    /// anew.
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
        let Some(watch) = &watched.watch else {
            if watched.conduct == Conduct::Unknown {
                watched.conduct = Conduct::Well; // There is no probation.
            }
            return false;
        };
        match watch.standing(&watched.tally) {
            Standing::Watched => false,
            Standing::Passed => {
                (watched.watch, watched.conduct) = (None, Conduct::Well);
                tracing::info!(version = %version.identity().version, digest = %version.digest(), records = watched.tally.records, "probation passed");
                false
            }
            Standing::Worse(worse) => self.go_back(watched, worse),
        }
    }

    /// Notes that a version gave no outcome for a batch. On probation the slot goes back at once, since no record comes
    /// through by which the version could be judged. Returns whether another version has taken its place, now or
    /// before; then the batch is to be made anew.
    pub fn observe_broken(&self, version: &Arc<Version>, error: &GuestError) -> bool {
        let mut watched = self.watched();
        if !Arc::ptr_eq(version, &self.current.borrow()) {
            // The slot went back because of this, perhaps before any record came through.
            watched.way_back.forget_idle(version);
            return true;
        }
        if matches!(error, GuestError::Stopped) {
            return true; // It was gone back to meanwhile.
        }
        if !error.is_of_the_plugin() {
            return false;
        }
        if watched.watch.is_none() {
            if watched.tally.records == 0 && watched.past.records == 0 {
                watched.conduct = Conduct::Badly;
            }
            return false;
        }
        let worse = Worse {
            what: chain(error),
            examples: Vec::new(),
        };
        self.go_back(&mut watched, worse)
    }

    /// Notes rejects that came after the batch was observed: rows that the sink refused.
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
        let from = self.current();
        let Some(Ran { version: to, tally }) = watched.way_back.take(from.digest()) else {
            (watched.watch, watched.conduct) = (None, Conduct::Badly);
            tracing::error!(version = %from.identity().version, digest = %from.digest(),
                "it is worse, and no version ran well to which one could go back: {}", worse.what);
            return false;
        };
        watched.begin(None);
        (watched.conduct, watched.tally) = (Conduct::Well, tally);
        self.current.send_replace(Arc::clone(&to));
        let to = to.identity();
        tracing::error!(from = %from.identity().version, from_digest = %from.digest(), to = %to.version, to_digest = %to.digest,
            "rolled back: {}", worse.what);
        self.history.add(Swap::by_itself(
            from.identity(),
            to,
            SwapOutcome::RolledBack {
                reason: worse.what,
                examples: worse.examples,
            },
        ));
        true
    }

    fn coming(&self) -> MutexGuard<'_, Option<Coming>> {
        self.coming.lock()
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock()
    }
}

impl Watched {
    /// Another version takes the place of this one, but not because this one was worse.
    fn leave(&mut self, version: &Arc<Version>) {
        let has_passed =
            |watch: &WatchedSwap| self.tally.records > 0 && watch.standing(&self.tally) == Standing::Passed;
        let ran_well = self.conduct == Conduct::Well || self.watch.as_ref().is_some_and(has_passed);
        if ran_well {
            // A few records say less than many earlier ones.
            let is_better_known = !self.tally.is_known() && self.past.records > self.tally.records;
            let tally = if is_better_known { &self.past } else { &self.tally };
            self.way_back.push(Ran {
                version: Arc::clone(version),
                tally: tally.clone(),
            });
        }
    }

    /// Begins with a version of which nothing is known.
    fn begin(&mut self, watch: Option<WatchedSwap>) {
        (self.tally, self.past) = (Tally::default(), Tally::default());
        (self.conduct, self.watch) = (Conduct::Unknown, watch);
    }
}
