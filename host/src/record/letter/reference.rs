//! A letter whose topic could not hold its record: what is missing is left where the record was read, and the letter says
//! where that is and how to know it again.

use sha2::{Digest as _, Sha256};

use super::Letter;
use crate::record::Record;
use crate::record::display::hexadecimal;

/// Where the parts of a letter's record are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Held {
    /// In the letter.
    #[default]
    Whole,
    /// Some in its topic only, and nobody has read them.
    ByReference(Reference),
    /// Read from its topic.
    Restored(Reference),
    /// They are not there any more.
    Gone { reference: Reference, why: String },
}

/// What a letter says of the record that it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Of the value.
    pub bytes: u64,
    /// [`fingerprint`] of the record.
    pub sha256: String,
}

/// Another record stands where the letter's stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another record stands there now (was the topic made anew?)")]
pub struct AnotherRecord;

impl Reference {
    pub fn of(record: &Record) -> Self {
        Self {
            bytes: record.value.as_ref().map_or(0, |value| value.len() as u64),
            sha256: fingerprint(record),
        }
    }
}

impl Letter {
    /// What has to be read before the letter is whole.
    pub fn reference(&self) -> Option<&Reference> {
        match &self.held {
            Held::ByReference(reference) => Some(reference),
            Held::Whole | Held::Restored(_) | Held::Gone { .. } => None,
        }
    }

    /// Takes what is missing from the record as it was found in its topic.
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

    /// Notes that what is missing cannot be had.
    pub fn give_up(&mut self, why: String) {
        if let Held::ByReference(reference) = &self.held {
            let reference = reference.clone();
            self.held = Held::Gone { reference, why };
        }
    }
}

/// SHA-256 in hexadecimal over key, value and headers, each with its length before it, so that no two records of different
/// parts have the same one.
pub fn fingerprint(record: &Record) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: Option<&[u8]>| {
        // No length is so great: nothing is told from an empty text.
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
