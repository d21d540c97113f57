//! A plugin for a new one while records flow. A candidate is compiled aside and checked ([`Assemble`]), tried on the
//! latest records ([`super::trial`]), announced to the brokers, and put into the slot; each worker takes it at its next
//! batch. Then the slot watches it ([`super::probation`]).
//!
//! One swap at a time: a second one waits for its turn. Nothing of this runs where records flow.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::record::Record;
use crate::record::descriptor::{Digest, PluginIdentity};

use super::Parts;
use super::probation::{Example, Probation};
use super::shadow::{ShadowReport, Share};
use super::trace::Traces;
use super::trial::{self, Bounds};
use super::version::Version;

/// The brokers have so long to take the new plugin's name. They answer in milliseconds, or they are away: then a swap
/// had better wait for another time.
const ANNOUNCE: Duration = Duration::from_secs(10);

/// Swaps that are remembered.
const KEPT: usize = 50;

/// A component that may become the plugin.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub bytes: Vec<u8>,
    /// The text of its signatures; `None` where it came without.
    pub signature: Option<String>,
}

/// What a swap needs of the world outside.
pub trait Assemble: Send + Sync {
    /// Makes a version of a component: verifies its signature, compiles, checks it against schema and tables. A component
    /// that is among the `warm` ones is not compiled again. `Err`: every reason why it cannot be one.
    fn assemble(&self, candidate: Candidate, warm: Vec<Arc<Version>>) -> BoxFuture<'_, Result<Version, Vec<String>>>;
    /// The latest records of each partition, for a pipeline that has read none yet.
    fn sample(&self) -> BoxFuture<'_, Vec<Vec<Record>>>;
}

/// One without a signature.
impl From<Vec<u8>> for Candidate {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, signature: None }
    }
}

/// What became of a swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Swapped,
    /// It is the current plugin already.
    Unchanged,
    Refused {
        reasons: Vec<String>,
    },
    RolledBack {
        reason: String,
        examples: Vec<Example>,
    },
}

/// How long each phase took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Compiling, and the checks against schema and tables.
    pub assemble_ms: f64,
    pub trial_ms: f64,
    /// Until every partition's commit names it.
    pub announce_ms: f64,
    pub put_ms: f64,
}

/// One swap, as the history keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Swap {
    /// RFC 3339.
    pub at: String,
    /// The same.
    #[serde(skip, default = "SystemTime::now")]
    pub begun: SystemTime,
    /// Who asked: `file plugins/order_enrich.wasm`, `admin 127.0.0.1:4711`, `probation`.
    pub asked_by: String,
    pub from: Named,
    /// `None` where it never became a plugin.
    pub to: Option<Named>,
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Records that it was tried on,
    pub tried_records: usize,
    /// of so many latest ones. More than were tried where the time was over, or where it was refused before the end.
    #[serde(default)]
    pub sample_records: usize,
    pub times: Times,
}

/// A plugin by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub name: String,
    pub version: String,
    pub digest: String,
}

/// The latest swaps, the oldest first.
#[derive(Debug, Default)]
pub struct History {
    swaps: Mutex<VecDeque<Swap>>,
    by_outcome: Mutex<BTreeMap<&'static str, u64>>,
    traces: Traces,
}

/// Whether a version comes for the first time, or is gone back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    On,
    Back,
}

/// Swaps the plugin of one pipeline.
pub struct Swapper {
    parts: Arc<Parts>,
    assembler: Arc<dyn Assemble>,
    probation: Option<Probation>,
    turn: tokio::sync::Mutex<()>,
}

impl Swapper {
    pub fn new(parts: Arc<Parts>, assembler: Arc<dyn Assemble>, probation: Option<Probation>) -> Self {
        Self {
            parts,
            assembler,
            probation,
            turn: tokio::sync::Mutex::new(()),
        }
    }

    pub fn current(&self) -> PluginIdentity {
        self.parts.slot.current().identity().clone()
    }

    /// What is to be found now where the plugin came from at the start.
    pub fn note_held(&self, place: &str, digest: Digest) {
        self.parts.slot.note_held(place, digest);
    }

    pub fn was_rolled_back(&self, digest: Digest) -> bool {
        self.parts.slot.history.was_rolled_back(digest)
    }

    /// Checks the component and swaps it in, or says why not. What it did is logged and kept in the history.
    pub async fn swap(&self, candidate: impl Into<Candidate>, asked_by: &str) -> Swap {
        let _turn = self.turn.lock().await;
        let current = self.parts.slot.current();
        let mut swap = self.begin(asked_by, &current);
        let begun = Instant::now();
        let assembled = self.assembler.assemble(candidate.into(), self.warm()).await;
        swap.times.assemble_ms = millis(begun);
        match assembled {
            Ok(version) => self.take_over(Arc::new(version), &current, Way::On, &mut swap).await,
            Err(reasons) => swap.outcome = Outcome::Refused { reasons },
        }
        self.keep(swap)
    }

