//! A candidate is tried on the latest records before it is swapped in, beside the current plugin. Guests are pure, so
//! nothing comes of it but an opinion.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::plugin::aside;
use crate::record::Record;
use crate::record::position::Position;
use crate::record::reject::Reject;

use super::isolate::{Guest, GuestError};
use super::outage::chain;
use super::version::Version;

/// Rejects beyond the current plugin's on the same records that are accepted: one of twenty, and a few.
const MORE_REJECTS_SHARE: usize = 20;
const MORE_REJECTS: usize = 3;

/// Rejects that are shown.
const EXAMPLES: usize = 3;

/// What a trial came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    pub records: usize,
    /// Why the candidate is refused; empty where it is not.
    pub reasons: Vec<String>,
}

/// What one version made of the sample.
#[derive(Default)]
struct Made {
    /// Every record that did not come through, in the order of the sample: refused, or because it broke the guest.
    rejects: Vec<(Position, Reject)>,
    /// Why it gives no outcome at all: then it is played no further.
    breaks_everywhere: Option<String>,
}

impl Made {
    /// The records that broke the guest.
    fn broken(&self) -> impl Iterator<Item = &(Position, Reject)> {
        self.rejects.iter().filter(|(_, reject)| reject.is_guest_fault())
    }
}

/// Runs both over the sample, given by partition; aside, since records flow.
pub async fn run(candidate: &Arc<Version>, current: &Arc<Version>, sample: Vec<Vec<Record>>) -> Trial {
    let records = sample.iter().map(Vec::len).sum();
    let (runtime, versions) = (Handle::current(), (Arc::clone(candidate), Arc::clone(current)));
    let played = aside::run(move || {
        // Decoding may ask the registry.
        let play = |version: &Version| runtime.block_on(play(version, &sample));
        (play(&versions.0), play(&versions.1))
    });
    let reasons = match played.await.unwrap_or_else(|error| (Err(error), Ok(Made::default()))) {
        (Ok(new), Ok(old)) => reasons(&new, &old, records),
        (Err(reason), _) => vec![reason],
        // The current one is worse off than the candidate.
        (Ok(new), Err(_)) => {
            let broken = new.broken().next().map(broke_it);
            new.breaks_everywhere.into_iter().chain(broken).collect()
        }
    };
    Trial { records, reasons }
}

fn broke_it((position, reject): &(Position, Reject)) -> String {
    format!("{position} broke it ({}): {}", reject.code, reject.message)
}

fn reasons(new: &Made, old: &Made, records: usize) -> Vec<String> {
    if let Some(why) = &new.breaks_everywhere {
        return vec![why.clone()];
    }
    if old.breaks_everywhere.is_some() {
        return Vec::new(); // Whatever gives outcomes is better.
    }
    let breaks_old: HashSet<_> = old.broken().map(|(position, _)| position).collect();
    if let Some(broken) = new.broken().find(|(position, _)| !breaks_old.contains(position)) {
        return vec![broke_it(broken)];
    }
    let allowed = old.rejects.len() + records / MORE_REJECTS_SHARE + MORE_REJECTS;
    if new.rejects.len() <= allowed {
        return Vec::new();
    }
    let mut reason = format!(
        "it rejects {} of the {records} latest records, the current plugin {}",
        new.rejects.len(),
        old.rejects.len()
    );
    let is_new = |(position, _): &&(Position, Reject)| !old.rejects.iter().any(|(known, _)| known == position);
    for (position, reject) in new.rejects.iter().filter(is_new).take(EXAMPLES) {
        let _ = write!(reason, "; {position}: {reject}");
    }
    vec![reason]
}

/// Every record has its outcome, whatever others do to the guest. A plugin that never ends costs some sixty deadlines
/// before it is known to break everywhere; only the swap waits for that.
async fn play(version: &Version, sample: &[Vec<Record>]) -> Result<Made, String> {
    let mut made = Made::default();
    let mut guest = Guest::new(&version.plugin, None);
    for records in sample {
        let decoded = version
            .decoder
            .decode(records)
            .await
            .map_err(|error| format!("the latest records cannot be decoded at the moment: {}", chain(&error)))?;
        let position = |record: usize| records[record].position.clone();
        made.rejects.extend(
            decoded
                .rejects
                .into_iter()
                .map(|(record, reject)| (position(record), reject)),
        );
        if decoded.batch.rows == 0 {
            continue;
        }
        match guest.transform(&decoded.batch) {
            Ok(outcome) => made.rejects.extend(
                outcome
                    .rejects
                    .into_iter()
                    .map(|(row, reject)| (position(decoded.rows[row as usize]), reject)),
            ),
            Err(error @ GuestError::Broken { .. }) => {
                made.breaks_everywhere = Some(chain(&error));
                break;
            }
            Err(error @ GuestError::Start(_)) => return Err(chain(&error)),
        }
    }
    Ok(made)
}
