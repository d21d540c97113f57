//! What is written of a record's rows, put together by Cassandra's rules in any order, is what the rows say one by one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const KEY: [&str; 2] = ["clustering", "partition"];
const COLUMNS: [&str; 3] = ["a", "b", "shared"];
const SHARED: usize = 2;

/// A row of the plugin; values by [`COLUMNS`], of which the last one is static.
#[derive(Debug, Clone)]
enum Step {
    Write([u8; 2], [Option<u8>; 3]),
    /// By an output that has no more than the first column.
    WriteFirst([u8; 2], Option<u8>),
    Delete([u8; 2]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Say,
    Nothing,
}

/// Rows by key, and the shared values by partition key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Content {
    rows: BTreeMap<[u8; 2], [Option<u8>; 2]>,
    shared: BTreeMap<u8, u8>,
}

/// The highest write timestamp of each place and what stands there, as Cassandra puts writes together.
#[derive(Debug, Default)]
struct Store {
    markers: BTreeMap<[u8; 2], i64>,
    deletions: BTreeMap<[u8; 2], i64>,
    cells: BTreeMap<([u8; 2], usize), (i64, Option<u8>)>,
    shared: BTreeMap<u8, (i64, Option<u8>)>,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || [0..2_u8, 0..2_u8];
    let value = || prop::option::of(0..3_u8);
    prop_oneof![
        (key(), [value(), value(), value()]).prop_map(|(key, values)| Step::Write(key, values)),
        (key(), value()).prop_map(|(key, value)| Step::WriteFirst(key, value)),
        key().prop_map(Step::Delete),
    ]
}

impl Step {
    fn key(&self) -> [u8; 2] {
        match self {
            Self::Write(key, _) | Self::WriteFirst(key, _) | Self::Delete(key) => *key,
        }
    }

    /// The values of the fields that its output has.
    fn values(&self) -> &[Option<u8>] {
        match self {
            Self::Write(_, values) => values,
            Self::WriteFirst(_, value) => std::slice::from_ref(value),
            Self::Delete(_) => &[],
        }
    }

    fn seen(&self, nulls: Nulls) -> Seen<'static> {
        let [partition, clustering] = self.key();
        let says = |(_, value): &(usize, &Option<u8>)| value.is_some() || nulls == Nulls::Say;
        let sets = self.values().iter().enumerate().filter(says).map(|(field, _)| Set {
            field,
            column: COLUMNS[field],
            scope: if field == SHARED { Scope::Partition } else { Scope::Row },
        });
        Seen {
            effect: match self {
                Self::Delete(_) => Effect::Delete,
                Self::Write(..) | Self::WriteFirst(..) => Effect::Upsert,
            },
            key: KEY.into_iter().zip([vec![clustering], vec![partition]]).collect(),
            sets: sets.collect(),
            misfit: None,
        }
    }
}

/// One row after another.
fn apply(content: &mut Content, steps: &[Step], nulls: Nulls) {
    for step in steps {
        let key = step.key();
        if matches!(step, Step::Delete(_)) {
            content.rows.remove(&key);
            continue;
        }
        let row = content.rows.entry(key).or_default();
        for (field, value) in step.values().iter().enumerate() {
            match (value, field) {
                (None, _) if nulls == Nulls::Nothing => {}
                (None, SHARED) => drop(content.shared.remove(&key[0])),
                (Some(value), SHARED) => drop(content.shared.insert(key[0], *value)),
                (value, field) => row[field] = *value,
            }
        }
    }
}

/// The rows that are written, each with its part.
fn written(steps: &[Step], nulls: Nulls) -> Vec<(Step, Option<Part>)> {
    let seen: Vec<_> = (0..)
        .zip(steps)
        .map(|(row, step)| (RowAt { write: 0, row }, step.seen(nulls)))
        .collect();
    let parts: BTreeMap<_, _> = parts(&seen, &["partition"])
        .into_iter()
        .map(|(at, part)| (at.row, part))
        .collect();
    (0..)
        .zip(steps)
        .map(|(row, step)| (step.clone(), parts.get(&row).cloned()))
        .collect()
}

impl Store {
    fn write(&mut self, (step, part): &(Step, Option<Part>), time: i64, nulls: Nulls) {
        let key = step.key();
        let without: &[usize] = match part {
            Some(Part::Nothing | Part::Refused(_)) => return,
            Some(Part::Earlier) => {
                let Some(earlier) = earlier(WriteTime(time)) else {
                    return;
                };
                return raise(&mut self.deletions, key, earlier.0);
            }
            Some(Part::Without(fields)) => fields,
            None => &[],
        };
        if matches!(step, Step::Delete(_)) {
            return raise(&mut self.deletions, key, time);
        }
        raise(&mut self.markers, key, time);
        for (field, value) in step.values().iter().enumerate() {
            let is_said = value.is_some() || nulls == Nulls::Say;
            if is_said && !without.contains(&field) {
                let cell = match field {
                    SHARED => self.shared.entry(key[0]).or_insert((i64::MIN, None)),
                    field => self.cells.entry((key, field)).or_insert((i64::MIN, None)),
                };
                // At one timestamp a tombstone wins, and else the greater value.
                let rank = |(time, value): (i64, Option<u8>)| (time, value.is_none(), value);
                if rank((time, *value)) > rank(*cell) {
                    *cell = (time, *value);
                }
            }
        }
    }

