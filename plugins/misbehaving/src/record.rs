//! Implements what one record can do by itself, and the outcome of a batch whose records do nothing wrong.

use std::hint::black_box;

use crate::memory;
use transform_sdk::Json;
use transform_sdk::bindings::exports::host::transform::transformer::{Outcome, Reject, Rows};
use transform_sdk::bindings::host::transform::log;
use transform_sdk::builder::column;

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
        let documents = (0..self.source.len()).map(|row| Json::from(format!("{{\"row\":{row}}}")));
        let columns = vec![column(self.behaviours), column(self.numbers), column(documents)];
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