    /// Runs the component beside the current plugin from now on, once it was checked; or every reason why not.
    pub async fn shadow(&self, candidate: Candidate, share: Share) -> Result<Named, Vec<String>> {
        let version = self.assembler.assemble(candidate, self.warm()).await?;
        let named = version.identity().into();
        self.parts
            .shadow
            .start(Arc::new(version), &self.parts.slot.current(), share);
        Ok(named)
    }

    /// Ends the shadow; what it found, if there was one.
    pub fn stop_shadow(&self) -> Option<ShadowReport> {
        self.parts.shadow.stop()
    }

    /// Swaps in the candidate that runs beside the current plugin. It was checked when it came, and is tried once more.
    pub async fn promote(&self, asked_by: &str) -> Swap {
        let _turn = self.turn.lock().await;
        let current = self.parts.slot.current();
        let mut swap = self.begin(asked_by, &current);
        match self.parts.shadow.candidate() {
            Some(candidate) => self.take_over(candidate, &current, Way::On, &mut swap).await,
            None => swap.refuse("nothing is shadowed that could be promoted"),
        }
        if swap.outcome == Outcome::Swapped {
            self.parts.shadow.stop();
        }
        self.keep(swap)
    }

    /// Back to the last version that ran well before the current one ([`super::way_back`]). It was checked when it came, and
    /// is tried and watched as any other. `expected` is the digest that whoever asks was shown: another one is refused.
    pub async fn roll_back(&self, expected: Option<&str>, asked_by: &str) -> Swap {
        let _turn = self.turn.lock().await;
        let current = self.parts.slot.current();
        let mut swap = self.begin(asked_by, &current);
        match self.parts.slot.way_back() {
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
        let swaps = self.parts.slot.history.swaps();
        if swaps.iter().any(Swap::has_changed_the_plugin) {
            "there is no plugin to go back to: no other version ran well since the start, and what was rolled back is not \
             offered; `host plugin swap FILE` takes any"
        } else {
            "there is no plugin to go back to: nothing was swapped since the start"
        }
    }

    fn begin(&self, asked_by: &str, current: &Version) -> Swap {
        self.parts.progress.begin(asked_by);
        Swap::new(asked_by, current.identity())
    }

    /// Versions whose components are compiled.
    fn warm(&self) -> Vec<Arc<Version>> {
        let mut warm = self.parts.slot.compiled();
        warm.extend(self.parts.shadow.candidate());
        warm
    }

    /// What flows is the best sample; a host that has read nothing since its start asks for some.
    async fn sample(&self) -> Vec<Vec<Record>> {
        let latest = self.parts.latest.records();
        if latest.is_empty() {
            self.assembler.sample().await
        } else {
            latest
        }
    }

    async fn take_over(&self, version: Arc<Version>, current: &Arc<Version>, way: Way, swap: &mut Swap) {
        swap.to = Some(version.identity().into());
        if version.digest() == current.digest() {
            swap.outcome = Outcome::Unchanged;
            return;
        }
        let begun = Instant::now();
        let sample = self.sample().await;
        let trial = trial::run(&version, current, sample, &self.parts.progress, Bounds::default()).await;
        swap.times.trial_ms = millis(begun);
        (swap.tried_records, swap.sample_records) = (trial.records, trial.sample);
        if !trial.reasons.is_empty() {
            swap.outcome = Outcome::Refused { reasons: trial.reasons };
            return;
        }
        self.announce_and_put(version, way, swap).await;
    }

    async fn announce_and_put(&self, version: Arc<Version>, way: Way, swap: &mut Swap) {
        let slot = &self.parts.slot;
        self.parts.progress.begin_announcing();
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
            // Another one than at the beginning where a probation ended badly meanwhile.
            swap.from = replaced.identity().into();
            swap.times.put_ms = millis(begun);
            swap.outcome = match way {
                Way::On => Outcome::Swapped,
                Way::Back => Outcome::RolledBack {
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
            self.parts.budget.begin_anew();
        } else {
            slot.withdraw();
            swap.refuse("the current plugin was rolled back by its probation meanwhile");
        }
    }

    fn keep(&self, swap: Swap) -> Swap {
        self.parts.progress.end();
        if let Outcome::Refused { .. } = swap.outcome {
            tracing::error!(asked_by = swap.asked_by, "{swap}");
        } else {
            tracing::info!(asked_by = swap.asked_by, "{swap}");
        }
        // What has changed the plugin is in the history since then.
        if !swap.has_changed_the_plugin() {
            self.parts.slot.history.add(swap.clone());
        }
        swap
    }
}

impl Outcome {
    /// As JSON and the labels of metrics have it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Swapped => "swapped",
            Self::Unchanged => "unchanged",
            Self::Refused { .. } => "refused",
            Self::RolledBack { .. } => "rolled_back",
        }
    }
}

