//! Spoils a good outcome on its way back: wrong columns, row numbers and codes.

use crate::record::reject;
use transform_sdk::bindings::exports::host::transform::transformer::{Outcome, Rows};
use transform_sdk::bindings::host::transform::columns::{Column, Values, Variable};

/// Spoils the outcome in the way that the record at `row` asks for.
pub fn spoil(outcome: &mut Outcome, row: u32, behaviour: &str) {
    match behaviour {
        "no-such-row" => outcome.filtered.push(1_000_000),
        "no-such-output" => outcome.rows[0].output = 7,
        "row-and-rejected" => outcome.rejects.push(reject(row, "both", "")),
        "row-and-filtered" => outcome.filtered.push(row),
        "filtered-twice" => {
            remove(outcome, row);
            outcome.filtered.extend([row, row]);
        }
        "empty-code" => refuse(outcome, row, "", ""),
        "bad-code" => refuse(outcome, row, "Bad Code\n", ""),
        "long-code" => refuse(outcome, row, &"c".repeat(65), ""),
        "long-message" => refuse(outcome, row, "long", &"größer ".repeat(10_000)),
        "bad-message" => {
            remove(outcome, row);
            let mut reject = reject(row, "bad", "");
            reject.message = not_utf8();
            outcome.rejects.push(reject);
        }
        "aliased-lists" => outcome.rows = aliased(),
        _ => spoil_columns(&mut outcome.rows[0].columns, behaviour),
    }
}

fn spoil_columns(columns: &mut Vec<Column>, behaviour: &str) {
    match behaviour {
        "one-column-less" => _ = columns.pop(),
        "one-column-more" => columns.push(columns[1].clone()),
        "wrong-type" => columns[1].values = Values::Int32(Vec::new()),
        "short-column" => _ = numbers(columns).pop(),
        "long-column" => numbers(columns).push(1),
        "short-validity" => columns[1].validity = Some(Vec::new()),
        "null-in-non-null" => {
            let rows = text(columns).offsets.len() - 1;
            columns[0].validity = Some(vec![0; rows.div_ceil(8)]);
        }
        "bad-json" => columns[2].values = Values::Json(text(columns).clone()),
        "short-offsets" => _ = text(columns).offsets.pop(),
        "no-offsets" => text(columns).offsets.clear(),
        "negative-offset" => text(columns).offsets[0] = -1,
        "backward-offsets" => text(columns).offsets.reverse(),
        "offsets-past-the-end" => text(columns).offsets.iter_mut().skip(1).for_each(|end| *end = i32::MAX),
        "bad-utf8" => text(columns).data.fill(0xff),
        "split-character" => {
            let text = text(columns);
            let rows = i32::try_from(text.offsets.len() - 1).expect("a test's batch is small");
            // Two bytes a character, one byte a row.
            text.data = "ü".repeat(text.offsets.len()).into_bytes();
            text.offsets = (0..=rows).collect();
        }
        _ => {}
    }
}

fn text(columns: &mut [Column]) -> &mut Variable {
    match &mut columns[0].values {
        Values::Text(text) => text,
        _ => panic!("the first column is text"),
    }
}

fn numbers(columns: &mut [Column]) -> &mut Vec<i64> {
    match &mut columns[1].values {
        Values::Int64(numbers) => numbers,
        _ => panic!("the second column is int64"),
    }
}

/// Removes the record's row. This only works where the record is alone in its batch.
fn remove(outcome: &mut Outcome, row: u32) {
    if outcome.rows.iter().all(|rows| rows.source == [row]) {
        outcome.rows.clear();
    }
}

fn refuse(outcome: &mut Outcome, row: u32, code: &str, message: &str) {
    remove(outcome, row);
    outcome.rejects.push(reject(row, code, message));
}

/// A string that is not valid UTF-8. Only the ABI's own check can notice it.
#[expect(unsafe_code, reason = "the test tries the host's check of strings")]
fn not_utf8() -> String {
    // SAFETY: none. The string is handed over and never read here.
    unsafe { String::from_utf8_unchecked(vec![0xff; 16]) }
}

/// Ten thousand lists that all point to the same 8 MiB. A host that copies every list needs 80 GB.
#[expect(unsafe_code, reason = "the test tries the bound on what the host copies")]
fn aliased() -> Vec<Rows> {
    let block = Vec::leak(vec![0_u32; 2 << 20]);
    let alias = || {
        // SAFETY: none. The vectors are handed over, which forgets them, and the host drops the instance.
        unsafe { Vec::from_raw_parts(block.as_ptr().cast_mut(), block.len(), block.len()) }
    };
    let rows = || Rows {
        output: 0,
        source: alias(),
        columns: Vec::new(),
    };
    (0..10_000).map(|_| rows()).collect()
}
