//! The kinds of bad records, each with the code that its dead letter must have.

use serde_json::json;

/// A record that must become a dead letter with `code`.
#[derive(Debug, Clone, Copy)]
pub struct Poison {
    pub code: &'static str,
    shape: Shape,
    /// Of the draws; an endless guest costs a deadline for each halving of its batch, so it is rare.
    weight: u32,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    /// A well-formed record whose word makes the plugin misbehave.
    Behaviour(&'static str),
    /// A value that is no record.
    Bytes(&'static [u8]),
    NoValue,
    /// A good record stamped long after now.
    Future,
    /// A good record whose number does not fit the column.
    TooLarge,
}

/// Stamped in 2096.
const FUTURE_MS: i64 = 4_000_000_000_000;

const ALL: &[Poison] = &[
    guest("trap", "trap", 40),
    guest("stack", "trap", 20),
    guest("memory", "memory", 20),
    guest("loop", "deadline", 8),
    guest("unaccounted", "unaccounted", 40),
    guest("reject", "as-asked", 80),
    guest("too-many-rows", "contract", 10),
    guest("no-such-row", "contract", 10),
    guest("no-such-output", "contract", 10),
    guest("row-and-rejected", "contract", 10),
    guest("row-and-filtered", "contract", 10),
    guest("bad-code", "contract", 10),
    guest("bad-message", "contract", 10),
    guest("one-column-less", "contract", 10),
    guest("wrong-type", "contract", 10),
    guest("short-column", "contract", 10),
    guest("short-validity", "contract", 10),
    guest("null-in-non-null", "contract", 10),
    guest("negative-offset", "contract", 10),
    guest("offsets-past-the-end", "contract", 10),
    guest("bad-utf8", "contract", 10),
    record(b"{\"id\":1,\"behaviour\":\"cut off", "bad-json"),
    record(b"\xff\xfe\xfd", "bad-json"),
    record(b"", "bad-json"),
    record(b"{\"behaviour\":\"no id\"}", "missing-field"),
    record(b"{\"id\":null,\"behaviour\":\"null id\"}", "null-field"),
    record(b"{\"id\":\"eleven\",\"behaviour\":\"text id\"}", "bad-type"),
    Poison {
        code: "tombstone",
        shape: Shape::NoValue,
        weight: 20,
    },
    Poison {
        code: "future-timestamp",
        shape: Shape::Future,
        weight: 20,
    },
    Poison {
        code: "bad-value",
        shape: Shape::TooLarge,
        weight: 40,
    },
];

const fn guest(behaviour: &'static str, code: &'static str, weight: u32) -> Poison {
    Poison {
        code,
        shape: Shape::Behaviour(behaviour),
        weight,
    }
}

const fn record(bytes: &'static [u8], code: &'static str) -> Poison {
    Poison {
        code,
        shape: Shape::Bytes(bytes),
        weight: 10,
    }
}

/// One of them.
pub fn draw(choices: &mut fastrand::Rng) -> Poison {
    let mut left = choices.u32(..ALL.iter().map(|poison| poison.weight).sum::<u32>());
    for poison in ALL {
        if left < poison.weight {
            return *poison;
        }
        left -= poison.weight;
    }
    unreachable!("the weights are summed above")
}

/// Every kind, once.
pub fn every() -> impl Iterator<Item = Poison> {
    ALL.iter().copied()
}

impl Poison {
    pub fn value(self, id: i64) -> Option<Vec<u8>> {
        let text =
            |behaviour: &str, number: i64| json!({"id": id, "behaviour": behaviour, "number": number}).to_string();
        match self.shape {
            Shape::Behaviour(behaviour) => Some(text(behaviour, 1).into_bytes()),
            Shape::Bytes(bytes) => Some(bytes.to_vec()),
            Shape::NoValue => None,
            Shape::Future => Some(text("too early", 1).into_bytes()),
            Shape::TooLarge => Some(text("too large", 1 << 40).into_bytes()),
        }
    }

    /// The stamp, where the kind has one of its own.
    pub fn timestamp_ms(self) -> Option<i64> {
        matches!(self.shape, Shape::Future).then_some(FUTURE_MS)
    }

    pub fn is_endless(self) -> bool {
        matches!(self.shape, Shape::Behaviour("loop"))
    }
}
