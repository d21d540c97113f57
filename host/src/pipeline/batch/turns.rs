//! In which order a batch's rows are written.
//!
//! Rows of tables may be written in any order, as a rule: their write timestamps keep the order of the records, and
//! [`one_key`] keeps the order of one record's rows. In a topic the last row of a key counts. So rows of one topic
//! and key are written in the order of their records, and rows of one record in the plugin's order, whatever their
//! outputs. A row whose predecessor belongs to another write waits for the next turn. Nearly always there is one
//! turn. If a sink wants its rows in order, its tables count as one topic with one key.
//!
//! [`one_key`]: crate::sink::one_key

use std::collections::HashMap;
use std::sync::Arc;

use crate::record::descriptor::Output;
use crate::sink::{Order, WriteBatch};

/// Some rows of one write.
#[derive(Debug, PartialEq, Eq)]
pub struct Portion {
    /// Index into the writes.
    pub write: usize,
    pub rows: Vec<u32>,
}

/// Portions that may be written at the same time.
pub type Turn = Vec<Portion>;

/// Puts every row into one turn. A turn may begin when the one before it is done. `tables` is the order that the sink
/// wants for its tables.
pub fn turns(writes: &[Arc<WriteBatch>], outputs: &[Output], tables: Order) -> Vec<Turn> {
    let topics: Vec<_> = writes
        .iter()
        .map(|write| outputs[write.output].target.topic())
        .collect();
    let (in_order, in_any): (Vec<usize>, Vec<usize>) =
        (0..writes.len()).partition(|write| topics[*write].is_some() || tables == Order::Given);
    let whole = |write: usize| Portion {
        write,
        rows: (0..).zip(&writes[write].source).map(|(row, _)| row).collect(),
    };
    let mut turns = vec![in_any.into_iter().map(whole).collect()];
    // The turn of the last row of a topic and key, and the write that the row belongs to.
    let mut last: HashMap<_, (usize, usize)> = HashMap::new();
    for (record, write, row) in by_record(&in_order, writes) {
        let key = match topics[write] {
            Some(_) => writes[write].records[record as usize].key.as_deref(),
            None => Some(&[][..]),
        };
        let turn = key.map_or(0, |key| {
            let place = last.entry((topics[write], key)).or_insert((0, write));
            if place.1 != write {
                *place = (place.0 + 1, write);
            }
            place.0
        });
        place(&mut turns, turn, write, row);
    }
    turns
}

/// Record, write and row of all rows of these writes, in the order of their records, and in the plugin's order within
/// a record.
fn by_record(which: &[usize], writes: &[Arc<WriteBatch>]) -> Vec<(u32, usize, u32)> {
    let mut rows = Vec::new();
    for &write in which {
        let of_write = (0..).zip(&writes[write].source);
        rows.extend(of_write.map(|(row, &record)| (record, write, row)));
    }
    rows.sort_unstable();
    rows
}

fn place(turns: &mut Vec<Turn>, turn: usize, write: usize, row: u32) {
    if turns.len() == turn {
        turns.push(Turn::new());
    }
    match turns[turn].iter_mut().find(|portion| portion.write == write) {
        Some(portion) => portion.rows.push(row),
        None => turns[turn].push(Portion { write, rows: vec![row] }),
    }
}

