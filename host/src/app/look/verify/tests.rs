//! Against a store in memory, whose rows are set by hand.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, Int32Array, StringArray};
use futures::future::BoxFuture;

use super::*;
use crate::record::columns::{Batch, DataType};
use crate::record::descriptor::{Effect, Field, Output, Target};
use crate::sink::read_back::{Image, NullEffect, RowRef};
use crate::sink::{Misfit, SinkFault};

const UPSERT: usize = 0;
const DELETE: usize = 1;

/// One table with key `id` and a `note`.
struct Store {
    rows: HashMap<i32, Option<&'static str>>,
    null_effect: NullEffect,
    /// Whether it answers.
    up: bool,
}

fn store(rows: &[(i32, Option<&'static str>)]) -> Store {
    Store {
        rows: rows.iter().copied().collect(),
        null_effect: NullEffect::LeavesOld,
        up: true,
    }
}

fn id(row: &RowRef) -> i32 {
    row.batch.columns[0].as_primitive::<Int32Type>().value(row.row)
}

fn misfit(column: &str, reason: &str) -> SinkError {
    let (column, reason) = (column.to_owned(), reason.to_owned());
    Misfit { column, reason }.into()
}

impl ReadBack for Store {
    fn null_effect(&self) -> NullEffect {
        self.null_effect
    }

    fn image(&self, output: usize, row: &RowRef) -> Result<Image, SinkError> {
        let id = id(row);
        if id < 0 {
            return Err(misfit("id", "below zero"));
        }
        let mut cells = vec![Some(id.to_string())];
        if output == UPSERT {
            let notes = row.batch.columns[1].as_string::<i32>();
            if !notes.is_null(row.row) && notes.value(row.row) == "unfit" {
                return Err(misfit("note", "unfit"));
            }
            cells.push((!notes.is_null(row.row)).then(|| notes.value(row.row).to_owned()));
        }
        Ok(Image {
            key: format!("id={id}"),
            cells,
        })
    }

    fn key(&self, _: usize, row: &RowRef) -> Result<String, SinkError> {
        Ok(format!("id={}", id(row)))
    }

    fn read<'a>(&'a self, output: usize, row: &'a RowRef) -> BoxFuture<'a, Result<Option<Image>, SinkError>> {
        Box::pin(async move {
            if !self.up {
                return Err(SinkError::new(SinkFault::Away, "no connection to the server", "down"));
            }
            let id = id(row);
            Ok(self.rows.get(&id).map(|note| Image {
                key: format!("id={id}"),
                cells: match output {
                    UPSERT => vec![Some(id.to_string()), note.map(str::to_owned)],
                    _ => vec![Some(id.to_string())],
                },
            }))
        })
    }
}

fn descriptor() -> Descriptor {
    let field = |name: &str, data_type| Field {
        name: name.into(),
        data_type,
        nullable: name == "note",
    };
    let output = |name: &str, effect, fields| Output {
        name: name.into(),
        target: Target::Table("notes".into()),
        effect,
        fields,
    };
    let (id, note) = (field("id", DataType::Int32), field("note", DataType::Text));
    Descriptor {
        name: "notes".into(),
        version: "1.0.0".into(),
        inputs: vec![],
        lookups: vec![],
        outputs: vec![
            output("notes", Effect::Upsert, vec![id.clone(), note]),
            output("gone", Effect::Delete, vec![id]),
        ],
    }
}

/// Record, id, note.
fn upserts(rows: &[(u32, i32, Option<&str>)]) -> Rows {
    let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(rows.iter().map(|(_, id, _)| *id)));
    let notes: StringArray = rows.iter().map(|(.., note)| *note).collect();
    rows_of(
        UPSERT,
        rows.iter().map(|(source, ..)| *source).collect(),
        vec![ids, Arc::new(notes)],
    )
}

/// Record, id.
fn deletes(rows: &[(u32, i32)]) -> Rows {
    let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(rows.iter().map(|(_, id)| *id)));
    rows_of(DELETE, rows.iter().map(|(source, _)| *source).collect(), vec![ids])
}

