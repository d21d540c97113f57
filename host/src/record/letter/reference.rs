//! Letters whose topic could not hold their whole record. The missing parts stay where the record was read. The letter
//! says where that is, and how to recognize the record.

use sha2::{Digest as _, Sha256};

use super::Letter;
use crate::record::Record;
use crate::record::display::hexadecimal;

/// Where to find the parts of a letter's record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Held {
    /// All parts are in the letter.
    #[default]
    Whole,
    /// Some parts are only in the record's topic, and have not been read.
    ByReference(Reference),
    /// The missing parts were read from the record's topic.
    Restored(Reference),
    /// The missing parts do not exist any more.
    Gone { reference: Reference, why: String },
}

/// How a letter refers to the record that it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Bytes of the value.
    pub bytes: u64,
    /// [`fingerprint`] of the record.
    pub sha256: String,
}

/// Another record is now where the letter's record was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another record is there now (was the topic deleted and created again?)")]
pub struct AnotherRecord;

impl Reference {
    /// Makes the reference to a record.
    pub fn of(record: &Record) -> Self {
        Self {
            bytes: record.value.as_ref().map_or(0, |value| value.len() as u64),
            sha256: fingerprint(record),
        }
    }
}

impl Letter {
    /// The reference to the record, if parts of it have to be read before the letter is whole.
    pub fn reference(&self) -> Option<&Reference> {
        match &self.held {
            Held::ByReference(reference) => Some(reference),
            Held::Whole | Held::Restored(_) | Held::Gone { .. } => None,
        }
    }

    /// Takes the missing parts from the record that was found in its topic.
    pub fn restore(&mut self, found: Record) -> Result<(), AnotherRecord> {
        let Held::ByReference(reference) = &self.held else {
            return Ok(());
        };
        if fingerprint(&found) != reference.sha256 {
            return Err(AnotherRecord);
        }
        self.held = Held::Restored(reference.clone());
        self.record.key = found.key;
        self.record.value = found.value;
        self.record.headers = found.headers;
        Ok(())
    }

    /// Notes that the missing parts cannot be had.
    pub fn give_up(&mut self, why: String) {
        if let Held::ByReference(reference) = &self.held {
            let reference = reference.clone();
            self.held = Held::Gone { reference, why };
        }
    }
}

/// SHA-256 in hexadecimal over key, value and headers. Each part has its length before it, so that different parts
/// never give the same bytes.
pub fn fingerprint(record: &Record) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: Option<&[u8]>| {
        // A real length is never so great. So a missing part differs from an empty one.
        let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
        hash.update(length.to_be_bytes());
        hash.update(bytes.unwrap_or_default());
    };
    part(record.key.as_deref());
    part(record.value.as_deref());
    for header in &record.headers {
        part(Some(header.key.as_bytes()));
        part(header.value.as_deref());
    }
    hexadecimal(&hash.finalize()).trim_start_matches("0x").to_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::record::Header;
    use crate::record::letter::replay::tests::letter;

    fn record() -> Record {
        Record {
            key: Some(Bytes::from_static(b"k")),
            value: Some(Bytes::from_static(b"value")),
            headers: vec![Header {
                key: "trace".to_owned(),
                value: None,
            }],
            ..letter().record
        }
    }

    fn referring() -> Letter {
        let mut letter = letter();
        letter.held = Held::ByReference(Reference::of(&record()));
        letter
    }

    #[test]
    fn the_record_comes_back_whole_and_no_other_one_for_it() {
        let mut whole = referring();
        assert_eq!(whole.reference().map(|reference| reference.bytes), Some(5));
        whole.restore(record()).unwrap();
        assert_eq!(whole.record.value, record().value);
        assert_eq!(
            (&whole.record.key, &whole.record.headers),
            (&record().key, &record().headers)
        );
        assert!(matches!(whole.held, Held::Restored(_)));

        let empty = |record: Record| Record { value: None, ..record };
        let moved = |record: Record| Record { key: None, ..record };
        let bare = |record: Record| Record {
            headers: Vec::new(),
            ..record
        };
        for other in [empty(record()), moved(record()), bare(record())] {
            let mut letter = referring();
            assert_eq!(letter.restore(other), Err(AnotherRecord));
            assert_eq!(letter.record.value, None);
        }
    }

    #[test]
    fn parts_do_not_run_into_one_another() {
        let of = |key: &'static str, value: &'static str| {
            fingerprint(&Record {
                key: Some(Bytes::from_static(key.as_bytes())),
                value: Some(Bytes::from_static(value.as_bytes())),
                ..record()
            })
        };
        assert_ne!(of("a", "bc"), of("ab", "c"));
        assert_ne!(of("", "a"), of("a", ""));
    }
}
