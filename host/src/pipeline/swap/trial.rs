//! A candidate is tried on the latest records before it is swapped in. Guests are pure, so a trial has no effect but
//! its verdict.
//!
//! The candidate is played first. The current plugin is played only on records that the candidate broke on or rejected,
//! since the current plugin may be one that never ends, which is why it is swapped. A record that breaks the candidate
//! and not the current plugin ends the trial. One that breaks both speaks against neither. The whole trial has a bound
//! in wall time, since its caller waits; when that is over, the records played so far decide.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::play::{Played, Player, Verdict};
use crate::pipeline::batch::make::Taken;
use crate::pipeline::batch::version::Version;
use crate::pipeline::watch::swapping::SwapProgress;
use crate::plugin::isolate::GuestError;
use crate::plugin::{TransformError, aside};
use crate::record::Record;
use crate::record::causes::chain;
use crate::record::reject::Reject;

/// How long a trial may take, in wall time.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// After this, no more records are given to the candidate. A good one takes milliseconds for all of them.
    pub candidate: Duration,
    /// After this, neither of the two is played.
    pub both: Duration,
}

/// A candidate that never ends is known after three deadlines of one second each. With the work before and after that,
/// a swap is decided within ten seconds.
impl Default for Bounds {
    fn default() -> Self {
        Self {
            candidate: Duration::from_secs(6),
            both: Duration::from_secs(8),
        }
    }
}

/// Rejects of records that the current plugin takes are accepted for one record in twenty, and a few more.
const MORE_REJECTS_SHARE: usize = 20;
const MORE_REJECTS: usize = 3;

/// How many rejects are shown.
const EXAMPLES: usize = 3;

/// After this many records that break the candidate at the beginning of a partition, the rest of it is probed.
const SUSPICIOUS: usize = 16;

/// How many records of the rest are probed, each alone.
const PROBES: usize = 8;

/// The result of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Records that the candidate was played on: the whole sample, unless it took too long or was refused early.
    pub records: usize,
    pub sample: usize,
    /// Why the candidate is refused; empty if it is not.
    pub reasons: Vec<String>,
}

/// Plays the sample, given by partition. It runs aside, since records flow.
pub async fn run(
    candidate: &Arc<Version>,
    current: &Arc<Version>,
    sample: Vec<Vec<Record>>,
    progress: &Arc<SwapProgress>,
    bounds: Bounds,
) -> Trial {
    let sample_records = sample.iter().map(Vec::len).sum();
    progress.begin_trial(candidate.identity().into(), sample_records);
    let begun = Instant::now();
    let (candidate, current) = (Arc::clone(candidate), Arc::clone(current));
    let (runtime, progress) = (Handle::current(), Arc::clone(progress));
    let played = aside::run(move || {
        let mut hearing = Hearing {
            candidate: Player::new(&candidate, &runtime, begun + bounds.candidate),
            current: Player::new(&current, &runtime, begun + bounds.both),
            progress: &progress,
            bounds,
            records: 0,
            has_come_through: false,
            rejected: Vec::new(),
        };
        let refusal = hearing.hear(&sample, sample_records).err();
        (hearing.records, refusal)
    });
    let (records, reason) = played.await.unwrap_or_else(|error| (0, Some(error)));
    Trial {
        records,
        sample: sample_records,
        reasons: reason.into_iter().collect(),
    }
}

/// A trial under way. `Err` of its steps says why the candidate is refused.
struct Hearing<'a> {
    candidate: Player<'a>,
    current: Player<'a>,
    progress: &'a SwapProgress,
    bounds: Bounds,
    /// Records that the candidate was played on.
    records: usize,
    /// Whether a record has come through the candidate.
    has_come_through: bool,
    /// The records that the candidate rejected, by partition.
    rejected: Vec<Vec<(Record, Reject)>>,
}

