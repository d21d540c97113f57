//! Tests generations and limits of one letter.

use std::sync::Arc;

use super::*;
use crate::record::Record;
use crate::record::letter::PluginName;
use crate::record::letter::reference::{Held, Reference};
use crate::record::position::{Partition, Position, WriteTime};
use crate::record::reject::Reject;
use crate::record::stage::Stage;

/// A letter that was never replayed, for the tests of this folder.
pub fn letter() -> Letter {
    Letter {
        record: Record {
            position: Position {
                partition: Arc::new(Partition {
                    topic: "orders".into(),
                    number: 3,
                }),
                offset: Offset(7),
                line: None,
            },
            timestamp_ms: Some(1_506_941_793_000),
            key: None,
            value: None,
            headers: Vec::new(),
            redriven: None,
        },
        reject: Reject::new(Stage::Transform, "bad-uuid", "order_id is no uuid"),
        plugin: PluginName {
            name: "order_enrich".into(),
            version: "0.1.0".into(),
            digest: format!("sha256:{}", "ab".repeat(32)),
        },
        attempt: 1,
        write_time: WriteTime(1_506_941_793_000_000),
        generation: 0,
        replays: 0,
        rejected_at_ms: None,
        held: Held::Whole,
    }
}

fn selection(floor: u8) -> Selection {
    Selection {
        filter: Filter::default(),
        max_replays: 5,
        floor,
    }
}

#[test]
fn a_replay_is_above_its_record_and_not_above_the_next_one() {
    let redriven = selection(1).judge(&letter(), Offset(2)).unwrap();
    assert_eq!(redriven.write_time(), WriteTime(1_506_941_793_000_001));
    assert_eq!((redriven.replays, redriven.letter), (1, Offset(2)));
    let highest = selection(MAX_GENERATION).judge(&letter(), Offset(2)).unwrap();
    assert!(highest.write_time().0 < letter().write_time.0 + 16);
    assert_eq!(selection(16).judge(&letter(), Offset(2)), Err(Skip::NoGeneration));
}

#[test]
fn a_record_rejected_again_goes_above_the_generation_of_its_replay_and_keeps_its_base() {
    let again = Letter {
        write_time: WriteTime(1_506_941_793_000_004),
        generation: 4,
        replays: 1,
        ..letter()
    };
    let redriven = selection(2).judge(&again, Offset(2)).unwrap();
    assert_eq!(redriven.write_time(), WriteTime(1_506_941_793_000_005));
    assert_eq!(redriven.replays, 2);
    let last = Letter {
        generation: MAX_GENERATION,
        ..again
    };
    assert_eq!(selection(2).judge(&last, Offset(2)), Err(Skip::NoGeneration));
}

#[test]
fn a_record_replayed_to_the_limit_stays() {
    let tired = Letter { replays: 5, ..letter() };
    assert_eq!(
        selection(1).judge(&tired, Offset(0)),
        Err(Skip::TooOften { replays: 5 })
    );
    let nearly = Letter { replays: 4, ..letter() };
    assert!(selection(1).judge(&nearly, Offset(0)).is_ok());
}

#[test]
fn a_letter_whose_value_is_gone_is_left_and_never_replayed_without_it() {
    let reference = Reference {
        bytes: 5,
        sha256: String::new(),
    };
    let unread = Letter {
        held: Held::ByReference(reference.clone()),
        ..letter()
    };
    let gone = Letter {
        held: Held::Gone {
            reference,
            why: "deleted".to_owned(),
        },
        ..letter()
    };
    for (letter, said) in [(unread, "not read"), (gone, "deleted")] {
        let skip = selection(1).judge(&letter, Offset(2)).unwrap_err();
        assert!(
            matches!(skip, Skip::Gone { .. }) && skip.to_string().contains(said),
            "{skip}"
        );
    }
}
