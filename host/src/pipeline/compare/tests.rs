//! Answers made by hand, compared: each kind of difference is found, counted and shown, and nothing else is.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};

use super::report::{Cell, MAX_EXAMPLES, Shown};
use super::*;
use crate::record::columns::Batch;
use crate::record::columns::DataType;
use crate::record::descriptor::{Digest, Effect, Field, Output, Target};
use crate::record::position::{Offset, Partition, Position};
use crate::record::stage::Stage;

fn identity(version: &str) -> PluginIdentity {
    PluginIdentity {
        name: "p".into(),
        version: version.into(),
        digest: Digest([0; 32]),
    }
}

fn field(name: &str, data_type: DataType) -> Field {
    Field {
        name: name.to_owned(),
        data_type,
        nullable: true,
    }
}

fn output(table: &str, fields: Vec<Field>) -> Output {
    Output {
        name: table.to_lowercase(),
        target: Target::Table(table.to_owned()),
        effect: Effect::Upsert,
        fields,
    }
}

fn descriptor(outputs: Vec<Output>) -> Descriptor {
    Descriptor {
        name: "p".into(),
        version: "1".into(),
        inputs: Vec::new(),
        lookups: Vec::new(),
        outputs,
    }
}

/// A required id, and the rest.
fn orders(rest: Vec<Field>) -> Descriptor {
    let id = Field {
        nullable: false,
        ..field("id", DataType::Int64)
    };
    descriptor(vec![output("orders", [vec![id], rest].concat())])
}

fn records(count: i64) -> Vec<Record> {
    let partition = Arc::new(Partition {
        topic: "t".into(),
        number: 0,
    });
    let record = |offset| Record {
        position: Position {
            partition: Arc::clone(&partition),
            offset: Offset(offset),
            line: None,
        },
        timestamp_ms: None,
        key: None,
        value: None,
        headers: Vec::new(),
        redriven: None,
    };
    (0..count).map(record).collect()
}

fn made(source: &[u32], columns: Vec<ArrayRef>) -> Rows {
    Rows {
        output: 0,
        source: source.to_vec(),
        batch: Batch {
            rows: source.len(),
            columns,
        },
    }
}

fn ids(ids: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(ids.to_vec()))
}

