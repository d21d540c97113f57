//! Tests conditions alone and together.

use super::*;
use crate::record::letter::replay::tests::letter;

const NOW_MS: i64 = 1_800_000_000_000;

fn takes(typed: &[(&str, &str)], letter: &Letter) -> bool {
    let typed: Vec<_> = typed
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Filter::parse(&typed, NOW_MS).unwrap().takes(letter)
}

#[test]
fn every_key_takes_what_it_names_and_leaves_out_the_rest() {
    let letter = letter();
    for (key, right, wrong) in [
        ("code", "bad-uuid", "bad-uui"),
        ("stage", "transform", "decode"),
        ("plugin", "order_enrich", "order"),
        ("plugin", "sha256:ab", "sha256:cd"),
        ("plugin", "abab", "cd"),
        ("topic", "orders", "order"),
        ("partition", "3", "2"),
        ("since", "2017-10-02T10:56:33Z", "2017-10-02T10:56:34Z"),
        ("until", "2017-10-02T10:56:34Z", "2017-10-02T10:56:33Z"),
        ("replays", "0", "1"),
    ] {
        assert!(takes(&[(key, right)], &letter), "{key}={right}");
        assert!(!takes(&[(key, wrong)], &letter), "{key}={wrong}");
    }
    assert!(takes(&[], &letter));
}

#[test]
fn values_of_one_key_are_alternatives_and_keys_must_all_hold() {
    let letter = letter();
    assert!(takes(&[("code", "trap"), ("code", "bad-uuid")], &letter));
    assert!(!takes(
        &[("code", "trap"), ("code", "bad-uuid"), ("partition", "4")],
        &letter
    ));
    assert!(takes(
        &[("partition", "3"), ("code", "bad-uuid"), ("partition", "4")],
        &letter
    ));
}

#[test]
fn a_span_goes_from_since_to_before_until_and_may_be_said_as_a_time_ago() {
    let mut letter = letter();
    letter.rejected_at_ms = Some(NOW_MS - 3_600_000);
    assert!(takes(&[("since", "1h"), ("until", "59m")], &letter));
    assert!(!takes(&[("since", "3599s")], &letter));
    assert!(!takes(&[("until", "1h")], &letter));
    letter.rejected_at_ms = None;
    letter.record.timestamp_ms = None;
    assert!(!takes(&[("since", "99d")], &letter), "no time is in no span");
}

#[test]
fn what_is_no_condition_says_what_would_be_one() {
    let error = |key: &str, value: &str| {
        let typed = [(key.to_owned(), value.to_owned())];
        Filter::parse(&typed, NOW_MS).unwrap_err().to_string()
    };
    assert!(error("colour", "red").contains("code, stage, plugin"));
    assert!(error("stage", "x").contains("decode, transform or write"));
    for bad in ["yesterday", "2h30m", "h", "2", "", "-1h", "99999999999999999d"] {
        assert!(error("since", bad).contains("2h"), "{bad}");
    }
    assert!(error("plugin", "").contains("digest"));
    assert!(error("code", "").contains("a name"));
}

#[test]
fn the_same_words_are_the_same_filter_in_any_order() {
    let text = |typed: [(&str, &str); 2], now_ms| {
        let typed = typed.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Filter::parse(&typed, now_ms).unwrap().to_string()
    };
    assert_eq!(
        text([("since", "2h"), ("code", "trap")], NOW_MS),
        text([("code", "trap"), ("since", "2h")], NOW_MS + 1)
    );
}
