//! The outcome of each swap.

use std::fmt;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::examples::Example;
use crate::record::descriptor::PluginIdentity;

/// The outcome of a swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SwapOutcome {
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
pub struct SwapTimes {
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
    /// The same moment, as a clock has it.
    #[serde(skip, default = "SystemTime::now")]
    pub begun: SystemTime,
    /// What asked for it: `file plugins/order_enrich.wasm`, `admin 127.0.0.1:4711`, `probation`.
    pub asked_by: String,
    pub from: Named,
    /// `None` if the candidate never became a version.
    pub to: Option<Named>,
    #[serde(flatten)]
    pub outcome: SwapOutcome,
    /// Records of the sample that it was tried on.
    pub tried_records: usize,
    /// Records of the sample. They are more than were tried if the time was over or if the candidate was refused early.
    #[serde(default)]
    pub sample_records: usize,
    pub times: SwapTimes,
}

/// A plugin by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub name: String,
    pub version: String,
    pub digest: String,
}

impl SwapOutcome {
    /// The outcome in JSON and in the labels of metrics.
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
    /// A swap that begins now and has changed nothing yet. `asked_by` says in words who wants it.
    pub fn new(asked_by: &str, from: &PluginIdentity) -> Self {
        let begun = SystemTime::now();
        Self {
            at: DateTime::<Utc>::from(begun).to_rfc3339_opts(SecondsFormat::Millis, true),
            begun,
            asked_by: asked_by.to_owned(),
            from: from.into(),
            to: None,
            outcome: SwapOutcome::Unchanged,
            tried_records: 0,
            sample_records: 0,
            times: SwapTimes::default(),
        }
    }

    /// A swap that the slot made by itself.
    pub fn by_itself(from: &PluginIdentity, to: &PluginIdentity, outcome: SwapOutcome) -> Self {
        Self {
            to: Some(to.into()),
            outcome,
            ..Self::new("probation", from)
        }
    }

    /// Whether another plugin is the current one since this swap.
    pub fn has_changed_the_plugin(&self) -> bool {
        matches!(self.outcome, SwapOutcome::Swapped | SwapOutcome::RolledBack { .. })
    }

    /// Makes it a refusal, for this reason.
    pub fn refuse(&mut self, reason: impl Into<String>) {
        self.outcome = SwapOutcome::Refused {
            reasons: vec![reason.into()],
        };
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
        let SwapTimes {
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
            (SwapOutcome::Swapped, Some(to)) => write!(
                f,
                "swapped {} for {to}: {assemble_ms:.0} ms to compile and check, {trial_ms:.0} ms to try on {tried}, {announce_ms:.0} ms to announce",
                self.from
            ),
            (SwapOutcome::Unchanged, _) => write!(f, "unchanged: {} is the current plugin already", self.from),
            (SwapOutcome::Refused { reasons }, Some(to)) => {
                write!(f, "refused {to}, {} goes on: {}", self.from, reasons.join("; "))
            }
            (SwapOutcome::Refused { reasons }, None) => {
                write!(f, "refused, {} goes on: {}", self.from, reasons.join("; "))
            }
            (SwapOutcome::RolledBack { reason, .. }, Some(to)) => {
                write!(f, "rolled back from {} to {to}: {reason}", self.from)
            }
            (SwapOutcome::Swapped | SwapOutcome::RolledBack { .. }, None) => write!(f, "swapped {}", self.from),
        }
    }
}