fn rows_of(output: usize, source: Vec<u32>, columns: Vec<ArrayRef>) -> Rows {
    let rows = source.len();
    Rows {
        output,
        source,
        batch: Batch { rows, columns },
    }
}

async fn report(store: &Store, chunks: Vec<Vec<Rows>>) -> VerifyReport {
    let chunks = chunks.into_iter().map(|rows| Ok(Chunk { rows, rejected: 0 }));
    compare(store, &descriptor(), stream::iter(chunks)).await.unwrap()
}

#[tokio::test]
async fn rows_that_are_there_as_expected_are_found() {
    let store = store(&[(1, Some("a")), (2, None), (99, Some("not of this file"))]);
    let report = report(&store, vec![vec![upserts(&[(0, 1, Some("a")), (1, 2, None)])]]).await;
    let expected = VerifyReport {
        expected: 2,
        found: 2,
        ..VerifyReport::default()
    };
    assert_eq!(report, expected);
}

#[tokio::test]
async fn missing_and_different_rows_are_named_with_both_values() {
    let store = store(&[(1, Some("b")), (3, Some("c"))]);
    let rows = upserts(&[(0, 1, Some("a")), (1, 2, Some("x")), (2, 3, None)]);
    let report = report(&store, vec![vec![rows]]).await;
    assert_eq!(
        (report.expected, report.found, report.missing, report.different),
        (3, 2, 1, 2)
    );
    assert_eq!(
        report.first,
        [
            "different  notes  id=1  note: expected \"a\", found \"b\"",
            "missing    notes  id=2",
            "different  notes  id=3  note: expected no value, found \"c\"",
        ]
    );
}

#[tokio::test]
async fn of_a_key_that_comes_twice_the_last_row_counts_once() {
    let last = store(&[(1, Some("last"))]);
    let first = || upserts(&[(0, 1, Some("first")), (1, 1, Some("second"))]);
    let again = || upserts(&[(0, 1, Some("last"))]);
    let fine = report(&last, vec![vec![first()], vec![again()]]).await;
    assert_eq!((fine.expected, fine.found, fine.different), (1, 1, 0));
    let wrong = report(&last, vec![vec![again()], vec![first()]]).await;
    assert_eq!((wrong.expected, wrong.different), (1, 1));
}

#[tokio::test]
async fn a_later_null_counts_as_the_store_takes_it() {
    let mut store = store(&[(1, Some("a"))]);
    let chunks = || vec![vec![upserts(&[(0, 1, Some("a")), (1, 1, None)])]];
    assert_eq!(report(&store, chunks()).await.different, 0);
    store.null_effect = NullEffect::Erases;
    assert_eq!(report(&store, chunks()).await.different, 1);
}

#[tokio::test]
async fn a_deleted_row_must_be_gone_and_one_written_after_it_must_be_there() {
    let store = store(&[(1, Some("again")), (2, Some("left over"))]);
    let chunks = vec![
        vec![upserts(&[(0, 1, Some("a")), (1, 2, Some("b")), (2, 3, Some("c"))])],
        vec![deletes(&[(0, 1), (1, 2), (2, 3)])],
        vec![upserts(&[(0, 1, Some("again"))])],
    ];
    let report = report(&store, chunks).await;
    assert_eq!(
        (report.expected, report.found, report.missing, report.different),
        (1, 1, 0, 1)
    );
    assert_eq!(report.first, ["different  gone  id=2: expected no row, found one"]);
}

#[tokio::test]
async fn of_one_record_the_last_row_counts() {
    let written = || upserts(&[(0, 1, Some("a")), (1, 2, Some("b"))]);
    let chunks = vec![vec![written(), deletes(&[(0, 1), (1, 2)])]];
    assert_eq!(report(&store(&[]), chunks).await, VerifyReport::default());
    let chunks = || vec![vec![written(), deletes(&[(0, 1), (1, 2)]), upserts(&[(0, 1, None)])]];
    let replaced = report(&store(&[(1, None)]), chunks()).await;
    assert_eq!((replaced.expected, replaced.found, replaced.different), (1, 1, 0));
    let left_over = report(&store(&[(1, Some("a"))]), chunks()).await;
    assert_eq!((left_over.expected, left_over.different), (1, 1));
}

