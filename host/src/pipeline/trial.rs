//! A candidate is tried on the latest records before it is swapped in, beside the current plugin. Guests are pure, so
//! nothing comes of it but an opinion.

use std::fmt::Write as _;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::plugin::{Instance, TransformError, aside};
use crate::record::Record;
use crate::record::columns::Batch;
use crate::record::position::Position;
use crate::record::reject::Reject;

use super::isolate::slice;
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
    rejects: Vec<(Position, Reject)>,
    /// The first record that broke the guest, and how.
    broken: Option<String>,
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
        (Ok(new), Err(_)) => new.broken.into_iter().collect(),
    };
    Trial { records, reasons }
}

fn reasons(new: &Made, old: &Made, records: usize) -> Vec<String> {
    if let (Some(broken), None) = (&new.broken, &old.broken) {
        return vec![broken.clone()];
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

async fn play(version: &Version, sample: &[Vec<Record>]) -> Result<Made, String> {
    let mut made = Made::default();
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
        let instance = version.plugin.instantiate().map_err(|error| chain(&error))?;
        match call(instance, &decoded.batch, || version.plugin.instantiate().ok()) {
            Ok(rejects) => made.rejects.extend(
                rejects
                    .into_iter()
                    .map(|(row, reject)| (position(decoded.rows[row as usize]), reject)),
            ),
            Err((row, error)) => {
                made.broken = Some(format!(
                    "{} broke it ({}): {}",
                    position(decoded.rows[row]),
                    error.code(),
                    chain(&error)
                ));
                break;
            }
        }
    }
    Ok(made)
}

/// The rejects of a batch, or the first row that breaks the guest: found by halving, so that an endless guest costs a
/// few deadlines and not one for each record.
fn call(
    mut instance: Instance,
    batch: &Batch,
    fresh: impl Fn() -> Option<Instance>,
) -> Result<Vec<(u32, Reject)>, (usize, TransformError)> {
    let mut error = match instance.transform(batch) {
        Ok(outcome) => return Ok(outcome.rejects),
        Err(error) => error,
    };
    let (mut start, mut rows) = (0, batch.rows);
    while rows > 1 {
        let half = rows / 2;
        let Some(mut instance) = fresh() else { break };
        match instance.transform(&slice(batch, start, half)) {
            Ok(_) => {
                start += half;
                rows -= half;
            }
            Err(found) => {
                error = found;
                rows = half;
            }
        }
    }
    Err((start, error))
}
