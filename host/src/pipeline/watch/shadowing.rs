//! How a candidate that runs beside the current plugin stands, as the status and the verbs show it.

use serde::{Deserialize, Serialize};

use super::share::Share;
use crate::pipeline::compare::report::ComparisonReport;

/// How a shadow stands, for the status and the verbs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowReport {
    /// When it began, or began anew because the current plugin was swapped (RFC 3339).
    pub since: String,
    pub share_percent: Share,
    /// Batches that both went through.
    pub batches: u64,
    /// Batches whose turn it was but that were passed over, because the candidate was busy or a schema could not be
    /// fetched.
    pub batches_passed_over: u64,
    /// Why it sees no more batches, if it cannot be called at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    pub differences: ComparisonReport,
}
