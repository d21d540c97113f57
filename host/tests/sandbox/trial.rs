//! The trial before a swap, where the current plugin or the candidate breaks on some of the sample.

use std::sync::Arc;
use std::time::{Duration, Instant};

use host::pipeline::swap::trial::{self, Bounds, Trial};
use host::pipeline::watch::swapping::SwapProgress;
use host::plugin::limits::Limits;

use crate::versions::{numbered, records, variant_version, version};

/// Why a candidate is refused, both being `misbehaving` with so many rows allowed of one record: with 0 every good record
/// breaks it, with 1 those of two rows.
async fn refusal(candidate: u32, current: u32, sample: &[&[&str]]) -> Vec<String> {
    let plugin = |rows_per_record| {
        let limits = Limits {
            rows_per_record,
            ..Limits::default()
        };
        Arc::new(version(None, limits))
    };
    let records = (0..).zip(sample).map(|(partition, asked)| records(partition, asked));
    let sample: Vec<_> = records.collect();
    let expected: usize = sample.iter().map(Vec::len).sum();
    let progress = Arc::new(SwapProgress::default());
    let trial = trial::run(
        &plugin(candidate),
        &plugin(current),
        sample,
        &progress,
        Bounds::default(),
    )
    .await;
    assert_eq!(trial.sample, expected);
    if trial.reasons.is_empty() {
        assert_eq!(trial.records, expected);
    }
    trial.reasons
}

/// `count` records of one kind, and one of another kind at their head.
fn headed(head: &'static str, count: usize, rest: &'static str) -> Vec<&'static str> {
    let mut records = vec![head];
    records.resize(count + 1, rest);
    records
}

/// The rejects behind the record that breaks the current plugin, and those of the next partition, are its too.
#[tokio::test]
async fn a_plugin_that_mends_what_breaks_the_current_one_is_taken() {
    let (first, second) = (headed("two-rows", 20, "reject"), ["reject"; 20]);
    assert_eq!(refusal(2, 1, &[&first, &second]).await, [""; 0]);
}

#[tokio::test]
async fn one_that_breaks_on_more_records_than_the_current_one_is_refused() {
    let mut sample = headed("two-rows", 20, "filter");
    sample.push("good");
    let reasons = refusal(0, 1, &[&sample]).await;
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(reasons[0].starts_with("t/0@21 broke it (contract): "), "{reasons:?}");
}

#[tokio::test]
async fn one_that_breaks_on_everything_is_refused_whatever_the_current_one_does() {
    let good = headed("two-rows", 50, "good");
    for current in [0, 1, 2] {
        let reasons = refusal(0, current, &[&good]).await;
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert!(
            reasons[0].starts_with("the plugin breaks on every record"),
            "{reasons:?}"
        );
    }
}

#[tokio::test]
async fn what_breaks_both_is_no_reason_nor_is_what_breaks_one_beside_a_current_one_that_breaks_on_everything() {
    let sample = headed("two-rows", 50, "good");
    assert_eq!(refusal(1, 1, &[&sample]).await, [""; 0]);
    assert_eq!(refusal(1, 0, &[&sample]).await, [""; 0]);
}

/// What comes of a variant beside another one, on 100 records of each of two partitions, each with the ids from 0 on.
async fn tried(candidate: &str, current: &str, deadline: Duration, bounds: Bounds) -> Trial {
    tried_on([0, 0], candidate, current, deadline, bounds).await
}

/// The same with the ids of the partitions from these on.
async fn tried_on(ids: [i64; 2], candidate: &str, current: &str, deadline: Duration, bounds: Bounds) -> Trial {
    let limits = Limits {
        deadline,
        ..Limits::default()
    };
    let (candidate, current) = (
        variant_version("new", candidate, limits),
        variant_version("old", current, limits),
    );
    let progress = Arc::new(SwapProgress::default());
    progress.begin("the test");
    let partition = |(number, from): (i32, i64)| numbered(number, from..from + 100);
    let sample = (0..).zip(ids).map(partition).collect();
    let trial = trial::run(&candidate, &current, sample, &progress, bounds).await;
    let shown = progress.now().expect("a swap is under way");
    assert_eq!((shown.tried_records, shown.sample_records), (trial.records, 200));
    trial
}

