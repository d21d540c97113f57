//! Exchanges the plugin while records flow. A candidate is compiled aside and checked ([`Assemble`]), tried on the
//! latest records ([`super::trial`]), announced to the brokers, and put into the slot. Each worker takes it at its next
//! batch. Then the slot watches it ([`super::probation`]).
//!
//! There is one swap at a time; a second one waits for its turn. All of this runs aside from the records.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::time::timeout;

use super::plugins::Plugins;
use super::probation::Probation;
use super::trial::{self, Bounds};
use crate::pipeline::batch::version::Version;
use crate::pipeline::watch::shadowing::ShadowReport;
use crate::pipeline::watch::share::Share;
use crate::pipeline::watch::swaps::{Named, Swap, SwapOutcome};
use crate::record::Record;
use crate::record::descriptor::{Digest, PluginIdentity};

/// How long the brokers have to take the new plugin's name. They answer in milliseconds, or they are away; then a swap
/// should wait for another time.
const ANNOUNCE: Duration = Duration::from_secs(10);

/// A component that may become the plugin.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub bytes: Vec<u8>,
    /// The text of its signatures; `None` if it came without any.
    pub signature: Option<String>,
}

/// The parts of a swap that need more than the pipeline.
pub trait Assemble: Send + Sync {
    /// Makes a version of a component: verifies its signature, compiles it, and checks it against schema and tables. A
    /// component that is among the `warm` ones is not compiled again. `Err` has every reason why it cannot become a
    /// version.
    fn assemble(&self, candidate: Candidate, warm: Vec<Arc<Version>>) -> BoxFuture<'_, Result<Version, Vec<String>>>;
    /// The latest records of each partition, for a pipeline that has read none yet.
    fn sample(&self) -> BoxFuture<'_, Vec<Vec<Record>>>;
}

/// A candidate without a signature.
impl From<Vec<u8>> for Candidate {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, signature: None }
    }
}

/// Whether a version comes for the first time or by a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    On,
    Back,
}

/// Swaps the plugin of one pipeline.
pub struct Swapper {
    plugins: Arc<Plugins>,
    assembler: Arc<dyn Assemble>,
    probation: Option<Probation>,
    turn: tokio::sync::Mutex<()>,
}