#[tokio::test]
async fn of_one_record_and_key_nothing_is_expected_where_a_row_does_not_fit() {
    let rows = upserts(&[(0, 1, Some("a")), (1, 1, Some("b")), (1, 2, Some("c")), (1, -1, None)]);
    let other_key = report(&store(&[(1, Some("b")), (2, Some("c"))]), vec![vec![rows]]).await;
    assert_eq!((other_key.found, other_key.different, other_key.rejected), (2, 0, 1));
    let rows = upserts(&[(0, 1, Some("a")), (1, 1, Some("b")), (1, 1, Some("unfit"))]);
    let same_key = report(&store(&[(1, Some("a"))]), vec![vec![rows]]).await;
    assert_eq!((same_key.found, same_key.different, same_key.rejected), (1, 0, 1));
}

#[tokio::test]
async fn a_value_that_the_store_refuses_is_a_rejected_record() {
    let store = store(&[(1, Some("a"))]);
    let rows = upserts(&[(0, -1, Some("x")), (1, 1, Some("a"))]);
    let chunk = Chunk {
        rows: vec![rows],
        rejected: 2,
    };
    let report = compare(&store, &descriptor(), stream::iter([Ok(chunk)])).await.unwrap();
    assert_eq!((report.expected, report.found, report.rejected), (1, 1, 3));
}

#[tokio::test]
async fn ten_differences_are_shown_and_the_rest_counted() {
    let rows: Vec<_> = (0..14).map(|id: i32| (id.unsigned_abs(), id, Some("x"))).collect();
    let chunks = stream::iter([Ok(Chunk {
        rows: vec![upserts(&rows)],
        rejected: 1,
    })]);
    let mut out = Vec::new();
    let report = compare(&store(&[]), &descriptor(), chunks).await.unwrap();
    let failure = conclude(&report, &mut out).unwrap_err();
    assert!(matches!(failure, Failure::Failed(_)));
    assert_eq!(failure.to_string(), "14 missing, 0 different of 14 rows");
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 12);
    assert_eq!(lines[9], "missing    notes  id=9");
    assert_eq!(lines[10], "and 4 more");
    assert_eq!(
        lines[11],
        "14 expected, 0 found, 14 missing, 0 different (1 rejected records make no row)"
    );
}

#[tokio::test]
async fn rows_for_a_topic_are_left_out_and_said() {
    let mut descriptor = descriptor();
    descriptor.outputs[DELETE].target = Target::Topic("gone".into());
    let chunk = Chunk {
        rows: vec![upserts(&[(0, 1, Some("a"))]), deletes(&[(1, 1)])],
        rejected: 0,
    };
    let store = store(&[(1, Some("a"))]);
    let report = compare(&store, &descriptor, stream::iter([Ok(chunk)])).await.unwrap();
    assert_eq!((report.expected, report.found, report.different), (1, 1, 0));
    let mut out = Vec::new();
    say_left_out(&descriptor, &mut out).unwrap();
    let said = String::from_utf8(out).unwrap();
    assert_eq!(said, "output gone goes to topic gone: not compared\n");
    descriptor.outputs.remove(UPSERT);
    let nothing = say_left_out(&descriptor, &mut Vec::new()).unwrap_err();
    assert!(matches!(nothing, Failure::Usage(_)), "{nothing}");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_no_missing_row() {
    let mut down = store(&[]);
    down.up = false;
    let chunks = stream::iter([Ok(Chunk {
        rows: vec![upserts(&[(0, 1, None)])],
        rejected: 0,
    })]);
    let failure = compare(&down, &descriptor(), chunks).await.unwrap_err();
    assert!(
        failure
            .to_string()
            .starts_with("reading the rows back failed: no connection"),
        "{failure}"
    );
}