impl Swap {
    fn new(asked_by: &str, from: &PluginIdentity) -> Self {
        let begun = SystemTime::now();
        Self {
            at: DateTime::<Utc>::from(begun).to_rfc3339_opts(SecondsFormat::Millis, true),
            begun,
            asked_by: asked_by.to_owned(),
            from: from.into(),
            to: None,
            outcome: Outcome::Unchanged,
            tried_records: 0,
            sample_records: 0,
            times: Times::default(),
        }
    }

    /// One that nobody asked for.
    pub fn by_itself(from: &PluginIdentity, to: &PluginIdentity, outcome: Outcome) -> Self {
        Self {
            to: Some(to.into()),
            outcome,
            ..Self::new("probation", from)
        }
    }

    pub fn has_changed_the_plugin(&self) -> bool {
        matches!(self.outcome, Outcome::Swapped | Outcome::RolledBack { .. })
    }

    fn refuse(&mut self, reason: impl Into<String>) {
        self.outcome = Outcome::Refused {
            reasons: vec![reason.into()],
        };
    }
}

impl History {
    /// From here on others are told of each swap, too.
    pub fn tell(&mut self, traces: Traces) {
        self.traces = traces;
    }

    pub fn add(&self, swap: Swap) {
        self.traces.swap(&swap);
        let mut by_outcome = self.by_outcome.lock().unwrap_or_else(PoisonError::into_inner);
        *by_outcome.entry(swap.outcome.label()).or_default() += 1;
        drop(by_outcome);
        let mut swaps = self.swaps.lock().unwrap_or_else(PoisonError::into_inner);
        if swaps.len() == KEPT {
            swaps.pop_front();
        }
        swaps.push_back(swap);
    }

    pub fn swaps(&self) -> Vec<Swap> {
        let swaps = self.swaps.lock().unwrap_or_else(PoisonError::into_inner);
        swaps.iter().cloned().collect()
    }

    /// Whether it was rolled back, and not swapped in again since.
    pub fn was_rolled_back(&self, digest: Digest) -> bool {
        let digest = digest.to_string();
        let mut swaps = self.swaps().into_iter().rev().filter(Swap::has_changed_the_plugin);
        let last =
            swaps.find(|swap| swap.from.digest == digest || swap.to.as_ref().is_some_and(|to| to.digest == digest));
        last.is_some_and(|swap| swap.from.digest == digest && matches!(swap.outcome, Outcome::RolledBack { .. }))
    }

    /// How many had each outcome, also those that are kept no more.
    pub fn by_outcome(&self) -> BTreeMap<&'static str, u64> {
        self.by_outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl From<&PluginIdentity> for Named {
    fn from(identity: &PluginIdentity) -> Self {
        Self {
            name: identity.name.to_string(),
            version: identity.version.to_string(),
            digest: identity.digest.to_string(),
        }
    }
}

/// `order_enrich 0.2.0 (sha256:1f2e3d4c…)`
impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.digest.get(..15).unwrap_or(&self.digest);
        write!(f, "{} {} ({short}…)", self.name, self.version)
    }
}

impl fmt::Display for Swap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Times {
            assemble_ms,
            trial_ms,
            announce_ms,
            ..
        } = self.times;
        let tried = match (self.tried_records, self.sample_records) {
            (tried, sample) if tried < sample => format!("{tried} of {sample} records"),
            (tried, _) => format!("{tried} records"),
        };
        match (&self.outcome, &self.to) {
            (Outcome::Swapped, Some(to)) => write!(
                f,
                "swapped {} for {to}: {assemble_ms:.0} ms to compile and check, {trial_ms:.0} ms to try on {tried}, {announce_ms:.0} ms to announce",
                self.from
            ),
            (Outcome::Unchanged, _) => write!(f, "unchanged: {} is the current plugin already", self.from),
            (Outcome::Refused { reasons }, Some(to)) => {
                write!(f, "refused {to}, {} goes on: {}", self.from, reasons.join("; "))
            }
            (Outcome::Refused { reasons }, None) => {
                write!(f, "refused, {} goes on: {}", self.from, reasons.join("; "))
            }
            (Outcome::RolledBack { reason, .. }, Some(to)) => {
                write!(f, "rolled back from {} to {to}: {reason}", self.from)
            }
            (Outcome::Swapped | Outcome::RolledBack { .. }, None) => write!(f, "swapped {}", self.from),
        }
    }
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