impl Swapper {
    /// Swaps plugins of a run. Without a probation, a version is kept however it does.
    pub fn new(plugins: Arc<Plugins>, assembler: Arc<dyn Assemble>, probation: Option<Probation>) -> Self {
        Self {
            plugins,
            assembler,
            probation,
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// The plugin that takes the records now.
    pub fn current(&self) -> PluginIdentity {
        self.plugins.slot.current().identity().clone()
    }

    /// Notes which component now lies where the plugin came from at the start.
    pub fn note_held(&self, place: &str, digest: Digest) {
        self.plugins.slot.note_held(place, digest);
    }

    /// Whether it was rolled back and not swapped in again since.
    pub fn was_rolled_back(&self, digest: Digest) -> bool {
        self.plugins.slot.history.was_rolled_back(digest)
    }

    /// Checks the component and swaps it in, or says why not. The outcome is logged and kept in the history.
    pub async fn swap(&self, candidate: impl Into<Candidate>, asked_by: &str) -> Swap {
        let _turn = self.turn.lock().await;
        let current = self.plugins.slot.current();
        let mut swap = self.begin(asked_by, &current);
        let begun = Instant::now();
        let assembled = self.assembler.assemble(candidate.into(), self.warm()).await;
        swap.times.assemble_ms = millis(begun);
        match assembled {
            Ok(version) => self.take_over(Arc::new(version), &current, Way::On, &mut swap).await,
            Err(reasons) => swap.outcome = SwapOutcome::Refused { reasons },
        }
        self.keep(swap)
    }

    /// Runs the component beside the current plugin from now on, after the checks. `Err` has every reason why not.
    pub async fn shadow(&self, candidate: Candidate, share: Share) -> Result<Named, Vec<String>> {
        let version = self.assembler.assemble(candidate, self.warm()).await?;
        let named = version.identity().into();
        self.plugins
            .shadow
            .start(Arc::new(version), &self.plugins.slot.current(), share);
        Ok(named)
    }

    /// Ends the shadow, if there is one, and returns what it found.
    pub fn stop_shadow(&self) -> Option<ShadowReport> {
        self.plugins.shadow.stop()
    }

    /// Swaps in the candidate that runs beside the current plugin. It was checked when it came, and is tried once more.
    pub async fn promote(&self, asked_by: &str) -> Swap {
        let _turn = self.turn.lock().await;
        let current = self.plugins.slot.current();
        let mut swap = self.begin(asked_by, &current);
        match self.plugins.shadow.candidate() {
            Some(candidate) => self.take_over(candidate, &current, Way::On, &mut swap).await,
            None => swap.refuse("nothing is shadowed that could be promoted"),
        }
        if swap.outcome == SwapOutcome::Swapped {
            self.plugins.shadow.stop();
        }
        self.keep(swap)
    }

    /// Goes back to the last version that ran well before the current one ([`super::way_back`]). It was checked when it
    /// came, and is tried and watched as any other. `expected` is the digest that the caller was shown: another one is
    /// refused.
    pub async fn roll_back(&self, expected: Option<&str>, asked_by: &str) -> Swap {
        let _turn = self.turn.lock().await;
        let current = self.plugins.slot.current();
        let mut swap = self.begin(asked_by, &current);
        match self.plugins.slot.way_back() {
            Some(to) if expected.is_some_and(|expected| expected != to.digest().to_string()) => {
                let to: Named = to.identity().into();
                swap.refuse(format!(
                    "a rollback leads to {to} by now, not to what was named; ask again"
                ));
            }
            Some(to) => self.take_over(to, &current, Way::Back, &mut swap).await,
            None => swap.refuse(self.no_way_back()),
        }
        self.keep(swap)
    }

    fn no_way_back(&self) -> &'static str {
        let swaps = self.plugins.slot.history.swaps();
        if swaps.iter().any(Swap::has_changed_the_plugin) {
            "there is no plugin to go back to: no other version ran well since the start, and what was rolled back is not \
             offered; `host plugin swap FILE` takes any"
        } else {
            "there is no plugin to go back to: nothing was swapped since the start"
        }
    }

    fn begin(&self, asked_by: &str, current: &Version) -> Swap {
        self.plugins.swapping.begin(asked_by);
        Swap::new(asked_by, current.identity())
    }

    /// Versions whose components are compiled.
    fn warm(&self) -> Vec<Arc<Version>> {
        let mut warm = self.plugins.slot.compiled();
        warm.extend(self.plugins.shadow.candidate());
        warm
    }

    /// The sample for a trial: the latest records that flowed, or, if this host has read none since its start, some
    /// that are fetched.
    async fn sample(&self) -> Vec<Vec<Record>> {
        let latest = self.plugins.latest.records();
        if latest.is_empty() {
            self.assembler.sample().await
        } else {
            latest
        }
    }

    async fn take_over(&self, version: Arc<Version>, current: &Arc<Version>, way: Way, swap: &mut Swap) {
        swap.to = Some(version.identity().into());
        if version.digest() == current.digest() {
            swap.outcome = SwapOutcome::Unchanged;
            return;
        }
        let begun = Instant::now();
        let sample = self.sample().await;
        let trial = trial::run(&version, current, sample, &self.plugins.swapping, Bounds::default()).await;
        swap.times.trial_ms = millis(begun);
        (swap.tried_records, swap.sample_records) = (trial.records, trial.sample);
        if !trial.reasons.is_empty() {
            swap.outcome = SwapOutcome::Refused { reasons: trial.reasons };
            return;
        }
        self.announce_and_put(version, way, swap).await;
    }

    async fn announce_and_put(&self, version: Arc<Version>, way: Way, swap: &mut Swap) {
        let slot = &self.plugins.slot;
        self.plugins.swapping.begin_announcing();
        let begun = Instant::now();
        let announced = timeout(ANNOUNCE, slot.announce(version.digest())).await;
        swap.times.announce_ms = millis(begun);
        if announced.is_err() {
            slot.withdraw();
            swap.refuse(format!(
                "the offset commit that names it was not acknowledged within {} s; try again when the brokers answer",
                ANNOUNCE.as_secs()
            ));
            return;
        }
        let begun = Instant::now();
        let note = |replaced: &Version| {
            // It may differ from the one at the beginning if a probation ended badly meanwhile.
            swap.from = replaced.identity().into();
            swap.times.put_ms = millis(begun);
            swap.outcome = match way {
                Way::On => SwapOutcome::Swapped,
                Way::Back => SwapOutcome::RolledBack {
                    reason: format!("asked by {}", swap.asked_by),
                    examples: Vec::new(),
                },
            };
            swap.clone()
        };
        let is_put = match way {
            Way::On => {
                slot.put(version, self.probation, note);
                true
            }
            Way::Back => slot.put_back(&version, self.probation, note),
        };
        if is_put {
            self.plugins.budget.begin_anew();
        } else {
            slot.withdraw();
            swap.refuse("the current plugin was rolled back by its probation meanwhile");
        }
    }

    fn keep(&self, swap: Swap) -> Swap {
        self.plugins.swapping.end();
        if let SwapOutcome::Refused { .. } = swap.outcome {
            tracing::error!(asked_by = swap.asked_by, "{swap}");
        } else {
            tracing::info!(asked_by = swap.asked_by, "{swap}");
        }
        // A swap that has changed the plugin is already in the history.
        if !swap.has_changed_the_plugin() {
            self.plugins.slot.history.add(swap.clone());
        }
        swap
    }
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
