//! A candidate beside the current plugin: it sees its share of the batches, delays and writes nothing, and what it makes
//! differently is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use host::pipeline::batch::transformed::Transformed;
use host::pipeline::batch::version::Version;
use host::pipeline::compare::report::ComparisonReport;
use host::pipeline::swap::shadow::{Sample, Shadow};
use host::pipeline::watch::share::Share;
use host::pipeline::watch::trace::Trace;
use host::plugin::limits::Limits;
use host::record::position::WriteTime;
use host::sink::WriteBatch;

use crate::versions::{records, version};

fn usual() -> Arc<Version> {
    Arc::new(version(None, Limits::default()))
}

fn with_limits(limits: Limits) -> Arc<Version> {
    Arc::new(version(None, limits))
}

fn share(text: &str) -> Share {
    text.parse().expect("a share")
}

/// A batch of records that went through this version, as a worker would hand it to settling.
async fn batch(version: &Arc<Version>, behaviours: &[&str]) -> Transformed {
    let records = records(0, behaviours);
    let decoded = version.decoder.decode(&records).await.expect("JSON");
    let mut instance = version.plugin.instantiate().expect("an instance");
    let outcome = instance.transform(&decoded.batch).expect("a good batch");
    let record_of = |row: u32| decoded.rows[row as usize];
    let records = Arc::new(records);
    let writes = outcome.rows.into_iter().map(|rows| {
        Arc::new(WriteBatch {
            output: rows.output,
            write_times: vec![WriteTime(0); rows.batch.rows],
            records: Arc::clone(&records),
            source: rows
                .source
                .iter()
                .map(|&row| u32::try_from(record_of(row)).expect("few records"))
                .collect(),
            numbers: Vec::new(),
            parts: BTreeMap::new(),
            batch: rows.batch,
        })
    });
    let writes = writes.collect();
    let mut rejects: BTreeMap<_, _> = decoded.rejects.into_iter().collect();
    rejects.extend(
        outcome
            .rejects
            .into_iter()
            .map(|(row, reject)| (record_of(row), reject)),
    );
    Transformed {
        version: Arc::clone(version),
        raise: None,
        write_times: vec![WriteTime(0); records.len()],
        filtered: outcome.filtered.len() as u64,
        records: Arc::clone(&records),
        writes,
        rejects,
        guest_time: Duration::from_micros(10),
        trace: Trace::default(),
    }
}

fn differences(shadow: &Shadow) -> ComparisonReport {
    shadow.report().expect("a shadow").differences
}

#[tokio::test]
async fn its_share_of_the_batches_is_compared_from_the_first_on() {
    let (current, candidate) = (usual(), usual());
    let shadow = Shadow::default();
    let batch = batch(&current, &["good", "reject", "filter", "two-rows"]).await;
    assert!(shadow.sample(&batch, &current).is_none(), "there is no candidate");
    shadow.start(candidate, &current, share("10%"));
    let mut turns = Vec::new();
    for number in 0..100 {
        if let Some(sample) = shadow.sample(&batch, &current) {
            sample.run().await;
            turns.push(number);
        }
    }
    assert_eq!(turns, (0..100).step_by(10).collect::<Vec<_>>());
    let report = shadow.report().expect("a shadow");
    assert_eq!((report.batches, report.batches_passed_over), (10, 0));
    let found = report.differences;
    assert!(found.is_same(), "{found:?}");
    assert_eq!((found.records, found.outputs[0].equal), (40, 30));
    assert_eq!((found.rejects.same, found.filtered.same), (10, 10));
    assert!(found.old.guest_ns == 100_000 && found.new.guest_ns > 0, "{found:?}");
}

#[tokio::test]
async fn what_it_makes_differently_is_told() {
    let (current, candidate) = (usual(), Arc::new(version(Some("ledger"), Limits::default())));
    let shadow = Shadow::default();
    shadow.start(candidate, &current, share("100%"));
    let batch = batch(&current, &["good", "reject"]).await;
    for _ in 0..3 {
        let sample = shadow.sample(&batch, &current).expect("each batch's turn");
        sample.run().await;
    }
    let found = differences(&shadow);
    // It wants an id, which these records have not.
    assert_eq!(found.rejects.gained["missing-field"].count, 3);
    assert_eq!(found.rejects.changed["as-asked -> missing-field"].count, 3);
    assert_eq!(found.outputs.iter().map(|output| output.only_old.count).sum::<u64>(), 3);
    let stopped = shadow.stop().expect("what it found");
    assert_eq!(stopped.differences, found);
    assert!(shadow.report().is_none() && shadow.sample(&batch, &current).is_none());
}

