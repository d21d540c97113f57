//! The latest rejected records of each code, so that the status shows some without a look at the dead letters.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

use super::totals;
use crate::dead_letter::DeadLetter;

/// Examples kept of each code: enough to see whether they are alike.
const KEPT: usize = 5;

/// A longer message is cut, since it may repeat what the record holds.
const MESSAGE_BYTES: usize = 300;

/// A record that was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// `topic/partition@offset`
    pub record: String,
    pub code: String,
    pub message: String,
}

/// The latest rejects of each code, shared by the workers.
#[derive(Debug, Default)]
pub struct Examples {
    by_code: Mutex<BTreeMap<String, VecDeque<Example>>>,
}

impl Examples {
    /// Notes rejected records, in the order of their offsets.
    pub fn note(&self, letters: &[DeadLetter]) {
        if letters.is_empty() {
            return;
        }
        let mut of_batch: BTreeMap<&str, usize> = BTreeMap::new();
        let mut latest = Vec::new();
        for letter in letters.iter().rev() {
            let noted = of_batch.entry(&letter.reject.code).or_default();
            *noted += 1;
            if *noted <= KEPT {
                latest.push(letter);
            }
        }
        let mut by_code = self.by_code.lock();
        for letter in latest.into_iter().rev() {
            let code = totals::bounded(&by_code, &letter.reject.code).to_owned();
            let kept = by_code.entry(code).or_default();
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(Example {
                record: letter.record.position.to_string(),
                code: letter.reject.code.to_string(),
                message: cut(&letter.reject.message),
            });
        }
    }

    /// The examples by code, the oldest first.
    pub fn latest(&self) -> BTreeMap<String, Vec<Example>> {
        let by_code = self.by_code.lock();
        let copied = by_code
            .iter()
            .map(|(code, kept)| (code.clone(), kept.iter().cloned().collect()));
        copied.collect()
    }
}

fn cut(message: &str) -> String {
    if message.len() <= MESSAGE_BYTES {
        return message.to_owned();
    }
    format!("{}…", &message[..message.floor_char_boundary(MESSAGE_BYTES)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"ä".repeat(400));
        assert_eq!(long.chars().count(), MESSAGE_BYTES / 2 + 1);
        assert!(long.ends_with('…'));
    }
}
