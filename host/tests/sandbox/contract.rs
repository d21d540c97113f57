//! What a guest returns that does not hold is a broken contract, said in words; nothing of it comes through.

use host::plugin::limits::Limits;

use crate::built::{call, chain, plugin};

/// What one record does to the outcome, and what is said of it.
const BREACHES: &[(&str, &str)] = &[
    ("no-such-row", "row 1000000 of a batch of 1 does not exist"),
    (
        "no-such-output",
        "rows for output 7, though the plugin declares 1 (counted from 0)",
    ),
    (
        "row-and-rejected",
        "row 0 is in more than one of rows, filtered and rejects",
    ),
    (
        "row-and-filtered",
        "row 0 is in more than one of rows, filtered and rejects",
    ),
    (
        "filtered-twice",
        "row 0 is in more than one of rows, filtered and rejects",
    ),
    (
        "too-many-rows",
        "the record in row 0 gave more than 100 rows (plugin.limits.rows_per_record)",
    ),
    ("empty-code", "reject code \"\": a code is 1 to 64 of a-z, 0-9 and -"),
    ("bad-code", "reject code \"Bad Code\\n\": a code is"),
    ("long-code", "reject code \"cccc"),
    (
        "bad-message",
        "its outcome is not laid out as the WIT says, or is too large: ",
    ),
    (
        "aliased-lists",
        "its outcome is not laid out as the WIT says, or is too large: too much data",
    ),
    ("one-column-less", "output rows: 2 columns for 3 fields"),
    ("one-column-more", "output rows: 4 columns for 3 fields"),
    (
        "wrong-type",
        "output rows, column number: int32 values where int64 was declared",
    ),
    ("short-column", "output rows, column number: 0 values for 1 rows"),
    ("long-column", "output rows, column number: 2 values for 1 rows"),
    (
        "short-validity",
        "output rows, column number: a bitmap of 0 bytes for 1 rows",
    ),
    (
        "null-in-non-null",
        "output rows, column behaviour: null in row 0, though the field is not nullable",
    ),
    ("bad-json", "output rows, column document: invalid JSON in row 0"),
    ("short-offsets", "output rows, column behaviour: 0 values for 1 rows"),
    ("no-offsets", "output rows, column behaviour: 0 values for 1 rows"),
    (
        "negative-offset",
        "output rows, column behaviour: offsets that go backwards or do not stay within the",
    ),
    (
        "backward-offsets",
        "output rows, column behaviour: offsets that go backwards or do not stay within the",
    ),
    (
        "offsets-past-the-end",
        "output rows, column behaviour: offsets that go backwards or do not stay within the",
    ),
    (
        "bad-utf8",
        "output rows, column behaviour: values that are not valid for their type: ",
    ),
    (
        "split-character",
        "output rows, column behaviour: values that are not valid for their type: ",
    ),
];

#[test]
fn each_breach_is_said_in_words() {
    let plugin = plugin(Limits::default());
    for (behaviour, said) in BREACHES {
        let error = call(&plugin, &[behaviour]).expect_err(behaviour);
        assert_eq!(error.code(), "contract", "{behaviour}");
        let expected = format!("the plugin broke its contract: {said}");
        assert!(chain(&error).starts_with(&expected), "{behaviour}: {}", chain(&error));
    }
}

#[test]
fn a_breach_by_one_record_of_many_takes_the_whole_batch_back() {
    let plugin = plugin(Limits::default());
    for behaviour in [
        "short-column",
        "backward-offsets",
        "bad-utf8",
        "row-and-rejected",
        "bad-json",
    ] {
        let mut behaviours = vec!["ok"; 50];
        behaviours[33] = behaviour;
        let error = call(&plugin, &behaviours).expect_err(behaviour);
        assert_eq!(error.code(), "contract", "{behaviour}");
    }
}

#[test]
fn the_rows_of_a_record_are_bounded_whatever_stands_beside_it() {
    let with = |rows_per_record| {
        plugin(Limits {
            rows_per_record,
            ..Limits::default()
        })
    };
    let outcome = call(&with(2), &["two-rows", "two-rows"]).expect("an outcome");
    assert_eq!(outcome.rows[0].source, [0, 0, 1, 1]);
    let strict = with(1);
    call(&strict, &["ok", "filter", "ok"]).expect("an outcome");
    call(&strict, &["ok", "two-rows", "filter"]).expect_err("2 rows of one record");
}