fn texts(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

fn answer(made: Vec<Rows>) -> Answer {
    Answer {
        made,
        ..Answer::default()
    }
}

fn rejecting(mut answer: Answer, record: usize, code: &'static str) -> Answer {
    answer.rejects.insert(
        record,
        Reject::new(Stage::Transform, code, format!("message of {code}")),
    );
    answer
}

fn compare(old: (&Descriptor, &Answer), new: (&Descriptor, &Answer), count: i64) -> ComparisonReport {
    let (one, two) = (identity("1"), identity("2"));
    let subject = |identity, descriptor| Subject { identity, descriptor };
    let comparer = Comparer::new(subject(&one, old.0), subject(&two, new.0));
    comparer.compare(&records(count), old.1, new.1)
}

#[test]
fn the_same_is_the_same_however_it_was_put_together() {
    let orders = orders(vec![field("note", DataType::Text)]);
    let at_once = answer(vec![made(
        &[0, 1, 2],
        vec![ids(&[1, 2, 3]), texts(&[Some("a"), None, Some("c")])],
    )]);
    let in_parts = answer(vec![
        made(&[1, 2], vec![ids(&[2, 3]), texts(&[None, Some("c")])]),
        made(&[0], vec![ids(&[1]), texts(&[Some("a")])]),
    ]);
    for (old, new) in [(&at_once, &at_once), (&at_once, &in_parts), (&in_parts, &at_once)] {
        let report = compare((&orders, old), (&orders, new), 3);
        assert!(report.is_same(), "{report:?}");
        assert_eq!((report.records, report.outputs[0].equal), (3, 3));
    }
}

#[test]
fn a_value_that_differs_is_counted_at_its_column_and_shown_with_its_row() {
    let orders = orders(vec![field("note", DataType::Text), field("hour", DataType::Int32)]);
    let hours = |hours: &[Option<i32>]| -> ArrayRef { Arc::new(Int32Array::from(hours.to_vec())) };
    let old = answer(vec![made(
        &[0, 1, 2],
        vec![
            ids(&[1, 2, 3]),
            texts(&[Some("a"), Some("b"), Some("c")]),
            hours(&[Some(7), Some(8), Some(9)]),
        ],
    )]);
    let new = answer(vec![made(
        &[0, 1, 2],
        vec![
            ids(&[1, 2, 3]),
            texts(&[Some("a"), None, Some("C")]),
            hours(&[Some(7), Some(0), Some(9)]),
        ],
    )]);
    let report = compare((&orders, &old), (&orders, &new), 3);
    let found = &report.outputs[0];
    assert_eq!((found.equal, found.different), (1, 2));
    let [id, note, hour] = &found.columns[..] else {
        panic!("three columns")
    };
    assert_eq!((id.values.count, note.values.count, hour.values.count), (0, 2, 1));
    let first = &note.values.examples[0];
    assert_eq!(first.record, "t/0@1");
    let name = Cell {
        column: "id".into(),
        value: Shown::Text("2".into()),
    };
    assert_eq!(first.row, [name]);
    assert_eq!(
        (&first.old, &first.new),
        (&Some(Shown::Text("b".into())), &Some(Shown::Null))
    );
    assert!(!report.is_same());
}

#[test]
fn not_a_number_is_the_same_as_itself_and_the_zeros_are_two() {
    let orders = orders(vec![field("price", DataType::Float64)]);
    let prices = |prices: &[f64]| -> Answer {
        answer(vec![made(
            &[0, 1, 2],
            vec![ids(&[1, 2, 3]), Arc::new(Float64Array::from(prices.to_vec()))],
        )])
    };
    let other_nan = f64::from_bits(f64::NAN.to_bits() | 1);
    let report = compare(
        (&orders, &prices(&[f64::NAN, 0.0, 0.5])),
        (&orders, &prices(&[other_nan, -0.0, 0.5])),
        3,
    );
    assert_eq!((report.outputs[0].equal, report.outputs[0].different), (2, 1));
    let zero = &report.outputs[0].columns[1].values.examples[0];
    assert_eq!(
        (&zero.old, &zero.new),
        (&Some(Shown::Text("0".into())), &Some(Shown::Text("-0".into())))
    );
}

#[test]
fn tables_and_columns_are_matched_by_name_in_any_case_and_order() {
    let old = descriptor(vec![output(
        "Orders",
        vec![field("OrderHour", DataType::Int64), field("note", DataType::Text)],
    )]);
    let new = descriptor(vec![
        output("other", vec![field("x", DataType::Text)]),
        output(
            "orders",
            vec![field("note", DataType::Text), field("orderhour", DataType::Int64)],
        ),
    ]);
    let one = answer(vec![made(&[0], vec![ids(&[7]), texts(&[Some("a")])])]);
    let mut two = made(&[0], vec![texts(&[Some("a")]), ids(&[7])]);
    two.output = 1;
    let report = compare((&old, &one), (&new, &answer(vec![two])), 1);
    let [other, orders] = &report.outputs[..] else {
        panic!("two outputs")
    };
    assert_eq!((&other.old, other.new.as_deref()), (&None, Some("other")));
    assert!(orders.is_same() && orders.equal == 1, "{orders:?}");
    assert!(!report.is_same(), "an output more");
}

#[test]
fn a_column_that_came_is_told_apart_from_one_that_was_null() {
    let old = orders(vec![]);
    let new = orders(vec![field("note", DataType::Text)]);
    let before = answer(vec![made(&[0, 1], vec![ids(&[1, 2])])]);
    let after = answer(vec![made(&[0, 1], vec![ids(&[1, 2]), texts(&[None, Some("b")])])]);
    let report = compare((&old, &before), (&new, &after), 2);
    let found = &report.outputs[0];
    assert_eq!((found.equal, found.different), (2, 0));
    let note = &found.columns[1];
    assert_eq!((&note.old, note.new.is_some(), note.values.count), (&None, true, 1));
    assert_eq!(note.values.examples[0].old, None);
    assert!(!report.is_same());
    let went = compare((&new, &after), (&old, &before), 2);
    assert_eq!(went.outputs[0].columns[1].values.examples[0].new, None);
}

#[test]
fn values_of_a_column_with_another_type_are_compared_as_they_are_shown() {
    let old = orders(vec![field("hour", DataType::Int64)]);
    let new = orders(vec![field("hour", DataType::Text)]);
    let before = answer(vec![made(&[0, 1], vec![ids(&[1, 2]), ids(&[7, 8])])]);
    let after = answer(vec![made(&[0, 1], vec![ids(&[1, 2]), texts(&[Some("7"), Some("08")])])]);
    let report = compare((&old, &before), (&new, &after), 2);
    let hour = &report.outputs[0].columns[1];
    assert_ne!(hour.old, hour.new);
    assert_eq!((hour.values.count, report.outputs[0].equal), (1, 1));
}

#[test]
fn rows_are_matched_by_their_place_among_the_rows_of_their_record() {
    let orders = orders(vec![]);
    let old = answer(vec![made(&[0, 0, 1], vec![ids(&[1, 2, 3])])]);
    let new = answer(vec![made(&[0, 1, 1], vec![ids(&[1, 3, 4])])]);
    let report = compare((&orders, &old), (&orders, &new), 2);
    let found = &report.outputs[0];
    assert_eq!((found.equal, found.different), (2, 0));
    assert_eq!((found.only_old.count, found.only_new.count), (1, 1));
    assert_eq!(found.only_old.examples[0].record, "t/0@0");
    assert_eq!(found.only_new.examples[0].row[0].value, Shown::Text("4".into()));
}

#[test]
fn another_order_of_rows_for_one_table_is_a_difference() {
    let mut plugin = orders(Vec::new());
    let mut delete = plugin.outputs[0].clone();
    delete.effect = Effect::Delete;
    let mut elsewhere = plugin.outputs[0].clone();
    elsewhere.target = Target::Table("else".to_owned());
    plugin.outputs.extend([delete, elsewhere]);
    let of = |output, source: &[u32]| Rows {
        output,
        ..made(source, vec![ids(&vec![1; source.len()])])
    };
    // The second record deletes first in both, the first one in one of them only; other tables do not count.
    let old = answer(vec![of(0, &[0]), of(1, &[0, 1]), of(0, &[1]), of(2, &[1])]);
    let new = answer(vec![of(2, &[1]), of(1, &[0, 1]), of(0, &[0, 1])]);
    let report = compare((&plugin, &old), (&plugin, &new), 2);
    assert!(!report.is_same());
    assert_eq!(
        (report.reordered.count, &*report.reordered.examples),
        (1, &["t/0@0".to_owned()][..])
    );
    assert_eq!(
        report.outputs.iter().map(|output| output.equal).collect::<Vec<_>>(),
        [2, 2, 1]
    );
    let same = compare((&plugin, &old), (&plugin, &old), 2);
    assert!(same.is_same(), "{same:?}");
}

#[test]
fn rejects_and_filtered_records_are_gained_lost_or_changed() {
    let orders = orders(vec![]);
    // Records 0: row, 1: bad-a, 2: bad-a, 3: filtered, 4: bad-a, 5: filtered.
    let old = answer(vec![made(&[0], vec![ids(&[1])])]);
    let old = [1, 2, 4]
        .into_iter()
        .fold(old, |answer, record| rejecting(answer, record, "bad-a"));
    // Records 0: bad-b, 1: bad-a, 2: bad-b, 3: row, 4: filtered, 5: filtered.
    let new = answer(vec![made(&[0, 3], vec![ids(&[1, 4])])]);
    let new = rejecting(rejecting(rejecting(new, 0, "bad-b"), 1, "bad-a"), 2, "bad-b");
    let report = compare((&orders, &old), (&orders, &new), 6);
    let rejects = &report.rejects;
    assert_eq!(rejects.same, 1);
    assert_eq!(rejects.gained["bad-b"].count, 1);
    assert_eq!(rejects.gained["bad-b"].examples[0].record, "t/0@0");
    assert_eq!(
        rejects.gained["bad-b"].examples[0].new.as_deref(),
        Some("message of bad-b")
    );
    assert_eq!(rejects.lost["bad-a"].examples[0].record, "t/0@4");
    assert_eq!(rejects.changed["bad-a -> bad-b"].count, 1);
    let filtered = &report.filtered;
    assert_eq!((filtered.same, filtered.gained.count, filtered.lost.count), (1, 1, 1));
    assert_eq!(
        (&filtered.gained.examples[0][..], &filtered.lost.examples[0][..]),
        ("t/0@4", "t/0@3")
    );
    // What a plugin makes of a record that is rejected is not written.
    let found = &report.outputs[0];
    assert_eq!((found.equal, found.only_old.count, found.only_new.count), (0, 1, 1));
}

#[test]
fn reports_of_batches_add_up_and_stay_small() {
    let orders = orders(vec![field("note", DataType::Text)]);
    let side = |text: &'static str| answer(vec![made(&[0, 1], vec![ids(&[1, 2]), texts(&[Some(text), Some("b")])])]);
    let (old, new) = (side("a"), rejecting(side("x"), 1, "bad"));
    let mut whole = compare((&orders, &old), (&orders, &new), 2);
    for _ in 0..99 {
        whole.merge(compare((&orders, &old), (&orders, &new), 2));
    }
    let found = &whole.outputs[0];
    assert_eq!((whole.records, found.different, found.only_old.count), (200, 100, 100));
    assert_eq!(
        (found.columns[1].values.count, whole.rejects.gained["bad"].count),
        (100, 100)
    );
    assert_eq!(found.columns[1].values.examples.len(), MAX_EXAMPLES);
    for code in 0..1000 {
        let code = format!("code-{code}");
        report::note_code(&mut whole.rejects.gained, &code, || RejectExample {
            record: String::new(),
            old: None,
            new: None,
        });
    }
    assert!(whole.rejects.gained.len() <= 51, "{}", whole.rejects.gained.len());
    let count: u64 = whole.rejects.gained.values().map(|tally| tally.count).sum();
    assert_eq!(count, 1100);
}

#[test]
fn a_report_comes_back_from_json_as_it_was() {
    let (old, new) = (orders(vec![]), orders(vec![field("note", DataType::Text)]));
    let before = answer(vec![made(&[0, 1], vec![ids(&[1, 2])])]);
    let after = answer(vec![made(&[0, 1], vec![ids(&[1, 3]), texts(&[Some("a"), None])])]);
    let report = compare((&old, &before), (&new, &rejecting(after, 1, "bad")), 3);
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<ComparisonReport>(&text).unwrap(), report);
    // Null and absent differ in the JSON too.
    let both = r#"[{"record":"r","row":[],"old":null},{"record":"r","row":[]}]"#;
    let read: Vec<Example> = serde_json::from_str(both).unwrap();
    assert_eq!((&read[0].old, &read[1].old), (&Some(Shown::Null), &None));
    assert_eq!(serde_json::to_string(&read).unwrap(), both);
}