    fn content(&self) -> Content {
        let is_live = |key: &[u8; 2], time: i64| self.deletions.get(key).is_none_or(|deleted| *deleted < time);
        let mut content = Content::default();
        for (key, time) in &self.markers {
            if is_live(key, *time) {
                content.rows.insert(*key, [None; 2]);
            }
        }
        for ((key, field), (time, value)) in &self.cells {
            if is_live(key, *time) && value.is_some() {
                content.rows.entry(*key).or_default()[*field] = *value;
            }
        }
        let shared = self.shared.iter();
        content.shared = shared.filter_map(|(key, (_, value))| Some((*key, (*value)?))).collect();
        content
    }
}

fn raise(times: &mut BTreeMap<[u8; 2], i64>, key: [u8; 2], time: i64) {
    let known = times.entry(key).or_insert(time);
    *known = time.max(*known);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Neighbouring records, the earlier one rewritten with any generation; everything arrives in any order, and twice.
    #[test]
    fn in_any_order_the_table_is_as_if_the_rows_were_applied_one_by_one(
        records in prop::collection::vec((prop::collection::vec(step(), 0..7), 0..16_i64), 1..4),
        shuffle in any::<u64>(),
        says in any::<bool>(),
    ) {
        let nulls = if says { Nulls::Say } else { Nulls::Nothing };
        let mut expected = Content::default();
        let mut writes = Vec::new();
        for (base, (steps, generation)) in (0..).step_by(16).zip(&records) {
            apply(&mut expected, steps, nulls);
            let rows = written(steps, nulls).into_iter();
            writes.extend(rows.map(|row| (row, base + generation)));
        }
        writes.extend(writes.clone());
        fastrand::Rng::with_seed(shuffle).shuffle(&mut writes);
        let mut store = Store::default();
        for (row, time) in &writes {
            store.write(row, *time, nulls);
        }
        prop_assert_eq!(store.content(), expected);
    }

    /// As by a rewrite, or by a dead letter that is replayed: what the rows of another plugin left goes with the
    /// delete.
    #[test]
    fn a_row_that_is_replaced_has_nothing_of_what_a_lower_generation_wrote(
        first in prop::collection::vec(step(), 0..5),
        values in [prop::option::of(0..3_u8), prop::option::of(0..3_u8)],
        generation in 0..15_i64,
    ) {
        let again = [Step::Delete([0, 0]), Step::Write([0, 0], [values[0], values[1], None])];
        let mut store = Store::default();
        for (steps, generation) in [(&first[..], generation), (&again[..], generation + 1)] {
            for row in written(steps, Nulls::Nothing) {
                store.write(&row, 160 + generation, Nulls::Nothing);
            }
        }
        prop_assert_eq!(store.content().rows.get(&[0, 0]).copied(), Some(values));
    }
}

fn fates(steps: &[Step]) -> Vec<Option<Part>> {
    written(steps, Nulls::Nothing)
        .into_iter()
        .map(|(_, part)| part)
        .collect()
}

#[test]
fn rows_of_other_keys_are_written_as_they_are() {
    let steps = [
        Step::Write([0, 0], [Some(1); 3]),
        Step::Delete([0, 1]),
        Step::WriteFirst([1, 1], Some(1)),
    ];
    assert_eq!(fates(&steps), [None, None, None]);
}

#[test]
fn of_each_kind_what_the_last_one_leaves_is_written() {
    let key = [0, 0];
    let (full, first) = (
        Step::Write(key, [Some(1), Some(1), None]),
        Step::WriteFirst(key, Some(2)),
    );
    let delete = || Step::Delete(key);
    let without = |fields: &[usize]| Some(Part::Without(fields.to_vec()));
    for (steps, expected) in [
        (vec![full.clone(), delete()], vec![Some(Part::Nothing), None]),
        (vec![delete(), full.clone()], vec![Some(Part::Earlier), None]),
        (vec![full.clone(), full.clone()], vec![Some(Part::Nothing), None]),
        (vec![full.clone(), first.clone()], vec![without(&[0]), None]),
        (vec![first.clone(), Step::WriteFirst(key, None)], vec![None, None]),
        (
            vec![delete(), first, delete()],
            vec![Some(Part::Nothing), Some(Part::Nothing), None],
        ),
        (
            vec![Step::Write(key, [Some(1); 3]), delete()],
            vec![without(&[0, 1]), None],
        ),
        (
            vec![Step::Write([0, 0], [Some(1); 3]), Step::Write([0, 1], [Some(2); 3])],
            vec![without(&[2]), None],
        ),
    ] {
        assert_eq!(fates(&steps), expected, "{steps:?}");
    }
}

#[test]
fn rows_of_a_key_are_refused_together() {
    let mut seen: Vec<_> = [
        Step::Delete([0, 0]),
        Step::WriteFirst([0, 0], Some(1)),
        Step::Delete([0, 1]),
    ]
    .iter()
    .zip(0..)
    .map(|(step, row)| (RowAt { write: 0, row }, step.seen(Nulls::Nothing)))
    .collect();
    let misfit = Misfit {
        column: "a".into(),
        reason: "1 does not fit".into(),
    };
    seen[1].1.misfit = Some(misfit.clone());
    let mut refused = parts(&seen, &["partition"]);
    refused.sort_by_key(|(at, _)| at.row);
    let refused: Vec<_> = refused.into_iter().map(|(at, part)| (at.row, part)).collect();
    assert_eq!(
        refused,
        [(0, Part::Refused(misfit.clone())), (1, Part::Refused(misfit))]
    );
}

#[test]
fn before_the_first_microsecond_there_is_nothing_to_delete() {
    assert_eq!(earlier(WriteTime(1)), Some(WriteTime(0)));
    assert_eq!(earlier(WriteTime(0)), None);
}
