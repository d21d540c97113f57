//! In which order a batch's rows are written.
//!
//! Those of tables in any: their write timestamps keep the order. In a topic what lies last counts, so rows of one topic and
//! key are written in the order of their records, whichever outputs they are of: where the next one is of another output,
//! it waits for its turn. Nearly always there is one turn.

use std::collections::HashMap;
use std::sync::Arc;

use crate::record::descriptor::{Effect, Output};
use crate::sink::WriteBatch;

/// Some rows of one write.
#[derive(Debug, PartialEq, Eq)]
pub struct Share {
    /// Index into the writes.
    pub write: usize,
    pub rows: Vec<u32>,
}

/// Shares that may be written at the same time.
pub type Turn = Vec<Share>;

/// Every row once; a turn may begin when the one before it is done.
pub fn turns(writes: &[Arc<WriteBatch>], outputs: &[Output]) -> Vec<Turn> {
    let topics: Vec<_> = writes
        .iter()
        .map(|write| outputs[write.output].target.topic())
        .collect();
    let (to_topics, to_tables): (Vec<usize>, Vec<usize>) =
        (0..writes.len()).partition(|write| topics[*write].is_some());
    let whole = |write: usize| Share {
        write,
        rows: (0..).zip(&writes[write].source).map(|(row, _)| row).collect(),
    };
    let mut turns = vec![to_tables.into_iter().map(whole).collect()];
    // Which turn the last row of a topic and key is in, and of which write it is.
    let mut last: HashMap<_, (usize, usize)> = HashMap::new();
    for (record, write, row) in by_record(&to_topics, writes, outputs) {
        let key = writes[write].records[record as usize].key.as_deref();
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

/// Record, write and row of all rows of these writes, in the order of their records; of one record, those that are written
/// before those that delete, as a delete wins in a table.
fn by_record(which: &[usize], writes: &[Arc<WriteBatch>], outputs: &[Output]) -> Vec<(u32, usize, u32)> {
    let mut rows = Vec::new();
    for &write in which {
        let output = writes[write].output;
        let is_delete = outputs[output].effect == Effect::Delete;
        let of_write = (0..).zip(&writes[write].source);
        rows.extend(of_write.map(|(row, &record)| ((record, is_delete, output), write, row)));
    }
    rows.sort_by_key(|(order, ..)| *order);
    rows.into_iter()
        .map(|((record, ..), write, row)| (record, write, row))
        .collect()
}

fn place(turns: &mut Vec<Turn>, turn: usize, write: usize, row: u32) {
    if turns.len() == turn {
        turns.push(Turn::new());
    }
    match turns[turn].iter_mut().find(|share| share.write == write) {
        Some(share) => share.rows.push(row),
        None => turns[turn].push(Share { write, rows: vec![row] }),
    }
}

/// Of each row of these outputs' rows the number among those that its record gives its topic; nothing for tables. What
/// else is in the batch decides nothing. `rows` are the output and the records of each, in the guest's order.
pub fn numbers(rows: &[(usize, &[u32])], outputs: &[Output]) -> Vec<Vec<u32>> {
    let mut numbers = vec![Vec::new(); rows.len()];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| rows[*at].0);
    let mut next: HashMap<(&str, u32), u32> = HashMap::new();
    for at in order {
        let (output, source) = rows[at];
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
    use crate::record::descriptor::Target;
    use crate::record::position::{Offset, Partition, Position};

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
            })
        };
        writes.iter().map(write).collect()
    }

    fn told(turns: &[Turn]) -> Vec<Vec<(usize, &[u32])>> {
        turns
            .iter()
            .map(|turn| turn.iter().map(|share| (share.write, &*share.rows)).collect())
            .collect()
    }

    #[test]
    fn tables_and_a_topic_of_one_output_take_one_turn_in_the_order_of_records() {
        let writes = writes(
            &[Some("a"), Some("a")],
            &[(TABLE, &[1, 0]), (TABLE, &[1]), (UPSERT, &[1, 0])],
        );
        let turns = turns(&writes, &outputs());
        assert_eq!(told(&turns), [vec![(0, &[0, 1][..]), (1, &[0]), (2, &[1, 0])]]);
    }

    #[test]
    fn rows_of_one_key_keep_the_order_of_their_records_over_outputs() {
        // Deleted, made again, changed, deleted; beside it another key, and records without one.
        let keys = [Some("a"), Some("a"), Some("b"), Some("a"), Some("a"), None, None];
        let writes = writes(&keys, &[(UPSERT, &[1, 2, 3, 6]), (DELETE, &[0, 4, 5])]);
        let turns = turns(&writes, &outputs());
        let expected = [
            vec![(1, &[0, 2][..]), (0, &[1, 3])],
            vec![(0, &[0, 2][..])],
            vec![(1, &[1][..])],
        ];
        assert_eq!(told(&turns), expected);
    }

    #[test]
    fn of_one_record_a_delete_comes_last() {
        let writes = writes(&[Some("a")], &[(DELETE, &[0]), (UPSERT, &[0])]);
        let turns = turns(&writes, &outputs());
        assert_eq!(told(&turns), [vec![(1, &[0][..])], vec![(0, &[0][..])]]);
    }

    #[test]
    fn rows_of_a_record_are_numbered_by_topic_whatever_else_is_in_the_batch() {
        let outputs = outputs();
        let made = numbers(&[(DELETE, &[1]), (TABLE, &[0, 1]), (UPSERT, &[0, 1, 1])], &outputs);
        assert_eq!(made, [vec![2], vec![], vec![0, 0, 1]]);
        let alone = numbers(&[(UPSERT, &[0, 0]), (DELETE, &[0])], &outputs);
        assert_eq!(alone, [vec![0, 1], vec![2]]);
    }
}