#[tokio::test]
async fn while_it_is_busy_batches_are_passed_over_and_counted() {
    let (current, candidate) = (usual(), usual());
    let shadow = Shadow::default();
    shadow.start(candidate, &current, share("50%"));
    let batch = batch(&current, &["good"]).await;
    let busy = shadow.sample(&batch, &current).expect("the first batch's turn");
    let samples: Vec<_> = (0..9).filter_map(|_| shadow.sample(&batch, &current)).collect();
    assert!(samples.is_empty(), "one batch at a time");
    busy.run().await;
    let free = (0..2).find_map(|_| shadow.sample(&batch, &current));
    free.expect("its turn comes again").run().await;
    let report = shadow.report().expect("a shadow");
    assert_eq!((report.batches, report.batches_passed_over), (2, 4));
}

#[tokio::test]
async fn a_swap_of_the_current_plugin_begins_anew_and_a_promotion_ends_it() {
    let (first, second, candidate) = (usual(), usual(), usual());
    let shadow = Shadow::default();
    shadow.start(Arc::clone(&candidate), &first, share("100%"));
    let (of_first, of_second) = (batch(&first, &["good"; 3]).await, batch(&second, &["good"]).await);
    shadow.sample(&of_first, &first).expect("its turn").run().await;
    let late = shadow.sample(&of_first, &first).expect("its turn");
    assert_eq!(differences(&shadow).records, 3);

    assert!(
        shadow.sample(&of_first, &second).is_none(),
        "a batch of the plugin before"
    );
    late.run().await;
    assert_eq!(differences(&shadow).records, 6);
    shadow.sample(&of_second, &second).expect("its turn").run().await;
    assert_eq!(
        (differences(&shadow).records, differences(&shadow).outputs[0].equal),
        (1, 1)
    );

    let promoted = shadow.candidate().expect("the candidate");
    assert!(Arc::ptr_eq(&promoted, &candidate));
    let of_candidate = batch(&candidate, &["good"]).await;
    assert!(shadow.sample(&of_candidate, &candidate).is_none());
    assert!(shadow.report().is_none(), "beside itself there is nothing to see");
}

#[tokio::test]
async fn a_result_that_comes_after_a_swap_is_not_counted_for_the_new_plugin() {
    let (first, second) = (usual(), usual());
    let shadow = Shadow::default();
    shadow.start(usual(), &first, share("100%"));
    let late: Sample = shadow
        .sample(&batch(&first, &["good"; 3]).await, &first)
        .expect("its turn");
    // It is busy with that one, so the new plugin's first batch is passed over; the report waits for the next.
    let of_second = batch(&second, &["good"]).await;
    assert!(shadow.sample(&of_second, &second).is_none());
    late.run().await;
    shadow.sample(&of_second, &second).expect("its turn").run().await;
    assert_eq!(differences(&shadow).records, 1);
}

#[tokio::test]
async fn a_candidate_that_breaks_on_everything_is_not_called_again() {
    let strict = Limits {
        rows_per_record: 1,
        ..Limits::default()
    };
    let (current, candidate) = (usual(), with_limits(strict));
    let shadow = Shadow::default();
    shadow.start(candidate, &current, share("100%"));
    let batch = batch(&current, &["two-rows"; 100]).await;
    shadow.sample(&batch, &current).expect("its turn").run().await;
    assert!(shadow.sample(&batch, &current).is_none());
    let report = shadow.report().expect("it is still told");
    let ended = report.ended.expect("why it ended");
    assert!(
        ended.contains("breaks on every record") && ended.contains("rows_per_record"),
        "{ended}"
    );
    assert_eq!(report.batches, 0);

    // A few records that break it are rejects like any other.
    let some = with_limits(strict);
    shadow.start(some, &current, share("100%"));
    let batch = self::batch(&current, &["good", "two-rows", "good"]).await;
    shadow.sample(&batch, &current).expect("its turn").run().await;
    assert_eq!(differences(&shadow).rejects.gained["contract"].count, 1);
}
