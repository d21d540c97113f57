//! Implements what one record can do by itself, and the outcome of a batch whose records do nothing wrong.

use std::hint::black_box;

use crate::memory;
use transform_sdk::bindings::exports::host::transform::transformer::{Outcome, Reject, Rows};
use transform_sdk::bindings::host::transform::columns::{Column, Values, Variable};
use transform_sdk::bindings::host::transform::log;

/// The outcome of a batch while it is being built.
#[derive(Default)]
pub struct Answer {
    source: Vec<u32>,
    behaviours: Vec<String>,
    numbers: Vec<Option<i64>>,
    filtered: Vec<u32>,
    rejects: Vec<Reject>,
}

impl Answer {
    pub fn take(&mut self, row: u32, behaviour: &str, number: Option<i64>) {
        let mut times = 1;
        match behaviour {
            "trap" => panic!("as asked"),
            "panic" => {
                log::write(
                    log::Level::Error,
                    "panicked at src/record.rs:91:14:\nindex out of bounds\u{1b}[31m",
                );
                panic!("as asked");
            }
            "long-panic" => {
                log::write(log::Level::Error, &"long ".repeat(100_000));
                panic!("as asked");
            }
            "error-then-stack" => {
                log::write(log::Level::Error, "said before");
                _ = black_box(recurse(1));
            }
            "error" => {
                log::write(log::Level::Error, "an error");
                log::write(log::Level::Info, "and a line after it");
            }
            "loop" => run_for_ever(),
            "memory" => take_all_memory(),
            "scratch" => memory::use_and_free(10 << 20),
            "stack" => _ = black_box(recurse(1)),
            "unaccounted" => return,
            "filter" => {
                self.filtered.push(row);
                return;
            }
            "reject" => {
                self.rejects.push(reject(row, "as-asked", "rejected as asked"));
                return;
            }
            "two-rows" => times = 2,
            "too-many-rows" => times = 10_000,
            "log" => log::write(log::Level::Info, "one line\nand what is no second one"),
            "log-flood" => (0..10_000).for_each(|n| log::write(log::Level::Warn, &format!("line {n}"))),
            "log-long" => log::write(log::Level::Warn, &"long ".repeat(100_000)),
            _ => {}
        }
        for _ in 0..times {
            self.source.push(row);
            self.behaviours.push(behaviour.to_owned());
            self.numbers.push(number);
        }
    }

    pub fn outcome(self) -> Outcome {
        let rows = self.source.len();
        let numbers = Column {
            validity: Some(bitmap(rows, |row| self.numbers[row].is_some())),
            values: Values::Int64(self.numbers.iter().map(|number| number.unwrap_or(0)).collect()),
        };
        let documents: Vec<_> = (0..rows).map(|row| format!("{{\"row\":{row}}}")).collect();
        let columns = vec![
            Column {
                validity: None,
                values: Values::Text(variable(&self.behaviours)),
            },
            numbers,
            Column {
                validity: None,
                values: Values::Json(variable(&documents)),
            },
        ];
        Outcome {
            rows: vec![Rows {
                output: 0,
                source: self.source,
                columns,
            }],
            filtered: self.filtered,
            rejects: self.rejects,
        }
    }
}

pub fn reject(row: u32, code: &str, message: &str) -> Reject {
    Reject {
        row,
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

pub fn run_for_ever() -> ! {
    loop {
        black_box(());
    }
}

pub fn take_all_memory() -> ! {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; 1 << 20]);
        black_box(&taken);
    }
}

#[expect(unconditional_recursion, reason = "the guest's stack is what is to run out")]
fn recurse(depth: u64) -> u64 {
    recurse(black_box(depth + 1)) + black_box(depth)
}

pub fn bitmap(rows: usize, is_set: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut bits = vec![0; rows.div_ceil(8)];
    for row in (0..rows).filter(|&row| is_set(row)) {
        bits[row / 8] |= 1 << (row % 8);
    }
    bits
}

pub fn variable(texts: &[String]) -> Variable {
    let mut offsets = vec![0];
    let mut data = Vec::new();
    for text in texts {
        data.extend_from_slice(text.as_bytes());
        offsets.push(i32::try_from(data.len()).expect("a test's batch is small"));
    }
    Variable { offsets, data }
}
