//! Rows of one record and key in tables that are not plain: static columns, collections, keys that are equal by value.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use host::record::columns::DataType;
use host::record::descriptor::{Descriptor, Effect, Field};
use host::sink::cassandra::CassandraSink;
use host::sink::cassandra::config::Config;
use host::sink::{Sink, WriteBatch};
use scylla::value::CqlValue;

use crate::support::cassandra;
use crate::support::sink::{batch, config, descriptor, field, keyspace, output, output_to, rows};

const SHARED: &str = "CREATE TABLE KS.visits (who text, at decimal, note text, tags set<text>, site text static, \
                      PRIMARY KEY ((who), at))";

/// A row by hand: what it does, `at`, note, tags and site.
#[derive(Clone, Copy)]
enum Step {
    Put(
        &'static str,
        Option<&'static str>,
        Option<&'static str>,
        Option<&'static str>,
    ),
    /// By an output of its own.
    Note(&'static str, &'static str),
    Delete(&'static str),
}

fn visits() -> Descriptor {
    let text = |name: &str, nullable| field(name, DataType::Text, nullable);
    let key = || vec![text("who", false), text("at", false)];
    let with = |more: Vec<Field>| [key(), more].concat();
    descriptor(vec![
        output(Effect::Delete, key()),
        output_to("VISITS", Effect::Upsert, with(vec![text("Note", true)])),
        output(
            Effect::Upsert,
            with(vec![
                text("note", true),
                field("tags", DataType::Json, true),
                text("site", true),
            ]),
        ),
    ])
}

/// A write of one row, of record 0.
fn write_of(step: Step, who: &str, time: i64) -> WriteBatch {
    let texts = |text: Option<&str>| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    let (output, at, more) = match step {
        Step::Delete(at) => (0, at, vec![]),
        Step::Note(at, note) => (1, at, vec![Some(note)]),
        Step::Put(at, note, tags, site) => (2, at, vec![note, tags, site]),
    };
    let cells = [Some(who), Some(at)].into_iter().chain(more);
    let batch = batch(output, cells.map(texts).collect(), &[time]);
    WriteBatch {
        source: vec![0],
        ..Arc::into_inner(batch).unwrap()
    }
}

/// Writes the rows of one record to and fro.
async fn write_record(sink: &CassandraSink, who: &str, time: i64, steps: &[Step]) {
    let mut writes: Vec<_> = steps.iter().map(|step| write_of(*step, who, time)).collect();
    sink.arrange(&mut writes);
    let writes: Vec<_> = writes.into_iter().map(Arc::new).collect();
    for write in writes.iter().chain(writes.iter().rev()) {
        for answer in sink.write(Arc::clone(write), vec![0]).await {
            answer.unwrap();
        }
    }
}

#[tokio::test]
async fn static_columns_collections_and_decimal_keys_come_out_as_the_last_row_says() {
    let (session, keyspace) = keyspace("one_key", &[SHARED]).await;
    let sink = CassandraSink::open(&config(), &keyspace, &visits()).await.unwrap();
    let put = |at, note, tags, site| Step::Put(at, note, tags, site);
    let (x, y) = (Some(r#"["x", "z"]"#), Some(r#"["y"]"#));
    for (who, steps, expected) in [
        (
            "overlaid",
            vec![
                put("1.0", Some("b"), x, Some("z")),
                put("1.00", None, y, None),
                Step::Note("1", "a"),
                put("2", None, None, Some("c")),
            ],
            vec!["c 1 a y", "c 2 - -"],
        ),
        (
            "replaced",
            vec![
                put("1", Some("b"), x, Some("z")),
                Step::Delete("1.0"),
                put("1", None, y, None),
            ],
            vec!["z 1 - y"],
        ),
        (
            "deleted",
            vec![
                put("1", Some("b"), x, Some("z")),
                put("2", None, x, Some("y")),
                Step::Delete("1.00"),
            ],
            vec!["y 2 - x,z"],
        ),
        (
            "shared",
            vec![put("1", Some("b"), x, Some("z")), Step::Delete("1")],
            vec!["z - - -"],
        ),
    ] {
        for time in [0, 16, 1_600_000_000_000_000] {
            write_record(&sink, who, time, &steps).await;
            let cql = format!("SELECT site, at, note, tags FROM {keyspace}.visits WHERE who = '{who}'");
            let found: Vec<_> = rows(&session, &cql).await.into_iter().map(shown).collect();
            assert_eq!(found, expected, "{who} at {time}");
        }
    }
}

#[tokio::test]
async fn with_nulls_that_are_written_a_later_null_clears() {
    let (session, keyspace) = keyspace("one_key_nulls", &[SHARED]).await;
    let erasing = Config {
        write_nulls: true,
        ..config()
    };
    let sink = CassandraSink::open(&erasing, &keyspace, &visits()).await.unwrap();
    let steps = [
        Step::Put("1", Some("b"), Some(r#"["x"]"#), Some("z")),
        Step::Put("1", None, Some("[]"), Some("a")),
        Step::Note("2", "only"),
    ];
    write_record(&sink, "w", 16, &steps).await;
    let found = rows(&session, &format!("SELECT site, at, note, tags FROM {keyspace}.visits")).await;
    assert_eq!(
        found.into_iter().map(shown).collect::<Vec<_>>(),
        ["a 1 - -", "a 2 only -"]
    );
}

/// The cells of a row in words; of a decimal its value.
fn shown(cells: Vec<Option<CqlValue>>) -> String {
    let word = |cell: Option<CqlValue>| match cell {
        None => "-".to_owned(),
        Some(CqlValue::Decimal(decimal)) => {
            let (digits, scale) = decimal.as_signed_be_bytes_slice_and_exponent();
            let digits = digits.iter().fold(0, |digits, byte| digits * 256 + i32::from(*byte));
            (digits / 10_i32.pow(scale.unsigned_abs())).to_string()
        }
        Some(CqlValue::Set(tags)) => {
            let tags = tags.into_iter().map(cassandra::text);
            tags.collect::<Vec<_>>().join(",")
        }
        Some(value) => cassandra::text(value),
    };
    cells.into_iter().map(word).collect::<Vec<_>>().join(" ")
}
