//! The trial before a swap, where the current plugin or the candidate breaks on some of the sample.

use std::sync::Arc;

use host::pipeline::trial;
use host::plugin::limits::Limits;

use crate::versions::{records, version};

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
    let trial = trial::run(&plugin(candidate), &plugin(current), sample).await;
    assert_eq!(trial.records, expected);
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