/// Numbers the rows that a record gives a topic, in the plugin's order; rows of tables get no numbers. The numbers do
/// not depend on what else is in the batch. `rows` has each write's output and the records of its rows, in the
/// plugin's order.
pub fn numbers(rows: &[(usize, &[u32])], outputs: &[Output]) -> Vec<Vec<u32>> {
    let mut numbers = vec![Vec::new(); rows.len()];
    let mut next: HashMap<(&str, u32), u32> = HashMap::new();
    for (at, &(output, source)) in rows.iter().enumerate() {
        if let Some(topic) = outputs[output].target.topic() {
            let number = |record: &u32| {
                let next = next.entry((topic, *record)).or_default();
                *next += 1;
                *next - 1
            };
            numbers[at] = source.iter().map(number).collect();
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::record::Record;
    use crate::record::columns::Batch;
    use crate::record::descriptor::{Effect, Target};
    use crate::record::position::{Offset, Partition, Position};
    use crate::sink::one_key::Parts;

    const TABLE: usize = 0;
    const UPSERT: usize = 1;
    const DELETE: usize = 2;

    /// A table, and two outputs to one topic.
    fn outputs() -> Vec<Output> {
        let output = |target, effect| Output {
            name: String::new(),
            target,
            effect,
            fields: Vec::new(),
        };
        let topic = || Target::Topic("states".into());
        vec![
            output(Target::Table("states".into()), Effect::Upsert),
            output(topic(), Effect::Upsert),
            output(topic(), Effect::Delete),
        ]
    }

    /// Output and records of each write, over records with these keys.
    fn writes(keys: &[Option<&'static str>], writes: &[(usize, &[u32])]) -> Vec<Arc<WriteBatch>> {
        let partition = Arc::new(Partition {
            topic: "orders".into(),
            number: 0,
        });
        let record = |key: Option<&'static str>| Record {
            position: Position {
                partition: Arc::clone(&partition),
                offset: Offset(0),
                line: None,
            },
            timestamp_ms: None,
            key: key.map(Bytes::from),
            value: None,
            headers: Vec::new(),
            redriven: None,
        };
        let records: Arc<Vec<_>> = Arc::new(keys.iter().copied().map(record).collect());
        let write = |(output, source): &(usize, &[u32])| {
            Arc::new(WriteBatch {
                output: *output,
                batch: Batch {
                    rows: source.len(),
                    columns: Vec::new(),
                },
                write_times: Vec::new(),
                records: Arc::clone(&records),
                source: source.to_vec(),
                numbers: Vec::new(),
                parts: Parts::new(),
            })
        };
        writes.iter().map(write).collect()
    }

    fn printed(turns: &[Turn]) -> Vec<Vec<(usize, &[u32])>> {
        turns
            .iter()
            .map(|turn| turn.iter().map(|portion| (portion.write, &*portion.rows)).collect())
            .collect()
    }

    #[test]
    fn tables_and_a_topic_of_one_output_take_one_turn_in_the_order_of_records() {
        let writes = writes(
            &[Some("a"), Some("a")],
            &[(TABLE, &[1, 0]), (TABLE, &[1]), (UPSERT, &[1, 0])],
        );
        let turns = turns(&writes, &outputs(), Order::Any);
        assert_eq!(printed(&turns), [vec![(0, &[0, 1][..]), (1, &[0]), (2, &[1, 0])]]);
    }

    #[test]
    fn rows_of_one_key_keep_the_order_of_their_records_over_outputs() {
        // The first key is deleted, recreated, changed and deleted. Another key and records without a key stand
        // beside it.
        let keys = [Some("a"), Some("a"), Some("b"), Some("a"), Some("a"), None, None];
        let writes = writes(&keys, &[(UPSERT, &[1, 2, 3, 6]), (DELETE, &[0, 4, 5])]);
        let turns = turns(&writes, &outputs(), Order::Any);
        let expected = [
            vec![(1, &[0, 2][..]), (0, &[1, 3])],
            vec![(0, &[0, 2][..])],
            vec![(1, &[1][..])],
        ];
        assert_eq!(printed(&turns), expected);
    }

    #[test]
    fn the_rows_of_one_record_keep_the_order_of_the_plugin() {
        let replaced = writes(&[Some("a"), Some("a")], &[(DELETE, &[0, 1]), (UPSERT, &[0, 1])]);
        let expected = [
            vec![(0, &[0][..])],
            vec![(1, &[0][..])],
            vec![(0, &[1][..])],
            vec![(1, &[1][..])],
        ];
        assert_eq!(printed(&turns(&replaced, &outputs(), Order::Any)), expected);
        // Written, deleted, written: the third write belongs to the first one's output.
        let again = writes(&[Some("a")], &[(UPSERT, &[0, 0]), (DELETE, &[0]), (UPSERT, &[0])]);
        let expected = [vec![(0, &[0, 1][..])], vec![(1, &[0][..])], vec![(2, &[0][..])]];
        assert_eq!(printed(&turns(&again, &outputs(), Order::Any)), expected);
    }

    #[test]
    fn what_is_printed_is_in_the_order_of_records_and_of_their_rows_over_outputs() {
        let writes = writes(&[None, None], &[(TABLE, &[0, 0, 1]), (TABLE, &[1]), (UPSERT, &[0, 1])]);
        let expected = [vec![(2, &[0, 1][..]), (0, &[0, 1, 2])], vec![(1, &[0][..])]];
        let mut turns = turns(&writes, &outputs(), Order::Given);
        turns[0].sort_by_key(|portion| std::cmp::Reverse(portion.write));
        assert_eq!(printed(&turns), expected);
    }

    #[test]
    fn rows_of_a_record_are_numbered_by_topic_whatever_else_is_in_the_batch() {
        let outputs = outputs();
        let made = numbers(&[(DELETE, &[1]), (TABLE, &[0, 1]), (UPSERT, &[0, 1, 1])], &outputs);
        assert_eq!(made, [vec![0], vec![], vec![0, 1, 2]]);
        let alone = numbers(&[(UPSERT, &[0, 0]), (DELETE, &[0])], &outputs);
        assert_eq!(alone, [vec![0, 1], vec![2]]);
    }
}