impl Hearing<'_> {
    fn hear(&mut self, sample: &[Vec<Record>], sample_records: usize) -> Result<(), String> {
        for records in sample {
            let Some(taken) = self.candidate.take(records)? else {
                break;
            };
            self.hear_partition(records, &taken)?;
        }
        if self.records < sample_records && !self.has_come_through {
            return Err(format!(
                "it gave no outcome for any of the {sample_records} latest records within {:.1} s ({} broke it)",
                self.bounds.candidate.as_secs_f64(),
                self.records
            ));
        }
        self.compare_rejects()
    }

    fn hear_partition(&mut self, records: &[Record], taken: &Taken) -> Result<(), String> {
        let of_row = |row: usize| &records[taken.rows[row]];
        let refused = taken.rejects.iter();
        let refused = refused.map(|(record, reject)| (records[*record].clone(), reject.clone()));
        self.rejected.push(refused.collect());
        self.note(taken.rejects.len());
        let rows = taken.input.rows;
        if rows == 0 {
            return Ok(());
        }
        if let Some(rejects) = self.candidate.together(&taken.input)? {
            self.note(rows);
            return self.come_through(rejects, of_row);
        }
        self.hear_rows(records, taken)
    }

    /// Plays each row alone, since together they break the candidate.
    fn hear_rows(&mut self, records: &[Record], taken: &Taken) -> Result<(), String> {
        let rows = taken.input.rows;
        let (mut broken, mut has_come_through) = (0, false);
        for row in 0..rows {
            let record = &records[taken.rows[row]];
            match self.candidate.alone(&taken.input, row)? {
                Played::Through(rejects) => {
                    has_come_through = true;
                    self.note(1);
                    self.come_through(rejects, |_| record)?;
                }
                Played::OutOfTime => return Ok(()),
                Played::CutOff(after) => {
                    self.note(1);
                    if self.current_takes(record) {
                        return Err(format!(
                            "{} broke it (deadline): it did not return within {:.1} s, and the time of the trial was over",
                            record.position,
                            after.as_secs_f64()
                        ));
                    }
                }
                Played::Broke(error) => {
                    self.note(1);
                    broken += 1;
                    let is_taken = self.current_takes(record);
                    let is_suspicious = broken == SUSPICIOUS && !has_come_through;
                    // Asking a guest that does not end a few more times takes too long.
                    let is_quick = !matches!(error, TransformError::Deadline { .. });
                    if (is_suspicious || is_taken && is_quick) && self.breaks_everywhere(taken, row + 1)? {
                        return Err(chain(&GuestError::Broken { rows, error }));
                    }
                    if is_taken {
                        return Err(broke_it(record, &error.reject()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Some records gave an outcome. A row that the outcome does not account for counts as one that broke the
    /// candidate.
    fn come_through<'r>(
        &mut self,
        rejects: Vec<(usize, Reject)>,
        of_row: impl Fn(usize) -> &'r Record,
    ) -> Result<(), String> {
        self.has_come_through = true;
        for (row, reject) in rejects {
            let record = of_row(row);
            if !reject.is_guest_fault() {
                self.rejected
                    .last_mut()
                    .expect("its partition")
                    .push((record.clone(), reject));
            } else if self.current_takes(record) {
                return Err(broke_it(record, &reject));
            }
        }
        Ok(())
    }

    /// Whether the record does not break the current plugin. If there is no time to find out, that does not count
    /// against the candidate.
    fn current_takes(&mut self, record: &Record) -> bool {
        match self.current.judge(record) {
            Ok(Verdict::Takes | Verdict::Rejects) | Err(_) => true,
            Ok(Verdict::Breaks | Verdict::OutOfTime) => false,
        }
    }

    /// Whether rows all over the rest of a partition break the candidate too, each alone.
    fn breaks_everywhere(&mut self, taken: &Taken, from: usize) -> Result<bool, String> {
        let rest = taken.input.rows - from;
        if rest < PROBES {
            return Ok(false);
        }
        for probe in 0..PROBES {
            let row = from + probe * (rest - 1) / (PROBES - 1);
            if !matches!(self.candidate.alone(&taken.input, row)?, Played::Broke(_)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Refuses a candidate that rejects too many records that the current plugin takes.
    fn compare_rejects(&mut self) -> Result<(), String> {
        let allowed = self.records / MORE_REJECTS_SHARE + MORE_REJECTS;
        let rejected = std::mem::take(&mut self.rejected);
        if rejected.iter().map(Vec::len).sum::<usize>() <= allowed {
            return Ok(());
        }
        let (mut compared, mut taken) = (0, Vec::new());
        for partition in &rejected {
            // If the current plugin cannot be played at all, it is the worse one.
            let Ok(is_taken) = self.taken_by_current(partition) else {
                return Ok(());
            };
            compared += is_taken.len();
            let with_rejects = partition.iter().zip(is_taken);
            taken.extend(
                with_rejects
                    .filter(|(_, is_taken)| *is_taken)
                    .map(|(rejected, _)| rejected),
            );
        }
        if taken.len() <= allowed {
            return Ok(());
        }
        let mut reason = format!(
            "it rejects {compared} of the {} latest records, the current plugin {} of these",
            self.records,
            compared - taken.len()
        );
        for (record, reject) in taken.into_iter().take(EXAMPLES) {
            let _ = write!(reason, "; {}: {reject}", record.position);
        }
        Err(reason)
    }

    /// Whether the current plugin takes each of these records, as far as there was time to play it.
    fn taken_by_current(&mut self, rejected: &[(Record, Reject)]) -> Result<Vec<bool>, String> {
        let records: Vec<_> = rejected.iter().map(|(record, _)| record.clone()).collect();
        let Some(taken) = self.current.take(&records)? else {
            return Ok(Vec::new());
        };
        let mut is_taken = vec![true; records.len()];
        for (record, _) in &taken.rejects {
            is_taken[*record] = false;
        }
        if taken.input.rows == 0 {
            return Ok(is_taken);
        }
        if let Some(rejects) = self.current.together(&taken.input)? {
            for (row, _) in rejects {
                is_taken[taken.rows[row]] = false;
            }
            return Ok(is_taken);
        }
        is_taken.clear();
        for record in &records {
            match self.current.judge(record)? {
                Verdict::Takes => is_taken.push(true),
                Verdict::Rejects | Verdict::Breaks => is_taken.push(false),
                Verdict::OutOfTime => break,
            }
        }
        Ok(is_taken)
    }

    fn note(&mut self, records: usize) {
        self.records += records;
        self.progress.note_tried(records);
    }
}

fn broke_it(record: &Record, reject: &Reject) -> String {
    format!("{} broke it ({}): {}", record.position, reject.code, reject.message)
}