const SHORT: Duration = Duration::from_millis(100);

/// So that to wait for it once is to fail.
const ENDLESS: Duration = Duration::from_mins(5);

#[tokio::test]
async fn a_candidate_that_never_ends_is_refused_at_the_first_record_that_the_current_one_takes() {
    let begun = Instant::now();
    let trial = tried("loop=40", "", SHORT, Bounds::default()).await;
    let reason = trial.reasons.concat();
    assert!(reason.starts_with("t/0@40 broke it (deadline): "), "{reason}");
    assert_eq!(trial.records, 41, "the rest is not played");
    // Three deadlines; to find out record by record, or by halves, takes sixty or ten of them for this one alone.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_current_plugin_that_never_ends_is_not_played_where_the_candidate_takes_the_records() {
    let begun = Instant::now();
    for candidate in ["", "reject=3"] {
        let trial = tried(candidate, "loop=0", ENDLESS, Bounds::default()).await;
        assert_eq!(
            (trial.records, trial.reasons.concat()),
            (200, String::new()),
            "{candidate}"
        );
    }
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
}

/// It is played where the candidate rejects, and its end is not waited for: whatever gives outcomes is better.
#[tokio::test]
async fn beside_a_current_plugin_that_never_ends_rejects_are_no_reason() {
    let bounds = Bounds {
        candidate: Duration::from_secs(30),
        both: Duration::from_millis(600),
    };
    let trial = tried("reject=50", "loop=0", ENDLESS, bounds).await;
    assert_eq!((trial.records, trial.reasons.concat()), (200, String::new()));
    let trial = tried("reject=50", "", ENDLESS, Bounds::default()).await;
    let reason = trial.reasons.concat();
    assert!(
        reason.starts_with("it rejects 100 of the 200 latest records, the current plugin 0 of these; t/0@0: too-fussy"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_record_that_neither_ends_on_speaks_against_neither_and_one_that_takes_all_the_time_is_no_outcome() {
    let trial = tried("loop=199", "loop=199", SHORT, Bounds::default()).await;
    assert_eq!(
        (trial.records, trial.reasons.concat()),
        (200, String::new()),
        "none has this id"
    );
    let trial = tried("loop=99", "loop=99", SHORT, Bounds::default()).await;
    assert_eq!((trial.records, trial.reasons.concat()), (200, String::new()));
    let bounds = Bounds {
        candidate: Duration::from_millis(500),
        both: Duration::from_secs(1),
    };
    let trial = tried("loop=0", "loop=0", ENDLESS, bounds).await;
    let reason = trial.reasons.concat();
    assert!(
        reason.starts_with("it gave no outcome for any of the 200 latest records"),
        "{reason}"
    );
}

/// Then what was played counts.
#[tokio::test]
async fn what_is_not_played_in_time_is_said_and_is_no_reason() {
    let bounds = Bounds {
        candidate: Duration::from_secs(2),
        both: Duration::from_secs(3),
    };
    let trial = tried_on([0, 100], "loop=100", "loop=100", ENDLESS, bounds).await;
    assert_eq!(trial.reasons.concat(), "");
    // The one that took up the time may be counted.
    assert!((100..=101).contains(&trial.records), "{}", trial.records);
}

/// As on a machine that is busy otherwise, where its deadline would be far off.
#[tokio::test]
async fn a_candidate_that_takes_all_the_time_for_a_record_that_the_current_one_takes_is_refused() {
    let bounds = Bounds {
        candidate: Duration::from_secs(3),
        both: Duration::from_secs(30),
    };
    let trial = tried("loop=40", "", ENDLESS, bounds).await;
    let reason = trial.reasons.concat();
    assert!(
        reason.starts_with("t/0@40 broke it (deadline): it did not return within "),
        "{reason}"
    );
}
